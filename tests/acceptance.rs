//! Hand-made messages, many of them malformed, given to a worker: what real Celery 5.7 did (`golden/*_acceptance.jsonl`),
//! and what a simq worker does in the simulated cluster. Every row is tested, but for those about the Redis envelope.
//!
//! Where Celery runs, fails or revokes the task, simq does the same. Where Celery crashes, or meets the message again for
//! ever, simq dead-letters or rejects it with a reason and lives on.

use serde_json::{Value, json};
use simq::events::State;
use simq::message::payload::Compression;
use simq::message::{DeliveryMode, Message, Properties, Table};
use simq::scenario::testkit::{Client, Cluster, Summary};
use simq::settings::{Profile, Settings};
use simq::{App, TaskContext};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const ROWS: [&str; 2] = [include_str!("golden/redis_acceptance.jsonl"), include_str!("golden/amqp_acceptance.jsonl")];

/// The row's message never reaches a worker of the embedded broker; `None` for the rows that are tested.
fn not_tested(case: &str) -> Option<&'static str> {
    Some(match case {
        "without_delivery_info" | "without_delivery_tag" | "envelope_without_properties" => {
            "what is missing is only in the Redis envelope, and the Redis adapter's to read"
        }
        "not_json" | "json_not_object" | "empty_object" => "it is no Redis envelope, and the Redis adapter's to refuse",
        _ => return None,
    })
}

/// What a worker made of a message.
#[derive(Debug, PartialEq)]
enum Reaction {
    /// A state and what is stored with it: the result, or the type of the exception. Then acked.
    Stored(State, Value),
    /// A FAILURE of this type, and rejected without requeue.
    RejectedWithFailure(Value),
    /// Not a task message: put aside with its reason where there is a dead-letter queue; without one acked if the bytes
    /// of its body can't be read, and else rejected.
    Refused { acked: bool },
}

/// Rows in which simq differs from Celery on purpose: `docs/celery-differences.md` has them.
fn differs(case: &str) -> Option<Reaction> {
    match case {
        // Celery takes the keys of an object for arguments, and fails the task only if their number is wrong.
        "body_args_object" => Some(Reaction::Refused { acked: false }),
        _ => None,
    }
}

fn expected(row: &Value) -> Reaction {
    let case = row["case"].as_str().expect("a case");
    if let Some(reaction) = differs(case) {
        return reaction;
    }
    let log = row["log"].to_string();
    match row["state"].as_str() {
        Some("SUCCESS") => Reaction::Stored(State::Success, row["result"].clone()),
        Some("REVOKED") => Reaction::Stored(State::Revoked, row["result"]["exc_type"].clone()),
        Some("FAILURE") if log.contains("unregistered task") => {
            Reaction::RejectedWithFailure(row["result"]["exc_type"].clone())
        }
        Some("FAILURE") => Reaction::Stored(State::Failure, row["result"]["exc_type"].clone()),
        // Rejected by Celery, or a crash, a loop of reconnects, or an internal error.
        None => Reaction::Refused { acked: log.contains("Can't decode message body") },
        other => panic!("{case}: a new state {other:?}"),
    }
}

fn base64(text: &str) -> Vec<u8> {
    let quoted = json!({"__type__": "base64", "__value__": text});
    serde_json::from_value::<simq::message::python::Bytes>(quoted).expect("base64").0
}

/// The message of a row, without what only Redis has around it.
fn message(envelope: &Value) -> Message {
    let properties = &envelope["properties"];
    let body = envelope["body"].as_str().expect("a body");
    let body = if properties["body_encoding"] == "base64" { base64(body) } else { body.into() };
    let mut headers = Table::default();
    for (name, value) in envelope["headers"].as_object().into_iter().flatten() {
        headers.push(name.clone(), value.clone());
    }
    let text = |value: &Value| value.as_str().map(Into::into);
    Message {
        headers,
        properties: Properties {
            content_type: text(&envelope["content-type"]),
            content_encoding: text(&envelope["content-encoding"]),
            delivery_mode: DeliveryMode::Persistent,
            priority: 0,
            correlation_id: text(&properties["correlation_id"]),
            reply_to: None,
            expiration: None,
        },
        body: body.into(),
    }
}

fn app(profile: Profile) -> App {
    app_with(Settings::new(profile))
}

fn app_with(settings: Settings) -> App {
    let app = App::with_settings("proj", settings);
    app.task("proj.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    app.task("proj.echo", |_: TaskContext, (): ()| async move { Ok(json!([[], {}])) });
    app
}

/// What was seen of a message, by a script in the cluster.
#[derive(Default)]
struct Seen {
    state: Option<State>,
    result: Value,
    dead_letters: Vec<Message>,
    left: usize,
}

async fn look(client: &Client, message: Message, dead_letters: Option<String>) -> Seen {
    let id = message.headers.get("id").and_then(Value::as_str).or(message.properties.correlation_id.as_deref());
    let id = id.unwrap_or("(no id)").to_owned();
    client.publish("celery", message).await.expect("published");
    client.sleep(Duration::from_secs(5)).await;
    // The worker lives, and goes on.
    let add = client.app.remote::<(i64, i64), i64>("proj.add");
    let next = add.delay((4, 6)).await.expect("published");
    assert_eq!(next.get(Duration::from_secs(5)).await, Ok(10), "the next task");
    let meta = client.app.result::<Value>(&id).expect("a started application").meta().await.expect("an answer");
    let result = meta.as_ref().map_or(Value::Null, |meta| match meta.state {
        State::Success => serde_json::from_str(meta.result().expect("a meta").get()).expect("JSON"),
        _ => meta.failure().exc_type.into(),
    });
    let mut seen = Seen { state: meta.map(|meta| meta.state), result, ..Seen::default() };
    if let Some(dead) = dead_letters {
        let letters = client.take(&dead).await.expect("a broker");
        seen.dead_letters = letters.iter().map(|letter| (**letter).clone()).collect();
    }
    seen.left = client.take("celery").await.expect("a broker").len();
    seen
}

fn give(message: Message, profile: Profile) -> (Seen, Summary) {
    let dead_letters = Settings::new(profile).task_dead_letter_queue.clone();
    let told = Rc::new(RefCell::new(None));
    let tell = told.clone();
    let summary = Cluster::new(move || app(profile)).run(move |client| {
        let (message, dead_letters, tell) = (message.clone(), dead_letters.clone(), tell.clone());
        async move {
            let seen = look(&client, message, dead_letters).await;
            *tell.borrow_mut() = Some(seen);
        }
    });
    (told.take().expect("the script has ended"), summary)
}

fn check(case: &str, row: &Value, profile: Profile) {
    let sent = message(&row["message"]);
    let (seen, summary) = give(sent.clone(), profile);
    let buries = profile == Profile::Safe;
    let expected = expected(row);
    let (state, result, is_dead, rejected) = match &expected {
        Reaction::Stored(state, result) => (Some(*state), result.clone(), false, false),
        Reaction::RejectedWithFailure(kind) => (Some(State::Failure), kind.clone(), true, true),
        Reaction::Refused { acked } => (None, Value::Null, true, !acked),
    };
    let context = format!("{case} in {profile:?}, expected {expected:?}");
    assert_eq!((seen.state, &seen.result), (state, &result), "{context}");
    assert_eq!(seen.left, 0, "{context}: messages left in the queue");
    assert_eq!(seen.dead_letters.len(), usize::from(is_dead && buries), "{context}: dead letters");
    assert_eq!(summary.rejected, u64::from(rejected && !buries), "{context}: rejected without a dead-letter queue");
    for letter in &seen.dead_letters {
        assert_eq!(letter.body, sent.body, "{context}");
        if matches!(expected, Reaction::Refused { .. }) {
            let reason = letter.headers.get("simq-reason").and_then(Value::as_str).unwrap_or_default();
            assert!(reason.contains("expected") && reason.contains("found"), "{context}: {reason:?}");
        }
    }
}

#[test]
fn every_message_has_its_reaction() {
    let (mut tested, mut skipped) = (0, 0);
    for row in ROWS.into_iter().flat_map(str::lines) {
        let row: Value = serde_json::from_str(row).expect("golden rows are JSON");
        let case = row["case"].as_str().expect("a case");
        if not_tested(case).is_some() {
            skipped += 1;
            continue;
        }
        for profile in [Profile::Celery, Profile::Safe] {
            check(case, &row, profile);
        }
        tested += 1;
    }
    assert_eq!((tested, skipped), (36 + 35, 6));
}

/// A message of protocol 2 that nobody captured.
fn crafted(content_type: &str, compression: Option<Compression>, body: &[u8]) -> Message {
    let mut message = Message::default();
    message.headers.push("task", "proj.add");
    message.headers.push("id", "crafted");
    message.properties.content_type = Some(content_type.into());
    message.properties.correlation_id = Some("crafted".into());
    if let Some(compression) = compression {
        message.headers.push("compression", compression.content_type());
    }
    let packed = compression.map_or_else(|| body.to_vec(), |by| by.compress(body).expect("compressed"));
    message.body = packed.into();
    message
}

/// The reason on the dead letter of a message, beside which the worker has lived on.
fn reason(settings: Settings, message: Message) -> String {
    let told = Rc::new(RefCell::new(None));
    let tell = told.clone();
    let dead_letters = settings.task_dead_letter_queue.clone();
    Cluster::new(move || app_with(settings.clone())).run(move |client| {
        let (message, dead_letters, tell) = (message.clone(), dead_letters.clone(), tell.clone());
        async move {
            let seen = look(&client, message, dead_letters).await;
            assert_eq!(seen.state, None, "it is no task, and so has no state");
            *tell.borrow_mut() =
                seen.dead_letters.first().and_then(|letter| letter.headers.get("simq-reason").cloned());
        }
    });
    let reason = told.take().expect("a dead letter with a reason");
    reason.as_str().expect("a text").to_owned()
}

#[test]
fn a_bomb_is_a_dead_letter_that_says_how_large_it_may_be() {
    let settings = Settings { max_body_size: 100_000, ..Settings::new(Profile::Safe) };
    for compression in Compression::ALL {
        let bomb = crafted("application/json", Some(compression), &vec![b'0'; 200_000]);
        assert!(bomb.body.len() < 2_000, "{compression}: {} bytes", bomb.body.len());
        let reason = reason(settings.clone(), bomb);
        assert!(reason.contains("100000"), "{compression}: {reason}");
    }
}

#[test]
fn a_pickle_is_a_dead_letter_that_names_what_it_would_have_called() {
    let pickle = || crafted("application/x-python-serialize", None, b"cos\nsystem\n(X\x0b\0\0\0touch ownedtR.");
    let unread = reason(Settings::new(Profile::Safe), pickle());
    assert!(unread.contains("application/json") && unread.contains("application/x-python-serialize"), "{unread}");
    let mut accepting = Settings::new(Profile::Safe);
    let content = toml::Value::Array(vec!["json".into(), "pickle".into()]);
    accepting.set("accept_content", &content).expect("a setting");
    let read = reason(accepting, pickle());
    assert!(read.contains("os.system") || read.contains("os system"), "{read}");
}

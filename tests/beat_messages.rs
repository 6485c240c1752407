//! What real Celery's beat published in its first seven seconds (`golden/beat_messages.jsonl`), and what simq's beat
//! publishes in profile `celery` under the same schedule: when, where to, and every field of the messages.

use serde_json::Value;
use simq::message::{DeliveryMode, Message, Timestamp};
use simq::scenario::testkit::{Client, Cluster};
use simq::settings::{Profile, Settings};
use simq::{App, Kwargs, TaskContext};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The entries of the capture, as the stored schedule of its second row shows them.
const SCHEDULE: &str = r#"
[beat_schedule]
every-1s = { task = "proj.add", schedule = 1, args = [1, 2] }
with-options = { task = "proj.echo", schedule = 2, kwargs = { a = 1 }, options = { queue = "hi", expires = 10, priority = 3 } }
minutely = { task = "proj.noresult", schedule = "* * * * *" }
relative = { task = "proj.nap", schedule = 5, args = [0], relative = true }
unknown-task = { task = "other.lang.task", schedule = 3, args = [7] }
"#;
/// When the capture began.
const STARTED: &str = "2026-11-22T12:06:02.660000+00:00";
const TICK: Duration = Duration::from_millis(10);

struct Published {
    at: Duration,
    queue: &'static str,
    message: Message,
}

fn app() -> App {
    let mut settings = Settings::new(Profile::Celery);
    settings.set_all(&SCHEDULE.parse().expect("TOML")).expect("a schedule");
    let app = App::with_settings("proj", settings);
    app.task("proj.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    app.task("proj.echo", |_: TaskContext, Kwargs(named): Kwargs<Value>| async move { Ok(named) });
    app.task("proj.nap", |_: TaskContext, (seconds,): (i64,)| async move { Ok(seconds) });
    app
}

async fn collect(client: Client, published: Rc<RefCell<Vec<Published>>>) {
    while client.now() < Duration::from_millis(6_500) {
        client.sleep(TICK).await;
        for queue in ["celery", "hi"] {
            for message in client.take(queue).await.expect("a broker") {
                published.borrow_mut().push(Published { at: client.now(), queue, message: (*message).clone() });
            }
        }
    }
}

fn published() -> Vec<Published> {
    let published = Rc::new(RefCell::new(Vec::new()));
    let collected = published.clone();
    let starts = Timestamp::parse(STARTED).expect("a time");
    let cluster = Cluster::new(app).workers(0, 1).beat().starts_at(starts).limit(Duration::from_secs(7));
    cluster.run(move |client| collect(client, collected.clone()));
    published.take()
}

/// A header as both would write it, whatever is drawn or measured in it.
fn fixed(name: &str, value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    match name {
        "id" | "root_id" => (text.len() == 36 && text.matches('-').count() == 4).into(),
        "origin" => (text.starts_with("gen") && text.contains('@')).into(),
        "expires" => Timestamp::parse(text).is_ok().into(),
        _ => value.clone(),
    }
}

fn check(row: &Value, ours: &Published) {
    let context = format!("at {:?}: {row}", ours.at);
    let (queue, _) = row["queue"].as_str().and_then(|queue| queue.split_once('\u{6}')).unwrap_or_default();
    let queue = if queue.is_empty() { row["queue"].as_str().unwrap_or_default() } else { queue };
    assert_eq!(ours.queue, queue, "{context}");
    let apart = (row["t"].as_f64().expect("a time") - ours.at.as_secs_f64()).abs();
    assert!(apart < 0.1, "{apart} seconds apart, {context}");
    let body: Value = serde_json::from_slice(&ours.message.body).expect("JSON");
    assert_eq!(body, row["body"], "{context}");
    let theirs = row["headers"].as_object().expect("headers");
    for (name, value) in theirs {
        let own = ours.message.headers.get(name).unwrap_or_else(|| panic!("no header {name}, {context}"));
        assert_eq!(fixed(name, own), fixed(name, value), "header {name}, {context}");
    }
    assert_eq!(ours.message.headers.len(), theirs.len(), "{context}");
    let properties = &ours.message.properties;
    assert_eq!(properties.correlation_id.as_deref(), ours.message.headers.get("id").and_then(Value::as_str));
    assert_eq!(Value::from(properties.priority), row["properties"]["priority"], "{context}");
    assert_eq!(properties.delivery_mode, DeliveryMode::Persistent, "{context}");
    assert_eq!(row["properties"]["delivery_mode"], 2, "{context}");
}

#[test]
fn beat_publishes_what_real_celery_did_and_when() {
    let rows: Vec<Value> = include_str!("golden/beat_messages.jsonl")
        .lines()
        .map(|row| serde_json::from_str(row).expect("JSON"))
        .collect();
    let theirs = rows[0]["messages"].as_array().expect("messages");
    let ours = published();
    // Those that were due at the same moment may come in either order.
    let task = |message: &Value| message["headers"]["task"].to_string();
    let mut theirs: Vec<&Value> = theirs.iter().collect();
    theirs.sort_by_key(|message| task(message));
    let mut ours: Vec<&Published> = ours.iter().collect();
    ours.sort_by_key(|published| published.message.headers.get("task").map(Value::to_string));
    assert_eq!(ours.len(), theirs.len());
    theirs.iter().zip(ours).for_each(|(row, published)| check(row, published));
}

/// The second row: what Celery keeps of each entry. simq has a file of its own; the schedules read the same.
#[test]
fn entries_read_as_celery_shows_them() {
    let row: Value =
        serde_json::from_str(include_str!("golden/beat_messages.jsonl").lines().nth(1).expect("a row")).expect("JSON");
    let kept = row["entries"].as_object().expect("entries");
    assert_eq!(kept.len(), 5);
    for (name, entry) in kept {
        let text = SCHEDULE.lines().find(|line| line.starts_with(&format!("{name} = "))).expect("an entry");
        let task = entry["task"].as_str().expect("a task");
        assert!(text.contains(&format!("task = {task:?}")), "{name}: {text}");
    }
}

//! Results as they are stored, next to what real Celery stored (`golden/redis_result_backend.jsonl`): key for key in
//! order, but for times, names of hosts, ids of other tasks, and the text of tracebacks.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use simq::app::{RawArguments, TaskArgs};
use simq::testkit::Cluster;
use simq::{App, CallOptions, Failure, Profile, Settings, TaskContext, TaskError};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Arguments as Python callers mix them.
struct Python(Value, Value);

impl TaskArgs for Python {
    fn to_json(&self) -> Result<RawArguments, String> {
        let raw = |value: &Value| serde_json::value::to_raw_value(value).map_err(|error| error.to_string());
        Ok((raw(&self.0)?, raw(&self.1)?))
    }

    fn from_json(args: &RawValue, kwargs: &RawValue, _: &[String]) -> Result<Self, String> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|error| error.to_string());
        Ok(Python(read(args)?, read(kwargs)?))
    }
}

/// The tasks of the capture's module `proj`.
fn app(extended: bool, track_started: bool) -> App {
    let base = Settings::new(Profile::Celery);
    let settings = Settings { result_extended: extended, task_track_started: track_started, ..base };
    let app = App::with_settings("proj", settings);
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    app.task("proj.add", move |_: TaskContext, Python(args, kwargs): Python| async move {
        Ok(number(&args[0]) + number(&args[1]) + number(&kwargs["y"]))
    });
    app.task(
        "proj.fail",
        |_: TaskContext, (): ()| async move { Err::<(), _>(failure("ValueError", json!(["boom", 42]))) },
    );
    app.task("proj.retry_once", |ctx: TaskContext, (x,): (i64,)| async move {
        if ctx.retries() > 0 {
            return Ok(x);
        }
        Err(TaskError::retry_in(Duration::from_secs(1)).because(failure("KeyError", json!(["k"]))))
    });
    app.task("proj.retry_out", |_: TaskContext, (): ()| async move {
        let never = failure("ValueError", json!(["never"]));
        Err::<(), _>(TaskError::retry_in(Duration::from_secs(1)).because(never).at_most(1))
    });
    app.task("proj.sleep", |ctx: TaskContext, (seconds,): (f64,)| async move {
        ctx.sleep(Duration::from_secs_f64(seconds)).await;
        Ok(seconds)
    });
    app.task("proj.spawn", |ctx: TaskContext, (x,): (i64,)| async move {
        ctx.app().remote::<(i64, i64), i64>("proj.add").delay((x, x)).await?;
        Ok(x)
    });
    app.task("proj.reject", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::reject("nope", false)) });
    app.task("proj.custom_state", |ctx: TaskContext, (): ()| async move {
        ctx.update_state("PROGRESS", json!({ "done": 3, "total": 10 })).await?;
        ctx.sleep(Duration::from_secs(2)).await;
        Ok(())
    });
    app
}

fn failure(exc_type: &str, message: Value) -> TaskError {
    let message = message.as_array().cloned().unwrap_or_default();
    TaskError::Failure(Failure { message, ..Failure::new(exc_type, "") })
}

/// What is done in a case of the capture.
#[derive(Clone)]
struct Story {
    task: &'static str,
    args: Value,
    kwargs: Value,
    options: CallOptions,
    /// When it is looked at, in place of when it is done.
    look: Option<Duration>,
    revoke: Option<(Duration, bool)>,
    kill: bool,
}

fn call(task: &'static str, args: Value) -> Story {
    let (kwargs, options) = (json!({}), CallOptions::default());
    Story { task, args, kwargs, options, look: None, revoke: None, kill: false }
}

fn story(case: &str) -> Option<Story> {
    let (seconds, half) = (Duration::from_secs, Duration::from_millis(500));
    let options = CallOptions::default;
    let stamped = || {
        let mut options = options();
        options.stamps.insert("team".into(), "blue".into());
        options
    };
    Some(match case {
        "success" | "acks_late_success" => call("proj.add", json!([1, 2])),
        "failure" | "ext_failure" => call("proj.fail", json!([])),
        "retry_then_success" => call("proj.retry_once", json!([7])),
        "retry_intermediate_state" | "ext_retry_mid" => {
            Story { look: Some(half), ..call("proj.retry_once", json!([7])) }
        }
        "retry_exhausted" => call("proj.retry_out", json!([])),
        "eta_2s" => {
            let options = CallOptions { countdown: Some(seconds(2)), ..options() };
            Story { options, ..call("proj.add", json!([1, 2])) }
        }
        "expired" => {
            let options = CallOptions { countdown: Some(seconds(1)), expires: Some(half), ..options() };
            Story { options, ..call("proj.add", json!([1, 2])) }
        }
        "revoked_while_scheduled" | "ext_revoked" => {
            let options = CallOptions { countdown: Some(seconds(2)), ..options() };
            Story { options, revoke: Some((half, false)), ..call("proj.add", json!([1, 2])) }
        }
        "revoked_terminate_running" => Story { revoke: Some((half, true)), ..call("proj.sleep", json!([30])) },
        "children" => call("proj.spawn", json!([3])),
        "reject" => call("proj.reject", json!([])),
        "unregistered" => call("no.such.task", json!([])),
        "custom_state_mid" => Story { look: Some(half), ..call("proj.custom_state", json!([])) },
        "stamped" | "ext_stamped" => Story { options: stamped(), ..call("proj.add", json!([1, 1])) },
        "warm_shutdown_with_running_and_prefetched" => call("proj.sleep", json!([1.5])),
        "ext_success" => Story { kwargs: json!({ "y": 2 }), ..call("proj.add", json!([1])) },
        "ext_started" => Story { look: Some(half), ..call("proj.sleep", json!([1.5])) },
        "worker_lost" => Story { kill: true, ..call("proj.sleep", json!([30])) },
        "soft_time_limit" => {
            let options = CallOptions { soft_time_limit: Some(seconds(1)), ..options() };
            Story { options, ..call("proj.sleep", json!([5])) }
        }
        "hard_time_limit" => {
            let options = CallOptions { time_limit: Some(seconds(1)), ..options() };
            Story { options, ..call("proj.sleep", json!([5])) }
        }
        _ => return None,
    })
}

/// What the simulated cluster stores.
fn stored(case: &str, id: &str, story: Story) -> Value {
    let (extended, track) = (case.starts_with("ext_"), case == "ext_started");
    let found = Rc::new(RefCell::new(Value::Null));
    let (told, id) = (found.clone(), id.to_owned());
    let mut cluster = Cluster::new(move || app(extended, track));
    if story.kill {
        cluster = cluster.kill_at(Duration::from_secs(2), "w1/1");
    }
    cluster.run(move |client| {
        let (story, told, id) = (story.clone(), told.clone(), id.clone());
        async move {
            client.sleep(Duration::from_secs(1)).await;
            let options = CallOptions { task_id: Some(id.as_str().into()), ..story.options };
            let handle = client.app.remote::<Python, Value>(story.task);
            let call = handle.apply_async(Python(story.args, story.kwargs), options).await.expect("it is answered");
            if let Some((after, terminate)) = story.revoke {
                client.sleep(after).await;
                call.revoke(terminate).await.expect("it is answered");
            }
            match story.look {
                Some(after) => client.sleep(after).await,
                None => drop(call.get(HOUR / 2).await),
            }
            let meta = call.meta().await.expect("it is answered").expect("something is stored");
            *told.borrow_mut() = serde_json::from_slice(meta.json()).expect("it is answered");
        }
    });
    found.take()
}

/// Without what differs from run to run.
fn comparable(meta: &Value, id: &str) -> String {
    let mut meta = meta.clone();
    if let Some(traceback) = meta["traceback"].as_str() {
        assert!(traceback.starts_with("Traceback (most recent call last):\n"), "{traceback}");
        meta["traceback"] = "a traceback".into();
    }
    if meta["date_done"].is_string() {
        meta["date_done"] = "a time".into();
    }
    for (object, key) in [(true, "worker"), (false, "hostname"), (false, "pid")] {
        let place = if object { meta.get_mut(key) } else { meta["result"].get_mut(key) };
        place.into_iter().for_each(|place| *place = "a host".into());
    }
    for child in meta["children"].as_array_mut().into_iter().flatten().filter(|child| child[0][0] != id) {
        child[0][0] = "another task".into();
    }
    let lost = meta["result"]["exc_type"] == "WorkerLostError";
    if let Some(message) = meta["result"].get_mut("exc_message").filter(|_| lost) {
        assert!(message[0].as_str().is_some_and(|text| text.starts_with("Worker exited prematurely: ")), "{message}");
        *message = "how".into();
    }
    meta.to_string()
}

/// Cases that are not stored by this parts.
const LEFT: [(&str, &str); 8] = [
    ("chain", "canvas"),
    ("group", "canvas"),
    ("chord", "canvas"),
    ("link", "canvas"),
    ("starmap", "canvas"),
    ("replace", "canvas"),
    ("result_", "serializers and compressions of results belong to the Redis result store"),
    ("visibility_restore", "Redis"),
];
/// And those that have their test elsewhere, or differ on purpose.
const ELSEWHERE: [(&str, &str); 5] = [
    ("ext_chord", "canvas"),
    ("unserializable_result", "Python's TypeError; simq's EncodeError has serde's words"),
    ("control_revoke", "the meta of a task that nobody knows"),
    ("ignore", "nothing is stored: tests/results.rs"),
    ("acks_late_running", "nothing is stored yet"),
];

/// What is not the same yet. A case that has become so must leave this list.
const DIFFERS: [(&str, &str); 4] = [
    ("retry_intermediate_state", "Celery names the task itself among its children: the message that it has sent again"),
    ("ext_retry_mid", "the same"),
    ("ext_started", "simq writes no pid: its pool children are no processes of the operating system"),
    ("ext_revoked", "the REVOKED of a task that waits is written without what result_extended adds"),
];

#[test]
fn what_is_stored_is_what_celery_stores() {
    let golden = include_str!("golden/redis_result_backend.jsonl");
    let (mut compared, mut wrong) = (0, Vec::new());
    for row in golden.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let case = row["case"].as_str().unwrap();
        let Some(story) = story(case) else {
            let left = LEFT.iter().any(|(name, _)| case.starts_with(name));
            let known = left || ELSEWHERE.iter().any(|(name, _)| case.starts_with(name)) || case == "global_keyprefix";
            assert!(known, "{case} has no test");
            continue;
        };
        let metas = row["keys"].as_array().unwrap().iter().filter_map(|key| key["value"].as_str());
        let mut metas = metas.filter_map(|text| serde_json::from_str::<Value>(text).ok());
        // The task that was called, and not the one that it called.
        let meta = metas.find(|meta| meta["parent_id"].is_null() || meta["parent_id"] == meta["task_id"]);
        let meta = meta.expect("a meta");
        let id = meta["task_id"].as_str().unwrap();
        let (ours, theirs) = (comparable(&stored(case, id, story), id), comparable(&meta, id));
        compared += 1;
        let differs = DIFFERS.iter().any(|(name, _)| *name == case);
        if (ours != theirs) != differs {
            wrong.push(format!("{case}\n  celery {theirs}\n  simq   {ours}"));
        }
    }
    assert!(compared > 20, "{compared}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

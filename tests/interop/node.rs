//! simq's side: the tasks of `proj.py`, and processes that run them.

use crate::site::Site;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use simq::app::{RawArguments, TaskArgs};
use simq::settings::Profile;
use simq::{App, AsyncResult, CallOptions, Error, Failure, Running, Settings, TaskContext, TaskError};
use std::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest wait for a result.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Any arguments.
pub(crate) struct Any(pub(crate) Value, pub(crate) Value);

impl TaskArgs for Any {
    fn to_json(&self) -> Result<RawArguments, String> {
        let raw = |value: &Value| serde_json::value::to_raw_value(value).map_err(|error| error.to_string());
        Ok((raw(&self.0)?, raw(&self.1)?))
    }

    fn from_json(args: &RawValue, kwargs: &RawValue, _: &[String]) -> Result<Self, String> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|error| error.to_string());
        Ok(Any(read(args)?, read(kwargs)?))
    }
}

/// Seconds, as Python's `time.time()`.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

pub(crate) fn settings(site: &Site, profile: Profile, more: &[(&str, &str)]) -> Settings {
    settings_at(&site.broker(), &site.results(), profile, more)
}

pub(crate) fn settings_at(broker: &str, results: &str, profile: Profile, more: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::new(profile);
    let servers = [("broker_url", broker), ("result_backend", results)];
    for (name, value) in servers.iter().chain(more) {
        settings.set_text(name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    settings
}

/// An application with the tasks of `proj.py`.
pub(crate) fn app(settings: Settings) -> App {
    let app = App::with_settings("proj", settings);
    app.task("proj.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    app.task("proj.echo", |_: TaskContext, Any(args, kwargs): Any| async move { Ok(json!([args, kwargs])) });
    app.task("proj.fail", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::Failure(boom())) });
    app.task("proj.who", |ctx: TaskContext, (): ()| async move {
        ctx.sleep(Duration::from_millis(300)).await;
        Ok(json!(["simq", now()]))
    });
    app.task("proj.hang", |_: TaskContext, (): ()| async move { Ok("simq".to_owned()) });
    app.task("proj.retry_once", |ctx: TaskContext, (countdown,): (f64,)| async move {
        if ctx.retries() > 0 {
            return Ok(ctx.retries());
        }
        let cause = Failure { message: vec![json!("k")], ..Failure::new("KeyError", "") };
        Err(TaskError::retry_in(Duration::from_secs_f64(countdown)).because(cause))
    });
    app.task("proj.progress", |ctx: TaskContext, (): ()| async move {
        ctx.update_state("PROGRESS", json!({ "done": 3, "total": 10 })).await?;
        ctx.sleep(Duration::from_secs(2)).await;
        Ok("done".to_owned())
    });
    app.task("proj.spawn", |ctx: TaskContext, (x,): (i64,)| async move {
        ctx.app().remote::<(i64, i64), i64>("proj.add").delay((x, x)).await?;
        Ok(x)
    });
    app
}

pub(crate) fn boom() -> Failure {
    Failure { message: vec![json!("boom"), json!(42)], ..Failure::new("ValueError", "") }
}

/// A process of simq inside of the test's: a worker, and a client.
pub(crate) struct Node {
    pub(crate) app: App,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
}

impl Node {
    pub(crate) fn start(settings: Settings) -> Node {
        Node::run(app(settings))
    }

    pub(crate) fn run(app: App) -> Node {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let running = Some(app.start().expect("it starts"));
        Node { app, running, runtime }
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn call(&self, task: &str, args: Value, options: CallOptions) -> AsyncResult<Value> {
        let task = self.app.remote::<Any, Value>(task);
        self.block_on(task.apply_async(Any(args, json!({})), options)).expect("it is published")
    }

    /// What a call comes to.
    pub(crate) fn get(&self, call: &AsyncResult<Value>) -> Result<Value, Error> {
        self.block_on(call.get(SOON))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown());
        }
    }
}

/// Sent to the queue that only Python's worker consumes.
pub(crate) fn to_python() -> CallOptions {
    CallOptions { queue: Some("py".to_owned()), ..CallOptions::default() }
}

/// The exception of a failed call.
#[track_caller]
pub(crate) fn failure(result: Result<Value, Error>) -> Failure {
    match result {
        Err(Error::Failed(failure)) => failure,
        other => panic!("a failure was expected: {other:?}"),
    }
}

//! Tasks of the `simq` command itself: to try a queue with, and those of Celery's own names that every worker has.

use crate::app::{App, Failure, Given, Kwargs, TaskContext, TaskError, TaskOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
use std::time::Duration;

/// Longest sleep that `simq.sleep` takes, seconds.
const LONGEST: f64 = 86_400.0;

#[derive(Serialize, Deserialize)]
struct Failing {
    #[serde(default = "failing")]
    message: String,
}

fn failing() -> String {
    "asked to fail".to_owned()
}

/// An application with them.
pub(super) fn app() -> App {
    let app = App::new("simq");
    let named = |names: &[&str]| TaskOptions {
        parameters: names.iter().map(|name| (*name).to_owned()).collect(),
        ..TaskOptions::default()
    };
    let _ = app.task_with("simq.add", named(&["x", "y"]), |_: TaskContext, (x, y): (Number, Number)| async move {
        sum(&x, &y).ok_or_else(|| TaskError::failure("OverflowError", "the sum is no number"))
    });
    let _ = app.task_with("simq.sleep", named(&["seconds"]), |ctx: TaskContext, (seconds,): (f64,)| async move {
        if !(0.0..=LONGEST).contains(&seconds) {
            return Err(TaskError::failure("ValueError", format!("seconds must be from 0 to {LONGEST}")));
        }
        ctx.sleep(Duration::from_secs_f64(seconds)).await;
        Ok(seconds)
    });
    let _ = app.task("simq.fail", |_: TaskContext, Kwargs(Failing { message }): Kwargs<Failing>| async move {
        Err::<(), _>(TaskError::Failure(Failure::new("Exception", message)))
    });
    let _ = app.task("simq.echo", |_: TaskContext, given: Given| async move { Ok(json!(given)) });
    // Redis and the embedded store forget old results by themselves.
    let _ = app.task("celery.backend_cleanup", |_: TaskContext, (): ()| async move { Ok(()) });
    let _ = app.task("celery.accumulate", |_: TaskContext, given: Given| async move { accumulate(&given) });
    app
}

fn sum(x: &Number, y: &Number) -> Option<Number> {
    match (x.as_i64(), y.as_i64()) {
        (Some(x), Some(y)) if x.checked_add(y).is_some() => x.checked_add(y).map(Number::from),
        _ => Number::from_f64(x.as_f64()? + y.as_f64()?),
    }
}

/// Its positional arguments, or the one that `index` names.
fn accumulate(given: &Given) -> Result<Value, TaskError> {
    let args: Vec<Value> = serde_json::from_str(given.args.get())?;
    let kwargs: Map<String, Value> = serde_json::from_str(given.kwargs.get())?;
    let Some(index) = kwargs.get("index").filter(|index| !index.is_null()) else { return Ok(args.into()) };
    let at = index.as_i64().and_then(|index| {
        let length = i64::try_from(args.len()).ok()?;
        usize::try_from(if index < 0 { index + length } else { index }).ok()
    });
    let found = at.and_then(|at| args.get(at)).cloned();
    found.ok_or_else(|| TaskError::failure("IndexError", "tuple index out of range"))
}

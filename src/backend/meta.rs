//! A result as it is read: Celery's result meta (wire sheet, section 12.1).

use crate::app::Failure;
use crate::events::State;
use crate::message::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// What is known of a task: its state and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The state; [`State::Custom`] for one of the task's own, which [`Meta::status`] names.
    pub state: State,
    text: Arc<[u8]>,
}

#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    status: String,
    traceback: Option<String>,
    children: Option<Vec<Value>>,
    date_done: Option<String>,
    group_id: Option<String>,
    parent_id: Option<String>,
    name: Option<String>,
    args: Option<Value>,
    kwargs: Option<Value>,
    worker: Option<String>,
    retries: Option<u32>,
    queue: Option<String>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(default)]
    exc_type: String,
    #[serde(default)]
    exc_message: Value,
    #[serde(default)]
    exc_module: String,
}

impl Meta {
    pub(super) fn new(state: State, text: Arc<[u8]>) -> Meta {
        Meta { state, text }
    }

    /// All of it as it is stored, JSON text: what a Celery client reads.
    pub fn json(&self) -> &[u8] {
        &self.text
    }

    /// The value under `result`, as JSON text: what the task returned, the exception, or the meta of a custom state.
    ///
    /// # Errors
    ///
    /// When what is stored is no meta.
    pub fn result(&self) -> Result<&RawValue, String> {
        let stored: Stored<'_> = serde_json::from_slice(&self.text).map_err(|error| error.to_string())?;
        Ok(stored.result)
    }

    /// The exception of a FAILURE, RETRY or REVOKED; an unreadable one says so.
    pub fn failure(&self) -> Failure {
        let exception = self
            .result()
            .and_then(|raw| serde_json::from_str::<Exception>(raw.get()).map_err(|error| error.to_string()));
        match exception {
            Ok(exception) => Failure {
                exc_type: exception.exc_type,
                message: match exception.exc_message {
                    Value::Array(args) => args,
                    other => vec![other],
                },
                module: exception.exc_module,
                traceback: self.traceback(),
            },
            Err(why) => Failure::new("Unreadable", why),
        }
    }

    fn details(&self) -> Details {
        serde_json::from_slice(&self.text).unwrap_or_default()
    }

    /// The state's name, also of a custom one.
    pub fn status(&self) -> String {
        if self.state == State::Custom { self.details().status } else { self.state.name().to_owned() }
    }

    /// Text that shows where it failed, if there is any.
    pub fn traceback(&self) -> Option<String> {
        self.details().traceback
    }

    /// Ids of the calls that the task made.
    pub fn children(&self) -> Vec<String> {
        let id = |child: &Value| child.get(0)?.get(0)?.as_str().map(str::to_owned);
        self.details().children.unwrap_or_default().iter().filter_map(id).collect()
    }

    /// When it was done.
    pub fn date_done(&self) -> Option<Timestamp> {
        self.details().date_done.and_then(|text| Timestamp::parse(&text).ok())
    }

    /// The group it belongs to.
    pub fn group_id(&self) -> Option<String> {
        self.details().group_id
    }

    /// The call that made this one.
    pub fn parent_id(&self) -> Option<String> {
        self.details().parent_id
    }

    /// What `result_extended` adds; `None` without it.
    pub fn extended(&self) -> Option<Extended> {
        let details = self.details();
        Some(Extended {
            name: details.name?,
            args: details.args.unwrap_or_default(),
            kwargs: details.kwargs.unwrap_or_default(),
            worker: details.worker,
            retries: details.retries.unwrap_or_default(),
            queue: details.queue,
        })
    }
}

/// What `result_extended` adds to a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Extended {
    /// The task's name.
    pub name: String,
    /// Its arguments.
    pub args: Value,
    /// Its keyword arguments.
    pub kwargs: Value,
    /// Name of the worker that ran it.
    pub worker: Option<String>,
    /// How often it was retried.
    pub retries: u32,
    /// The queue it came from.
    pub queue: Option<String>,
}

//! A result as it is stored: Celery's result meta (wire sheet, section 12.1).

use crate::app::Failure;
use crate::events::State;
use crate::message::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt::Write;
use std::sync::Arc;

/// What is known of a task's result.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The state.
    pub state: State,
    text: Arc<[u8]>,
}

#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
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
    /// The JSON text of a meta whose `result` is `result`.
    pub(crate) fn encode(id: &str, state: State, result: &str, now: Timestamp) -> Arc<[u8]> {
        let mut text = String::with_capacity(160 + result.len());
        let _ =
            write!(text, r#"{{"status": "{}", "result": {result}, "traceback": null, "children": [], "#, state.name());
        let _ = match state {
            State::Success | State::Failure | State::Revoked => write!(text, r#""date_done": "{now}", "#),
            _ => write!(text, r#""date_done": null, "#),
        };
        text.push_str(r#""task_id": "#);
        text.push_str(&Value::from(id).to_string());
        text.push('}');
        text.into_bytes().into()
    }

    /// The JSON text of an exception state.
    pub(crate) fn encode_failure(id: &str, state: State, failure: &Failure, now: Timestamp) -> Arc<[u8]> {
        let exception = serde_json::json!({
            "exc_type": failure.exc_type, "exc_message": failure.message, "exc_module": failure.module,
        });
        Meta::encode(id, state, &exception.to_string(), now)
    }

    pub(super) fn new(state: State, text: Arc<[u8]>) -> Meta {
        Meta { state, text }
    }

    /// The value under `result`, as JSON text.
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
            },
            Err(why) => Failure::new("Unreadable", why),
        }
    }
}

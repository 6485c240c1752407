//! Remote control: requests that are broadcast to workers, Celery's pidbox (wire sheet, section 14). Pure.
//!
//! Today a worker acts on `revoke`; other methods are read and left alone.

use crate::message::{Message, Properties};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Bytes of the longest request that is read.
const MAX_REQUEST: usize = 8 << 20;
/// Task ids of one request that are looked at.
const MAX_IDS: usize = 50_000;

/// Name of the exchange that carries the requests to every worker.
pub fn exchange(control_exchange: &str) -> String {
    format!("{control_exchange}.pidbox")
}

/// Name of the queue in which a worker finds them.
pub fn queue(node: &str, control_exchange: &str) -> String {
    format!("{node}.{control_exchange}.pidbox")
}

/// A request to workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What is to be done.
    pub method: String,
    /// With what.
    #[serde(default)]
    pub arguments: Value,
    /// Names of the workers that are meant; none is all.
    #[serde(default)]
    pub destination: Option<Vec<String>>,
    /// Or a pattern of them.
    #[serde(default)]
    pub pattern: Option<String>,
    /// How to read it: `glob` or `pcre`.
    #[serde(default)]
    pub matcher: Option<String>,
}

/// `revoke`: these tasks are not to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// Their ids.
    pub ids: Vec<String>,
    /// Kill those that run.
    pub terminate: bool,
}

impl Request {
    /// `revoke`.
    pub fn revoke(ids: &[&str], terminate: bool) -> Self {
        let ids = match ids {
            [one] => json!(one),
            many => json!(many),
        };
        let arguments = json!({ "task_id": ids, "terminate": terminate, "signal": "SIGTERM" });
        Request { method: "revoke".to_owned(), arguments, destination: None, pattern: None, matcher: None }
    }

    /// The message, as Celery's client sends it; nobody is asked to reply. `clock` is Celery's logical clock, which simq
    /// does not keep yet.
    pub fn encode(&self) -> Message {
        let properties = Properties {
            content_type: Some("application/json".into()),
            content_encoding: Some("utf-8".into()),
            ..Properties::default()
        };
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut message = Message { properties, body: body.into(), ..Message::default() };
        message.headers.push("clock", 1);
        message.headers.push("expires", 0);
        message
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// What was expected, when it is no request.
    pub fn decode(message: &Message) -> Result<Request, String> {
        if message.body.len() > MAX_REQUEST {
            return Err(format!("a request of {} bytes; at most {MAX_REQUEST} are read", message.body.len()));
        }
        serde_json::from_slice(&message.body).map_err(|error| format!("expected a JSON object with a method: {error}"))
    }

    /// Whether this worker is meant.
    pub fn is_for(&self, node: &str) -> bool {
        match (&self.destination, &self.pattern) {
            (Some(names), _) => names.iter().any(|name| name == node),
            // Patterns come with the rest of remote control; until then whoever uses one means nobody here.
            (None, Some(_)) => false,
            (None, None) => true,
        }
    }

    /// What it says if it is a `revoke`. Celery's clients write `terminate` as a boolean or as 0 and 1.
    pub fn as_revoke(&self) -> Option<Revoke> {
        if self.method != "revoke" {
            return None;
        }
        let ids = match self.arguments.get("task_id")? {
            Value::String(id) => vec![id.clone()],
            Value::Array(ids) => ids.iter().take(MAX_IDS).filter_map(|id| id.as_str().map(str::to_owned)).collect(),
            _ => return None,
        };
        let terminate = match self.arguments.get("terminate") {
            Some(Value::Bool(terminate)) => *terminate,
            Some(Value::Number(number)) => number.as_i64() != Some(0),
            _ => false,
        };
        Some(Revoke { ids, terminate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `revoke_no_reply` and `revoke_many` of the captures of real Celery.
    #[test]
    fn a_revoke_is_written_as_celery_writes_it() {
        let body = |request: &Request| -> Value { serde_json::from_slice(&request.encode().body).unwrap() };
        let captured = json!({
            "method": "revoke",
            "arguments": { "task_id": "3dfc090e", "terminate": false, "signal": "SIGTERM" },
            "destination": null, "pattern": null, "matcher": null,
        });
        assert_eq!(body(&Request::revoke(&["3dfc090e"], false)), captured);
        assert_eq!(body(&Request::revoke(&["x1", "x2"], false))["arguments"]["task_id"], json!(["x1", "x2"]));
    }

    #[test]
    fn what_celery_and_flower_send_is_read() {
        for (arguments, ids, terminate) in [
            (json!({ "task_id": "a", "terminate": true, "signal": "SIGKILL" }), vec!["a"], true),
            (json!({ "task_id": ["a", "b"], "terminate": 1 }), vec!["a", "b"], true),
            (json!({ "task_id": ["a"], "terminate": 0 }), vec!["a"], false),
        ] {
            let request = Request { arguments, ..Request::revoke(&[], false) };
            let read = Request::decode(&request.encode()).unwrap();
            let revoke = read.as_revoke().unwrap();
            assert_eq!((revoke.ids, revoke.terminate), (ids.into_iter().map(str::to_owned).collect(), terminate));
        }
    }

    #[test]
    fn only_those_who_are_meant_act() {
        let mut request = Request::revoke(&["a"], false);
        assert!(request.is_for("w1"));
        request.destination = Some(vec!["w2".to_owned()]);
        assert!(!request.is_for("w1") && request.is_for("w2"));
        assert!(Request::decode(&Message { body: b"[]".as_slice().into(), ..Message::default() }).is_err());
    }
}

//! A result as it is written: Celery's result meta, key for key in its order (wire sheet, section 12.1).

use crate::app::Failure;
use crate::events::State;
use crate::message::{TaskMessage, Timestamp};
use serde_json::Value;
use std::io::Write;
use std::sync::Arc;

/// A state of a task, about to be stored.
pub(crate) struct Draft<'a> {
    id: &'a str,
    state: State,
    status: &'a str,
    result: String,
    traceback: Option<&'a str>,
    children: &'a [Arc<str>],
    task: Option<&'a TaskMessage>,
    /// Worker and queue: written with `result_extended`.
    extended: Option<(&'a str, &'a str)>,
}

impl<'a> Draft<'a> {
    /// A state of the task that this message calls.
    pub(crate) fn of(task: &'a TaskMessage, state: State) -> Self {
        Draft { task: Some(task), ..Draft::new(&task.id, state) }
    }

    /// A state of a task of which only the id is known.
    pub(crate) fn new(id: &'a str, state: State) -> Self {
        let (result, status) = ("null".to_owned(), state.name());
        Draft { id, state, status, result, traceback: None, children: &[], task: None, extended: None }
    }

    /// A custom state's name.
    pub(crate) fn status(self, status: &'a str) -> Self {
        Draft { status, ..self }
    }

    /// JSON text.
    pub(crate) fn result(self, result: impl Into<String>) -> Self {
        Draft { result: result.into(), ..self }
    }

    /// The exception.
    pub(crate) fn failure(self, failure: &'a Failure) -> Self {
        let exception = serde_json::json!({
            "exc_type": failure.exc_type, "exc_message": failure.message, "exc_module": failure.module,
        });
        Draft { result: exception.to_string(), traceback: failure.traceback.as_deref(), ..self }
    }

    /// Ids of the calls that the task made.
    pub(crate) fn children(self, children: &'a [Arc<str>]) -> Self {
        Draft { children, ..self }
    }

    /// What `result_extended` adds.
    pub(crate) fn extended(self, worker: &'a str, queue: &'a str) -> Self {
        Draft { extended: Some((worker, queue)), ..self }
    }

    /// The JSON text.
    pub(crate) fn encode(&self, now: Timestamp) -> Arc<[u8]> {
        let mut text = Text(Vec::with_capacity(256 + self.result.len()));
        text.raw(r#"{"status": "#).quoted(self.status).raw(r#", "result": "#).raw(&self.result);
        text.raw(r#", "traceback": "#);
        match self.traceback {
            Some(traceback) => text.quoted(traceback),
            None => text.raw("null"),
        };
        text.raw(r#", "children": ["#);
        for (at, child) in self.children.iter().enumerate() {
            text.raw(if at == 0 { "[[" } else { ", [[" }).quoted(child).raw(", null], null]");
        }
        match self.state {
            State::Success | State::Failure | State::Revoked => {
                text.raw(r#"], "date_done": ""#).display(now).raw(r#"", "#);
            }
            _ => {
                text.raw(r#"], "date_done": null, "#);
            }
        }
        if let Some(task) = self.task {
            self.write_call(&mut text, task);
        }
        text.raw(r#""task_id": "#).quoted(self.id).raw("}");
        text.0.into()
    }

    fn write_call(&self, text: &mut Text, task: &TaskMessage) {
        for (key, id) in [("group_id", &task.group), ("parent_id", &task.parent_id)] {
            if let Some(id) = id {
                text.quoted(key).raw(": ").quoted(id).raw(", ");
            }
        }
        let Some((worker, queue)) = self.extended else { return };
        text.raw(r#""name": "#).quoted(&task.task).raw(r#", "args": "#).raw(task.args.get());
        text.raw(r#", "kwargs": "#).raw(task.kwargs.get()).raw(r#", "worker": "#).quoted(worker);
        text.raw(r#", "retries": "#).display(task.retries).raw(r#", "queue": "#).quoted(queue).raw(", ");
        if let Some(names) = &task.stamped_headers {
            text.raw(r#""stamped_headers": "#).display(Value::from(names.clone())).raw(", ");
            for name in names {
                let stamp = task.stamps.get(name).unwrap_or(&Value::Null);
                text.quoted(name).raw(": ").display(stamp).raw(", ");
            }
        }
    }
}

/// JSON text under way. Writing to memory never fails.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn quoted(&mut self, text: &str) -> &mut Self {
        let _ = serde_json::to_writer(&mut self.0, text);
        self
    }

    fn display(&mut self, value: impl std::fmt::Display) -> &mut Self {
        let _ = write!(self.0, "{value}");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    fn at() -> Timestamp {
        Timestamp::parse("2026-11-22T11:41:11.677156+00:00").unwrap()
    }

    #[test]
    fn a_success_is_written_as_celery_writes_it() {
        let mut task = TaskMessage::new("an-id".into(), "proj.spawn".into(), raw("[3]"), raw("{}"));
        let plain = Draft::of(&task, State::Success).result("3").encode(at());
        let expected = r#"{"status": "SUCCESS", "result": 3, "traceback": null, "children": [], "date_done": "2026-11-22T11:41:11.677156+00:00", "task_id": "an-id"}"#;
        assert_eq!(text(&plain), expected);
        task.parent_id = Some("up".into());
        task.stamped_headers = Some(vec!["team".to_owned()]);
        task.stamps.insert("team".to_owned(), "blue".into());
        let children = ["one".into()];
        let full = Draft::of(&task, State::Success).result("3").children(&children).extended("w1@host1", "celery");
        let expected = r#"{"status": "SUCCESS", "result": 3, "traceback": null, "children": [[["one", null], null]], "date_done": "2026-11-22T11:41:11.677156+00:00", "parent_id": "up", "name": "proj.spawn", "args": [3], "kwargs": {}, "worker": "w1@host1", "retries": 0, "queue": "celery", "stamped_headers": ["team"], "team": "blue", "task_id": "an-id"}"#;
        assert_eq!(text(&full.encode(at())), expected);
    }

    #[test]
    fn a_custom_state_has_its_name_and_no_date() {
        let written = Draft::new("an-id", State::Custom).status("PROG\"RESS").result(r#"{"done": 3}"#).encode(at());
        let expected = r#"{"status": "PROG\"RESS", "result": {"done": 3}, "traceback": null, "children": [], "date_done": null, "task_id": "an-id"}"#;
        assert_eq!(text(&written), expected);
    }
}

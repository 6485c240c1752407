//! Writing a task message.

use super::payload::{Serializer, Unserializable};
use super::protocol::TaskMessage;
use super::repr::{argsrepr, kwargsrepr};
use super::{Message, Properties, Table, Timestamp, body};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// Headers of every task message.
const HEADERS: usize = 19;

/// Content type and encoding of each serializer: messages share the texts.
static CONTENT: LazyLock<[(Arc<str>, Arc<str>); 4]> =
    LazyLock::new(|| Serializer::ALL.map(|known| (known.content_type().into(), known.content_encoding().into())));

impl TaskMessage {
    /// Writes the message as a Celery 5.7 producer does: all headers, in its order.
    ///
    /// `now` turns `expires` into the property `expiration`, the milliseconds that are left. RabbitMQ refuses more than
    /// 2^32 of them, about 49.7 days; sending fewer or none is the AMQP adapter's business, since Redis has no limit.
    ///
    /// # Errors
    /// [`Unserializable`] when an argument has no form in the message's serializer; never with JSON and without
    /// compression.
    pub fn encode(&self, now: Timestamp) -> Result<Message, Unserializable> {
        let (content_type, content_encoding) = &CONTENT[self.serializer as usize];
        Ok(Message {
            headers: self.headers(),
            properties: Properties {
                content_type: Some(Arc::clone(content_type)),
                content_encoding: Some(Arc::clone(content_encoding)),
                delivery_mode: self.delivery_mode,
                priority: self.priority,
                correlation_id: Some(Arc::clone(&self.id)),
                reply_to: self.reply_to.clone(),
                expiration: self.expires.map(|expires| milliseconds_until(expires, now)),
            },
            body: self.body()?,
        })
    }

    fn body(&self) -> Result<Arc<[u8]>, Unserializable> {
        let text = body::write(&self.args, &self.kwargs, &self.embed);
        let bytes = match self.serializer.encode_text(&text)? {
            Cow::Borrowed(_) => text.into_bytes(),
            Cow::Owned(bytes) => bytes,
        };
        Ok(match self.compression {
            None => bytes.into(),
            Some(compression) => compression.compress(&bytes)?.into(),
        })
    }

    fn headers(&self) -> Table {
        let mut headers = Table::with_capacity(HEADERS + self.extra.len());
        // Celery writes "py" for any protocol 2 peer whose arguments have Python's shape; no worker reads it.
        headers.push("lang", "py");
        headers.push("task", &*self.task);
        headers.push("id", &*self.id);
        headers.push("shadow", text(&self.shadow));
        headers.push("eta", self.eta.map(Timestamp::to_iso));
        headers.push("expires", self.expires.map(Timestamp::to_iso));
        headers.push("group", text(&self.group));
        headers.push("group_index", self.group_index);
        headers.push("retries", self.retries);
        headers.push("timelimit", vec![seconds(self.time_limit), seconds(self.soft_time_limit)]);
        headers.push("root_id", &*self.root_id);
        headers.push("parent_id", text(&self.parent_id));
        headers.push("argsrepr", self.argsrepr.as_deref().map_or_else(|| argsrepr(&self.args), String::from));
        headers.push("kwargsrepr", self.kwargsrepr.as_deref().map_or_else(|| kwargsrepr(&self.kwargs), String::from));
        headers.push("origin", text(&self.origin));
        headers.push("ignore_result", self.ignore_result);
        headers.push("replaced_task_nesting", self.replaced_task_nesting);
        headers.push("stamped_headers", self.stamped_headers.clone());
        headers.push("stamps", self.stamps.clone());
        for (name, value) in self.extra.iter().filter(|(name, _)| !is_reserved(name)) {
            headers.push(name.to_owned(), value.clone());
        }
        if let Some(compression) = self.compression {
            headers.push("compression", compression.content_type());
        }
        headers
    }
}

/// Headers that a user header must not replace.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "lang" | "task" | "id" | "shadow" | "eta" | "expires" | "group" | "group_index" | "retries" | "timelimit"
    ) || matches!(name, "root_id" | "parent_id" | "argsrepr" | "kwargsrepr" | "origin" | "ignore_result")
        || matches!(name, "replaced_task_nesting" | "stamped_headers" | "stamps" | "compression")
}

fn text(value: &Option<Arc<str>>) -> Option<&str> {
    value.as_deref()
}

/// Whole seconds are written as an integer, as they are in most applications' code.
fn seconds(limit: Option<f64>) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match limit {
        None => Value::Null,
        Some(seconds) if seconds.fract() == 0.0 && seconds.abs() < EXACT => Value::from(seconds as i64),
        Some(seconds) => Value::from(seconds),
    }
}

fn milliseconds_until(expires: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(expires.saturating_since(now).as_millis()).unwrap_or(u64::MAX)
}

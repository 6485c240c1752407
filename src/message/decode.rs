//! Reading a task message.
//!
//! As lenient as a Celery 5.7 worker where that one runs the task: only `task` and `id` must be there, headers may be
//! null, and what is only informational may be anything. Strict where it would crash or run something else.

use super::body::{self, Body};
use super::malformed::{Malformed, describe, quote};
use super::payload::{Compression, PayloadError, Serializer};
use super::protocol::TaskMessage;
use super::protocol1::OldBody;
use super::time::IsoTime;
use super::{Accept, Message, Properties, Table, Timestamp};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

impl TaskMessage {
    /// Reads a message of protocol 2 or 1, if it is accepted.
    ///
    /// # Errors
    /// [`Malformed`] when it is no task message, none that is accepted, or has a body that can't be read.
    pub fn decode(message: &Message, accept: &Accept) -> Result<TaskMessage, Malformed> {
        let is_named = !matches!(message.headers.get("task"), None | Some(Value::Null));
        let no_task = || Malformed::NoTask { found: names(&message.headers) };
        let (serializer, compression) = match content(message, accept) {
            Err(_) if !is_named && message.properties.content_type.is_none() => return Err(no_task()),
            content => content?,
        };
        let bytes = match compression {
            None => Cow::Borrowed(&*message.body),
            Some(compression) => Cow::Owned(decompress(compression, &message.body, accept)?),
        };
        let text = serializer.decode_text(&bytes, accept.size())?;
        let task = if body::is_object(&text) {
            let mut old = OldBody::read(&text)?;
            if is_named && !old.has_args() {
                return Err(body::no_body("an object"));
            }
            if !is_named && !old.has_task() {
                return Err(no_task());
            }
            let headers = old.headers(&message.headers);
            new_task(Headers::read(&headers, accept)?, old.body()?, &message.properties)
        } else {
            let body = body::read(&text);
            if !is_named {
                // Celery looks for a task in whatever can be read.
                return Err(body.err().filter(Malformed::is_undecodable).unwrap_or_else(no_task));
            }
            let headers = Headers::read(&message.headers, accept)?;
            new_task(headers, body?, &message.properties)
        };
        Ok(TaskMessage { serializer, compression, ..task })
    }
}

fn new_task(headers: Headers<'_>, body: Body<'_>, properties: &Properties) -> TaskMessage {
    let id = share(headers.id, properties.correlation_id.as_ref());
    TaskMessage {
        task: headers.task.into(),
        args: body.args.to_owned(),
        kwargs: body.kwargs.to_owned(),
        embed: body.embed,
        shadow: headers.shadow.map(Arc::from),
        eta: headers.eta,
        expires: headers.expires,
        group: headers.group.map(Arc::from),
        group_index: headers.group_index,
        retries: headers.retries.unwrap_or(0),
        time_limit: headers.timelimit.0,
        soft_time_limit: headers.timelimit.1,
        root_id: headers.root_id.map_or_else(|| Arc::clone(&id), |root_id| share(root_id, Some(&id))),
        parent_id: headers.parent_id.map(Arc::from),
        argsrepr: headers.argsrepr.map(Arc::from),
        kwargsrepr: headers.kwargsrepr.map(Arc::from),
        origin: headers.origin.map(Arc::from),
        ignore_result: headers.ignore_result,
        replaced_task_nesting: headers.replaced_task_nesting.unwrap_or(0),
        stamped_headers: headers.stamped_headers,
        stamps: headers.stamps.cloned().unwrap_or_default(),
        extra: headers.extra,
        priority: properties.priority,
        reply_to: properties.reply_to.clone(),
        delivery_mode: properties.delivery_mode,
        serializer: Serializer::default(),
        compression: None,
        id,
    }
}

/// Nearly every id is also the correlation id, and every top-level root id: those share their text.
fn share(text: &str, known: Option<&Arc<str>>) -> Arc<str> {
    known.filter(|known| ***known == *text).map_or_else(|| Arc::from(text), Arc::clone)
}

/// How the body is written, if that is accepted.
fn content(message: &Message, accept: &Accept) -> Result<(Serializer, Option<Compression>), Malformed> {
    let content_type = message.properties.content_type.as_deref();
    let serializer = content_type.and_then(Serializer::of_content_type).filter(|known| accept.accepts(*known));
    let serializer = serializer.ok_or_else(|| {
        let found = content_type.map_or_else(|| "none".into(), |found| quote(found).to_owned());
        Malformed::ContentType { expected: accept.content_types(), found }
    })?;
    let compression = match message.headers.get("compression") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(quote(name).parse().map_err(Malformed::Compression)?),
        found => return Err(wrong("compression", TEXT, found)),
    };
    Ok((serializer, compression))
}

fn decompress(compression: Compression, body: &[u8], accept: &Accept) -> Result<Vec<u8>, PayloadError> {
    let limit = accept.size();
    if body.len() > limit {
        return Err(PayloadError::TooLarge { size: body.len(), limit });
    }
    compression.decompress(body, limit)
}

/// The headers by name, checked.
#[derive(Default)]
struct Headers<'a> {
    task: &'a str,
    id: &'a str,
    shadow: Option<&'a str>,
    eta: Option<Timestamp>,
    expires: Option<Timestamp>,
    group: Option<&'a str>,
    group_index: Option<u32>,
    retries: Option<u32>,
    timelimit: (Option<f64>, Option<f64>),
    root_id: Option<&'a str>,
    parent_id: Option<&'a str>,
    argsrepr: Option<&'a str>,
    kwargsrepr: Option<&'a str>,
    origin: Option<&'a str>,
    ignore_result: Option<bool>,
    replaced_task_nesting: Option<u32>,
    stamped_headers: Option<Vec<String>>,
    stamps: Option<&'a Map<String, Value>>,
    extra: Table,
}

impl<'a> Headers<'a> {
    fn read(table: &'a Table, accept: &Accept) -> Result<Self, Malformed> {
        let mut headers = Headers::default();
        for (name, value) in table.iter() {
            headers.set(name, value, accept)?;
        }
        if headers.id.is_empty() {
            return Err(wrong("id", NAME, table.get("id")));
        }
        Ok(headers)
    }

    fn set(&mut self, name: &str, value: &'a Value, accept: &Accept) -> Result<(), Malformed> {
        match name {
            "task" => self.task = required("task", value)?,
            "id" => self.id = required("id", value)?,
            "shadow" => self.shadow = text("shadow", value)?,
            "eta" => self.eta = time("eta", value, accept)?,
            "expires" => self.expires = time("expires", value, accept)?,
            "group" => self.group = text("group", value)?,
            "group_index" => self.group_index = count("group_index", value)?,
            "retries" => self.retries = count("retries", value)?,
            "timelimit" => self.timelimit = limits(value)?,
            "root_id" => self.root_id = text("root_id", value)?,
            "parent_id" => self.parent_id = text("parent_id", value)?,
            "argsrepr" => self.argsrepr = value.as_str(),
            "kwargsrepr" => self.kwargsrepr = value.as_str(),
            "origin" => self.origin = value.as_str(),
            "ignore_result" => self.ignore_result = flag("ignore_result", value)?,
            "replaced_task_nesting" => self.replaced_task_nesting = count("replaced_task_nesting", value)?,
            "stamped_headers" => self.stamped_headers = stamp_names(value)?,
            "stamps" => self.stamps = stamps(value)?,
            "lang" | "compression" => {}
            _ if is_of_the_delivery(name) => {}
            _ => self.extra.push(name.to_owned(), value.clone()),
        }
        Ok(())
    }
}

/// Headers that brokers add when they deliver again or dead-letter, not the sender: Celery's `X_DEATH_HEADERS`, the
/// delivery count of quorum queues, and the mark of a Redis restore.
fn is_of_the_delivery(name: &str) -> bool {
    matches!(name, "redelivered" | "x-death" | "x-delivery-count")
        || name
            .strip_prefix("x-first-death-")
            .or_else(|| name.strip_prefix("x-last-death-"))
            .is_some_and(|which| matches!(which, "exchange" | "queue" | "reason"))
}

const NAME: &str = "a text that is not empty";
const TEXT: &str = "a text or null";
const COUNT: &str = "an integer from 0 to 4294967295 or null";
const LIMITS: &str = "an array of 2 (hard, soft), each seconds from 0 or null";

fn wrong(name: &'static str, expected: &'static str, found: Option<&Value>) -> Malformed {
    Malformed::Header { name, expected, found: describe(found) }
}

fn required<'a>(name: &'static str, value: &'a Value) -> Result<&'a str, Malformed> {
    value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| wrong(name, NAME, Some(value)))
}

/// Empty text counts as none, as everywhere in Celery.
fn text<'a>(name: &'static str, value: &'a Value) -> Result<Option<&'a str>, Malformed> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        _ => Err(wrong(name, TEXT, Some(value))),
    }
}

fn time(name: &'static str, value: &Value, accept: &Accept) -> Result<Option<Timestamp>, Malformed> {
    match text(name, value) {
        Ok(None) => Ok(None),
        Ok(Some(text)) => IsoTime::parse(text).map(|time| Some(accept.time(time))).map_err(|source| {
            let found = describe(Some(value));
            Malformed::Time { name, found, source }
        }),
        Err(_) => Err(wrong(name, "an ISO-8601 time or null", Some(value))),
    }
}

fn count(name: &'static str, value: &Value) -> Result<Option<u32>, Malformed> {
    if value.is_null() {
        return Ok(None);
    }
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.map(Some).ok_or_else(|| wrong(name, COUNT, Some(value)))
}

fn flag(name: &'static str, value: &Value) -> Result<Option<bool>, Malformed> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_bool().map(Some).ok_or_else(|| wrong(name, "true, false or null", Some(value)))
}

/// Hard limit first, then the soft one.
fn limits(value: &Value) -> Result<(Option<f64>, Option<f64>), Malformed> {
    match value {
        Value::Null => Ok((None, None)),
        Value::Array(pair) => match pair.as_slice() {
            [hard, soft] => Ok((limit(hard, value)?, limit(soft, value)?)),
            _ => Err(wrong("timelimit", LIMITS, Some(value))),
        },
        _ => Err(wrong("timelimit", LIMITS, Some(value))),
    }
}

fn limit(value: &Value, pair: &Value) -> Result<Option<f64>, Malformed> {
    if value.is_null() {
        return Ok(None);
    }
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    seconds.map(Some).ok_or_else(|| wrong("timelimit", LIMITS, Some(pair)))
}

fn stamp_names(value: &Value) -> Result<Option<Vec<String>>, Malformed> {
    if value.is_null() {
        return Ok(None);
    }
    let names = value.as_array().and_then(|names| names.iter().map(|name| Some(name.as_str()?.to_owned())).collect());
    names.map(Some).ok_or_else(|| wrong("stamped_headers", "an array of texts or null", Some(value)))
}

fn stamps(value: &Value) -> Result<Option<&Map<String, Value>>, Malformed> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_object().map(Some).ok_or_else(|| wrong("stamps", "an object or null", Some(value)))
}

/// Which headers there are, for an error message.
fn names(table: &Table) -> String {
    const SHOWN: usize = 8;
    if table.is_empty() {
        return "no headers".into();
    }
    let shown: Vec<&str> = table.iter().take(SHOWN).map(|(name, _)| quote(name)).collect();
    format!("the headers {}{}", shown.join(", "), if table.len() > SHOWN { ", ..." } else { "" })
}

//! A queue's options in a journal.

use super::{Name, Overflow, QueueOptions};
use crate::journal::codec::{Malformed, Put, Reader};
use crate::message::Table;
use serde_json::Value;
use std::borrow::Cow;

const MAX_LENGTH_BYTES: &str = "simq: x-max-length-bytes";
const REJECT_PUBLISH_DEAD_LETTER: &str = "simq: reject-publish-dlx";

pub(super) fn write_options(options: &QueueOptions, out: &mut Vec<u8>) {
    let QueueOptions {
        durable,
        exclusive,
        auto_delete,
        message_ttl,
        expires,
        max_length,
        overflow,
        max_priority,
        delivery_limit,
        dead_letter_exchange,
        dead_letter_routing_key,
        ..
    } = options;
    let other = with_later(options);
    for flag in [*durable, *exclusive, *auto_delete, *overflow == Overflow::RejectPublish] {
        out.byte(u8::from(flag));
    }
    out.option(*message_ttl);
    out.option(*expires);
    out.option(max_length.map(u64::from));
    out.option(max_priority.map(u64::from));
    out.option(delivery_limit.map(u64::from));
    for name in [dead_letter_exchange, dead_letter_routing_key] {
        out.byte(u8::from(name.is_some()));
        if let Some(name) = name {
            out.text(name);
        }
    }
    out.number(other.len() as u64);
    for (name, value) in other.iter() {
        out.text(name);
        out.value(value);
    }
}

pub(super) fn read_options(from: &mut Reader<'_>) -> Result<QueueOptions, Malformed> {
    let (durable, exclusive, auto_delete, rejects) = (from.flag()?, from.flag()?, from.flag()?, from.flag()?);
    let mut options = QueueOptions {
        durable,
        exclusive,
        auto_delete,
        overflow: if rejects { Overflow::RejectPublish } else { Overflow::DropHead },
        message_ttl: from.option()?,
        expires: from.option()?,
        max_length: narrow(from.option()?)?,
        max_priority: narrow(from.option()?)?,
        delivery_limit: narrow(from.option()?)?,
        dead_letter_exchange: read_name(from)?,
        dead_letter_routing_key: read_name(from)?,
        ..QueueOptions::default()
    };
    for _ in 0..from.number()? {
        let name = from.text()?.to_owned();
        let value = from.value()?;
        if !is_later(&mut options, &name, &value) {
            options.other.set(name, value);
        }
    }
    Ok(options)
}

/// What came later is written among the other arguments, so that earlier files are read as they are.
fn with_later(options: &QueueOptions) -> Cow<'_, Table> {
    let mut other = Cow::Borrowed(&options.other);
    if let Some(bytes) = options.max_length_bytes {
        other.to_mut().set(MAX_LENGTH_BYTES, bytes);
    }
    if options.overflow == Overflow::RejectPublishDeadLetter {
        other.to_mut().set(REJECT_PUBLISH_DEAD_LETTER, true);
    }
    other
}

fn is_later(options: &mut QueueOptions, name: &str, value: &Value) -> bool {
    match name {
        MAX_LENGTH_BYTES => options.max_length_bytes = value.as_u64(),
        REJECT_PUBLISH_DEAD_LETTER => options.overflow = Overflow::RejectPublishDeadLetter,
        _ => return false,
    }
    true
}

fn read_name(from: &mut Reader<'_>) -> Result<Option<Name>, Malformed> {
    if from.flag()? { Ok(Some(from.text()?.into())) } else { Ok(None) }
}

fn narrow<T: TryFrom<u64>>(number: Option<u64>) -> Result<Option<T>, Malformed> {
    number.map(T::try_from).transpose().map_err(|_| Malformed("a number is too large"))
}

//! Tables and messages in lapin's form, and in one that can be compared.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Map, Value};
use simq::message::{DeliveryMode, Message, Table};

pub(crate) fn fields(table: &Table) -> FieldTable {
    let mut fields = FieldTable::default();
    for (name, value) in table.iter() {
        fields.insert(name.into(), field(value));
    }
    fields
}

pub(crate) fn field(value: &Value) -> AMQPValue {
    match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(flag) => AMQPValue::Boolean(*flag),
        Value::Number(number) => {
            let whole = number.as_i64().expect("whole numbers only");
            i32::try_from(whole).map_or(AMQPValue::LongLongInt(whole), AMQPValue::LongInt)
        }
        Value::String(text) => AMQPValue::LongString(text.as_bytes().into()),
        other => panic!("{other} is not sent"),
    }
}

pub(crate) fn value(field: &AMQPValue) -> Value {
    match field {
        AMQPValue::Boolean(flag) => (*flag).into(),
        AMQPValue::LongInt(number) => (*number).into(),
        AMQPValue::LongLongInt(number) => (*number).into(),
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into(),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(value).collect(),
        AMQPValue::FieldTable(fields) => map(fields).into(),
        AMQPValue::Timestamp(seconds) => (*seconds).into(),
        AMQPValue::Void => Value::Null,
        other => panic!("{other:?} was never sent"),
    }
}

fn map(fields: &FieldTable) -> Map<String, Value> {
    fields.into_iter().map(|(name, field)| (name.to_string(), value(field))).collect()
}

pub(crate) fn properties(message: &Message) -> BasicProperties {
    let mode = if message.properties.delivery_mode == DeliveryMode::Persistent { 2 } else { 1 };
    let properties = BasicProperties::default()
        .with_headers(fields(&message.headers))
        .with_delivery_mode(mode)
        .with_priority(message.properties.priority);
    match message.properties.expiration {
        Some(milliseconds) => properties.with_expiration(milliseconds.to_string().into()),
        None => properties,
    }
}

/// A delivery in words. Tables have no order, and times of deaths are the clock's affair.
pub(crate) fn shown(
    body: &[u8],
    redelivered: bool,
    exchange: &str,
    routing_key: &str,
    expiration: Option<&str>,
    headers: Map<String, Value>,
) -> String {
    let again = if redelivered { " again" } else { "" };
    let expiration = expiration.map(|text| format!(" expiration {text}")).unwrap_or_default();
    let headers = sorted(Value::Object(headers));
    format!("{}{again} of '{exchange}' '{routing_key}'{expiration} {headers}", String::from_utf8_lossy(body))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().filter(|(name, _)| name != "time").collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

pub(crate) fn headers_of(properties: &BasicProperties) -> Map<String, Value> {
    properties.headers().as_ref().map(map).unwrap_or_default()
}

pub(crate) fn headers_in(message: &Message) -> Map<String, Value> {
    message.headers.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

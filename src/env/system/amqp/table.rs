//! Field tables: headers and arguments in AMQP's types, as py-amqp writes them.

use crate::env::amqp::NameTooLong;
use crate::message::Table;
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::{Map, Number, Value};

/// A name: of a queue, an exchange, a header.
pub(super) fn short(text: &str) -> Result<ShortString, NameTooLong> {
    ShortString::try_new(text).map_err(|_| NameTooLong(text.len()))
}

pub(super) fn fields(table: &Table) -> Result<FieldTable, NameTooLong> {
    entries(table.iter())
}

fn entries<'a>(entries: impl Iterator<Item = (&'a str, &'a Value)>) -> Result<FieldTable, NameTooLong> {
    let mut fields = FieldTable::default();
    for (name, value) in entries {
        fields.insert(short(name)?, field(value)?);
    }
    Ok(fields)
}

fn field(value: &Value) -> Result<AMQPValue, NameTooLong> {
    Ok(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::Number(number) => numeric(number),
        Value::String(text) => AMQPValue::LongString(text.as_bytes().into()),
        Value::Array(values) => {
            AMQPValue::FieldArray(FieldArray::from(values.iter().map(field).collect::<Result<Vec<_>, _>>()?))
        }
        Value::Object(map) => AMQPValue::FieldTable(entries(map.iter().map(|(name, value)| (name.as_str(), value)))?),
    })
}

/// Integers in 32 bits where they fit, as py-amqp writes them. AMQP has none beyond 63 bits and a sign.
fn numeric(number: &Number) -> AMQPValue {
    match number.as_i64() {
        Some(whole) => i32::try_from(whole).map_or(AMQPValue::LongLongInt(whole), AMQPValue::LongInt),
        None => AMQPValue::Double(number.as_f64().unwrap_or(f64::NAN)),
    }
}

pub(super) fn table(fields: &FieldTable) -> Table {
    let mut table = Table::with_capacity(fields.inner().len());
    for (name, value) in fields {
        table.set(name.as_str().to_owned(), read(value));
    }
    table
}

fn read(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => Value::Bool(*value),
        AMQPValue::ShortShortInt(value) => (*value).into(),
        AMQPValue::ShortShortUInt(value) => (*value).into(),
        AMQPValue::ShortInt(value) => (*value).into(),
        AMQPValue::ShortUInt(value) => (*value).into(),
        AMQPValue::LongInt(value) => (*value).into(),
        AMQPValue::LongUInt(value) => (*value).into(),
        AMQPValue::LongLongInt(value) => (*value).into(),
        AMQPValue::Float(value) => f64::from(*value).into(),
        AMQPValue::Double(value) => (*value).into(),
        AMQPValue::DecimalValue(value) => (f64::from(value.value) / 10f64.powi(value.scale.into())).into(),
        AMQPValue::ShortString(text) => text.as_str().into(),
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into(),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(read).collect(),
        AMQPValue::Timestamp(seconds) => (*seconds).into(),
        AMQPValue::FieldTable(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (name.to_string(), read(value))).collect::<Map<_, _>>(),
        ),
        AMQPValue::ByteArray(bytes) => String::from_utf8_lossy(bytes.as_slice()).into(),
        AMQPValue::Void => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn headers_come_back_as_they_went() {
        let mut headers = Table::default();
        for (name, value) in [
            ("task", json!("tasks.add")),
            ("eta", json!(null)),
            ("timelimit", json!([null, 3.5])),
            ("retries", json!(0)),
            ("far", json!(1_i64 << 40)),
            ("stamps", json!({ "a": [true, "é"] })),
        ] {
            headers.set(name, value);
        }
        let back = table(&fields(&headers).unwrap());
        for (name, value) in headers.iter() {
            assert_eq!(back.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn a_name_that_amqp_has_no_room_for_is_an_error() {
        let mut headers = Table::default();
        headers.set("x".repeat(256), 1);
        assert!(fields(&headers).is_err() && short(&"x".repeat(255)).is_ok());
    }
}

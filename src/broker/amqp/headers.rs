//! Exchanges of type `headers`.

use crate::message::Table;
use serde_json::Value;

/// How a binding's arguments are compared.
const MATCH: &str = "x-match";

/// Why a binding with these arguments can't be, in RabbitMQ's words.
pub(super) fn problem(arguments: &Table) -> Option<String> {
    match arguments.get(MATCH) {
        None => None,
        Some(Value::String(how)) if ["all", "any", "all-with-x", "any-with-x"].contains(&how.as_str()) => None,
        Some(Value::String(how)) => {
            Some(format!("Invalid x-match field value <<\"{how}\">>; expected all, any, all-with-x, or any-with-x"))
        }
        Some(other) => Some(format!("Invalid x-match field type {} (value {other}); expected longstr", type_of(other))),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "void",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(number) if number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok()) => "signedint",
        Value::Number(_) => "long",
        Value::String(_) => "longstr",
        Value::Array(_) => "array",
        Value::Object(_) => "table",
    }
}

/// Whether a binding with these arguments takes a message with these headers.
///
/// An argument without a value asks only for the header to be there. Names that begin with `x-` are compared by
/// `all-with-x` and `any-with-x` only.
pub(super) fn matches(arguments: &Table, headers: &Table) -> bool {
    let how = arguments.get(MATCH).and_then(Value::as_str).unwrap_or("all");
    let (any, with_x) = (how.starts_with("any"), how.ends_with("-with-x"));
    let mut compared = arguments.iter().filter(|(name, _)| *name != MATCH && (with_x || !name.starts_with("x-")));
    let equal =
        |(name, wanted): (&str, &Value)| headers.get(name).is_some_and(|value| wanted.is_null() || same(value, wanted));
    if any { compared.any(equal) } else { compared.all(equal) }
}

/// Numbers are equal whatever their type.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.is_number() && b.is_number() && a.as_f64() == b.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(entries: &[(&'static str, Value)]) -> Table {
        let mut table = Table::default();
        entries.iter().for_each(|(name, value)| table.set(*name, value.clone()));
        table
    }

    #[test]
    fn all_is_the_default_and_any_needs_one() {
        let headers = table(&[("a", json!(1)), ("b", json!("x"))]);
        for (arguments, expected) in [
            (vec![], true),
            (vec![("a", json!(1))], true),
            (vec![("a", json!(1.0)), ("b", json!(null))], true),
            (vec![("a", json!(2)), ("b", json!("x"))], false),
            (vec![("a", json!(2)), ("b", json!("x")), ("x-match", json!("any"))], true),
            (vec![("c", json!(null)), ("x-match", json!("any"))], false),
            (vec![("x-match", json!("any"))], false),
            (vec![("x-other", json!(1))], true),
            (vec![("x-other", json!(1)), ("x-match", json!("all-with-x"))], false),
        ] {
            assert_eq!(matches(&table(&arguments), &headers), expected, "{arguments:?}");
        }
        assert!(problem(&table(&[("x-match", json!("some"))])).is_some());
    }
}

//! Binds the arguments of a call to the parameters of a task, as Python binds them to those of a function.

use serde::de::value::Error as Stop;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

type Named<'a> = BTreeMap<String, &'a RawValue>;

pub(super) fn nothing(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_default()
}

fn is_empty(kwargs: &RawValue) -> bool {
    kwargs.get() == "{}" || kwargs.get().trim_start_matches('{').trim() == "}"
}

/// Binds to a tuple of `arity` values. What is missing at the end is null, so that an `Option` may be left out.
pub(super) fn bind<T: DeserializeOwned>(
    args: &RawValue,
    kwargs: &RawValue,
    parameters: &[String],
    arity: usize,
) -> Result<T, String> {
    // Nearly every call: as many as there are parameters, none by name.
    if is_empty(kwargs)
        && let Ok(bound) = serde_json::from_str(args.get())
    {
        return Ok(bound);
    }
    let given: Vec<&RawValue> = serde_json::from_str(args.get()).map_err(|error| error.to_string())?;
    let named: Named<'_> = serde_json::from_str(kwargs.get()).map_err(|error| error.to_string())?;
    if given.len() > arity {
        return Err(too_many(arity, given.len()));
    }
    let mut bound: Vec<Option<&str>> = given.iter().map(|value| Some(value.get())).collect();
    bound.resize(arity, None);
    for (name, value) in &named {
        let place = parameters.iter().position(|parameter| parameter == name).and_then(|at| bound.get_mut(at));
        match place {
            None => return Err(unexpected(name)),
            Some(Some(_)) => return Err(twice(name)),
            Some(place) => *place = Some(value.get()),
        }
    }
    let text = format!("[{}]", bound.iter().map(|value| value.unwrap_or("null")).collect::<Vec<_>>().join(","));
    let missing: Vec<String> = bound
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_none())
        .map(|(at, _)| parameters.get(at).cloned().unwrap_or_else(|| format!("#{}", at + 1)))
        .collect();
    serde_json::from_str(&text)
        .map_err(|error| if missing.is_empty() { error.to_string() } else { missing_text(&missing) })
}

/// Binds to a struct: positions count its fields.
pub(super) fn by_name<T: DeserializeOwned>(args: &RawValue, kwargs: &RawValue) -> Result<T, String> {
    let given: Vec<&RawValue> = serde_json::from_str(args.get()).map_err(|error| error.to_string())?;
    let mut named: Named<'_> = serde_json::from_str(kwargs.get()).map_err(|error| error.to_string())?;
    let fields = fields::<T>();
    if let Some(fields) = fields {
        if given.len() > fields.len() {
            return Err(too_many(fields.len(), given.len()));
        }
        if let Some(name) = named.keys().find(|name| !fields.contains(&name.as_str())) {
            return Err(unexpected(name));
        }
    } else if !given.is_empty() {
        return Err(too_many(0, given.len()));
    }
    for (name, value) in fields.unwrap_or_default().iter().zip(given) {
        if named.insert((*name).to_owned(), value).is_some() {
            return Err(twice(name));
        }
    }
    let text = serde_json::to_string(&named).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn too_many(takes: usize, given: usize) -> String {
    let s = if takes == 1 { "" } else { "s" };
    let were = if given == 1 { "was" } else { "were" };
    format!("takes {takes} positional argument{s} but {given} {were} given")
}

fn unexpected(name: &str) -> String {
    format!("got an unexpected keyword argument '{name}'")
}

fn twice(name: &str) -> String {
    format!("got multiple values for argument '{name}'")
}

fn missing_text(names: &[String]) -> String {
    let s = if names.len() == 1 { "" } else { "s" };
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("missing {} required positional argument{s}: {}", names.len(), quoted.join(", "))
}

/// The names of a struct's fields, in order; `None` for what is no plain struct.
fn fields<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut found = None;
    // It always stops with an error: all that is wanted is what it asked for.
    let _ = T::deserialize(Probe(&mut found));
    found
}

struct Probe<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        *self.0 = Some(fields);
        Err(Stop::custom("the fields are all that was asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        Err(Stop::custom("no struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn pair(args: &str, kwargs: &str) -> Result<(i64, Option<i64>), String> {
        bind(&raw(args), &raw(kwargs), &["x".to_owned(), "y".to_owned()], 2)
    }

    #[test]
    fn a_tuple_binds_as_a_python_function_does() {
        assert_eq!(pair("[1, 2]", "{}"), Ok((1, Some(2))));
        assert_eq!(pair("[1]", "{ }"), Ok((1, None)));
        assert_eq!(pair("[1]", r#"{"y": 2}"#), Ok((1, Some(2))));
        assert_eq!(pair("[]", r#"{"y": 2, "x": 1}"#), Ok((1, Some(2))));
        for (args, kwargs, says) in [
            ("[1, 2, 3]", "{}", "takes 2 positional arguments but 3 were given"),
            ("[1]", r#"{"x": 1}"#, "got multiple values for argument 'x'"),
            ("[1]", r#"{"z": 1}"#, "got an unexpected keyword argument 'z'"),
            ("[]", r#"{"y": 1}"#, "missing 1 required positional argument: 'x'"),
        ] {
            assert_eq!(pair(args, kwargs), Err(says.to_owned()), "{args} {kwargs}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Mail {
        to: String,
        #[serde(default)]
        copies: u32,
    }

    #[test]
    fn a_struct_takes_positions_and_names() {
        let mail = |args: &str, kwargs: &str| by_name::<Mail>(&raw(args), &raw(kwargs));
        let ada = |copies| Ok(Mail { to: "ada".to_owned(), copies });
        assert_eq!(mail(r#"["ada"]"#, "{}"), ada(0));
        assert_eq!(mail(r#"["ada", 2]"#, "{}"), ada(2));
        assert_eq!(mail(r#"["ada"]"#, r#"{"copies": 2}"#), ada(2));
        assert_eq!(mail("[]", r#"{"to": "ada"}"#), ada(0));
        assert_eq!(mail(r#"["ada"]"#, r#"{"to": "bob"}"#), Err("got multiple values for argument 'to'".to_owned()));
        assert_eq!(mail("[]", r#"{"from": "bob"}"#), Err("got an unexpected keyword argument 'from'".to_owned()));
        assert!(mail("[]", "{}").unwrap_err().contains("missing field `to`"));
    }
}

//! What the TOML reader says about a file, in the words of scenario files.

use super::load::{listed, meant};

/// What stands for Rust's types in messages.
const WORDS: [(&str, &str); 12] = [
    ("u8", "a whole number from 0 to 255"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0 to 18446744073709551615"),
    ("usize", "a whole number, 1 or more"),
    ("f64", "a number"),
    ("f32", "a number"),
    ("a boolean", "true or false"),
    ("a string", "a text in quotes"),
    ("a map", "a table"),
    ("a sequence", "a list"),
    ("an array of length 2", "a list of two"),
    ("string or table", "a name in quotes"),
];

/// A message of the TOML reader with the nearest valid name, and without Rust's types.
pub(super) fn explain(message: &str) -> String {
    if let Some(missing) = message.strip_prefix("missing field ") {
        return format!("there is no key {missing} here, and one is needed");
    }
    if message == "recursion limit" {
        return "tables or lists are nested too deeply".to_owned();
    }
    if let Some(wanted) = message.strip_prefix("wanted ") {
        return format!("expected {}", word(wanted));
    }
    // Names are the file's own and may hold anything, what is expected is not.
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    match unknown(found) {
        Some((kind, name)) => {
            let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            let nearest = meant(name, names.iter().copied());
            format!("unknown {kind} `{name}`{nearest}\nexpected one of: {}", listed(names.into_iter()))
        }
        None => wrong_type(found, expected),
    }
}

fn unknown(found: &str) -> Option<(&'static str, &str)> {
    let kinds = [("unknown field `", "key"), ("unknown variant `", "name")];
    let mut named = kinds.into_iter().filter_map(|(start, kind)| found.strip_prefix(start).map(|rest| (kind, rest)));
    let (kind, rest) = named.next()?;
    Some((kind, rest.strip_suffix('`').unwrap_or(rest)))
}

fn wrong_type(found: &str, expected: &str) -> String {
    let found = found.replace(" as i128", "").replace("invalid type: map", "invalid type: table");
    let found = found.replace("invalid type: sequence", "invalid type: list");
    let hint = match (found.as_str(), expected) {
        ("invalid type: table", "a sequence") => "; tables in a list are headed by [[NAME]], not by [NAME]",
        ("invalid type: list", expected) if expected.starts_with("struct") || expected == "a map" => {
            "; one table is headed by [NAME], not by [[NAME]]"
        }
        _ => "",
    };
    format!("{found}, expected {}{hint}", word(expected))
}

fn word(expected: &str) -> &str {
    if expected.starts_with("struct ") {
        return "a table";
    }
    WORDS.iter().find(|(rust, _)| *rust == expected).map_or(expected, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn names_may_hold_what_messages_are_made_of() {
        let said = explain("unknown field `a, expected `b` c`, expected `seed` or `about`");
        assert_eq!(said, "unknown key `a, expected `b` c`\nexpected one of: seed, about");
    }

    #[test]
    fn rust_s_types_are_not_the_reader_s() {
        assert_eq!(
            explain("invalid type: integer `1`, expected u8"),
            "invalid type: integer `1`, expected a whole number from 0 to 255"
        );
        assert!(explain("invalid type: map, expected a sequence").contains("[[NAME]]"));
    }
}

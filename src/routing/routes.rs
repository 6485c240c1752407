//! `task_routes`: names and patterns of tasks, and where their calls go.

use regex::{Regex, RegexBuilder};
use serde_json::value::RawValue;
use std::time::Duration;

/// Routes of one application.
const MAX_ROUTES: usize = 10_000;
/// Bytes that one compiled pattern may take.
const MAX_REGEX: usize = 1 << 20;
/// What a pattern begins with that is a regular expression.
const REGEX: &str = "re:";
const KEYS: [&str; 5] = ["queue", "exchange", "routing_key", "priority", "expires"];

/// A call that is to be routed.
#[derive(Clone, Debug)]
pub struct RouteCall<'a> {
    /// The task's name.
    pub task: &'a str,
    /// Its arguments, a JSON array.
    pub args: &'a RawValue,
    /// Its keyword arguments, a JSON object.
    pub kwargs: &'a RawValue,
    /// What the call itself names.
    pub asked: Route,
}

/// Where a call goes, and how. What is unset is left to whoever is asked next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The queue.
    pub queue: Option<String>,
    /// The exchange, in place of the queue's.
    pub exchange: Option<String>,
    /// The routing key, in place of the queue's.
    pub routing_key: Option<String>,
    /// Priority, 0 to 255.
    pub priority: Option<u8>,
    /// Not after this long from now.
    pub expires: Option<Duration>,
}

impl Route {
    /// To a queue.
    pub fn to(queue: impl Into<String>) -> Self {
        Route { queue: Some(queue.into()), ..Route::default() }
    }

    /// Takes what is unset from another one. Who names a queue or an exchange has named the way.
    pub(super) fn fill_from(&mut self, other: &Route) {
        if self.queue.is_none() && self.exchange.is_none() {
            self.queue.clone_from(&other.queue);
            self.exchange.clone_from(&other.exchange);
            self.routing_key = self.routing_key.take().or_else(|| other.routing_key.clone());
        }
        self.priority = self.priority.or(other.priority);
        self.expires = self.expires.or(other.expires);
    }
}

/// A route or a queue that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place:?}: expected {expected}")]
pub struct BadRoute {
    place: String,
    expected: String,
}

impl BadRoute {
    pub(super) fn new(place: impl Into<String>, expected: impl Into<String>) -> Self {
        BadRoute { place: place.into(), expected: expected.into() }
    }

    pub(super) fn unknown(place: impl Into<String>, key: &str, known: &[&str]) -> Self {
        let nearest = crate::text::nearest(key, known.iter().copied());
        let meant = nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
        BadRoute::new(place, format!("one of {}{meant}", known.join(", ")))
    }
}

/// All routes, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Table>);

/// One table: exact names go before patterns, and patterns in the order in which they stand.
#[derive(Clone, Debug, Default)]
struct Table {
    exact: std::collections::BTreeMap<String, Route>,
    patterns: Vec<(Regex, Route)>,
}

impl Routes {
    /// Reads `task_routes`: a table, or a list of tables.
    ///
    /// # Errors
    ///
    /// What is wrong with which entry.
    pub fn from_toml(value: &toml::Value) -> Result<Routes, BadRoute> {
        let tables = match value {
            toml::Value::Table(table) => vec![Table::from_toml(table)?],
            toml::Value::Array(items) => {
                let table = |item: &toml::Value| item.as_table().map(Table::from_toml);
                let table = |item| table(item).unwrap_or_else(|| Err(BadRoute::new("task_routes", "a list of tables")));
                items.iter().map(table).collect::<Result<_, _>>()?
            }
            _ => return Err(BadRoute::new("task_routes", "a table of routes, or a list of such tables")),
        };
        Ok(Routes(tables))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|table| table.exact.is_empty() && table.patterns.is_empty())
    }

    /// The route of a task.
    pub fn find(&self, task: &str) -> Option<&Route> {
        self.0.iter().find_map(|table| table.find(task))
    }
}

impl Table {
    fn from_toml(toml: &toml::Table) -> Result<Table, BadRoute> {
        if toml.len() > MAX_ROUTES {
            return Err(BadRoute::new("task_routes", format!("at most {MAX_ROUTES} routes")));
        }
        let mut table = Table::default();
        for (pattern, value) in toml {
            let route = route(pattern, value)?;
            match regex(pattern) {
                None => {
                    table.exact.insert(pattern.clone(), route);
                }
                Some(Ok(regex)) => table.patterns.push((regex, route)),
                Some(Err(error)) => return Err(BadRoute::new(pattern, format!("a regular expression ({error})"))),
            }
        }
        Ok(table)
    }

    fn find(&self, task: &str) -> Option<&Route> {
        let matching = || self.patterns.iter().find(|(regex, _)| regex.is_match(task)).map(|(_, route)| route);
        self.exact.get(task).or_else(matching)
    }
}

fn route(pattern: &str, value: &toml::Value) -> Result<Route, BadRoute> {
    let table = match value {
        toml::Value::String(queue) if !queue.is_empty() => return Ok(Route::to(queue)),
        toml::Value::Table(table) => table,
        _ => return Err(BadRoute::new(pattern, "the name of a queue, or a table such as { queue = \"video\" }")),
    };
    let mut route = Route::default();
    for (key, value) in table {
        let bad = |expected: &str| BadRoute::new(format!("{pattern}.{key}"), expected);
        let text = || value.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| bad("a text"));
        match key.as_str() {
            "queue" => route.queue = Some(text()?),
            "exchange" => route.exchange = Some(text()?),
            "routing_key" => route.routing_key = Some(text()?),
            "priority" => {
                let priority = value.as_integer().and_then(|priority| u8::try_from(priority).ok());
                route.priority = Some(priority.ok_or_else(|| bad("a number from 0 to 255"))?);
            }
            "expires" => {
                let seconds = value.as_float().or_else(|| value.as_integer().map(|seconds| seconds as f64));
                let expires = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                route.expires = Some(expires.ok_or_else(|| bad("a number of seconds, 0 or more"))?);
            }
            _ => return Err(BadRoute::unknown(format!("{pattern}.{key}"), key, &KEYS)),
        }
    }
    Ok(route)
}

/// A pattern's regular expression: `re:` and one that the name begins with, as Python's `match` takes it; or a text with
/// `*`, which is a glob of the whole name. `None` for a plain name.
fn regex(pattern: &str) -> Option<Result<Regex, regex::Error>> {
    let text = match pattern.strip_prefix(REGEX) {
        Some(regex) => format!("^(?:{regex})"),
        None if pattern.contains('*') => format!("^(?s:{})$", glob(pattern)),
        None => return None,
    };
    Some(RegexBuilder::new(&text).size_limit(MAX_REGEX).build())
}

/// Python's `fnmatch`: `*` is anything, `?` one character, `[abc]` and `[!abc]` one of some.
fn glob(pattern: &str) -> String {
    let mut regex = String::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => match set(rest) {
                Some((set, after)) => {
                    regex.push_str(&set);
                    rest = after;
                }
                None => regex.push_str("\\["),
            },
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex
}

/// What follows a `[`: a set up to its `]`, which may itself be the first member.
fn set(rest: &str) -> Option<(String, &str)> {
    let (not, members) = rest.strip_prefix('!').map_or(("", rest), |members| ("^", members));
    let end = members.char_indices().skip(1).find(|(_, member)| *member == ']')?.0;
    let quoted: String =
        members[..end]
            .chars()
            .map(|member| {
                if matches!(member, '\\' | '[' | ']' | '^' | '&' | '~') { format!("\\{member}") } else { member.into() }
            })
            .collect();
    Some((format!("[{not}{quoted}]"), &members[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        regex(pattern).unwrap().unwrap().is_match(name)
    }

    #[test]
    fn globs_are_python_s() {
        for (pattern, yes, no) in [
            ("a.*", "a.b.c", "b.a.c"),
            ("*.[xy]", "a.x", "a.z"),
            ("*.[!xy]", "a.z", "a.x"),
            ("?b*", "abc", "ba"),
            ("a[b*", "a[bc", "abc"),
            ("*[]]", "a]", "a["),
            ("a.b*", "a.b", "aXb"),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            assert!(!matches(pattern, no), "{pattern} {no}");
        }
    }

    #[test]
    fn a_regular_expression_is_bound_to_the_beginning_only() {
        assert!(matches(r"re:x\.(y|z)", "x.zz"));
        assert!(!matches(r"re:x\.(y|z)", "a.x.y"));
        assert!(regex("re:(").unwrap().is_err());
    }

    #[test]
    fn what_is_wrong_with_a_route_is_said() {
        for (text, says) in [
            (r#"r = { "a.*" = 3 }"#, "expected the name of a queue"),
            (r#"r = { a = { que = "x" } }"#, "did you mean \"queue\"?"),
            (r#"r = { a = { priority = 256 } }"#, "\"a.priority\": expected a number from 0 to 255"),
            (r#"r = { "re:(" = "x" }"#, "a regular expression"),
            (r#"r = 3"#, "a table of routes"),
        ] {
            let table: toml::Table = text.parse().unwrap();
            let error = Routes::from_toml(&table["r"]).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

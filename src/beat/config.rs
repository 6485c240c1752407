//! Entries from TOML: Celery's `beat_schedule`, a table of entries by name.
//!
//! ```toml
//! [beat_schedule.cleanup]
//! task = "shop.cleanup"
//! schedule = "0 4 * * mon-fri"      # or "30s", 30.0, { minute = "*/15", hour = "8-17" }
//! args = [30]
//! options = { queue = "slow", expires = "1h" }
//! ```

use super::entry::{CatchUp, Entry};
use crate::app::CallOptions;
use crate::message::repr::listrepr;
use crate::schedule::{Crontab, CrontabFields, Field, FieldSpec, Interval, Schedule, Zone};
use serde_json::value::RawValue;
use std::time::Duration;
use toml::{Table, Value};

const KEYS: [&str; 9] =
    ["task", "schedule", "args", "kwargs", "options", "relative", "catch_up", "retry_for", "timezone"];
const OPTIONS: [&str; 13] = [
    "queue",
    "exchange",
    "routing_key",
    "priority",
    "countdown",
    "expires",
    "retry",
    "shadow",
    "time_limit",
    "soft_time_limit",
    "ignore_result",
    "argsrepr",
    "kwargsrepr",
];
/// Most entries of one schedule.
const MAX_ENTRIES: usize = 100_000;

/// An entry that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", path.join("."))]
pub struct BadEntry {
    /// Where: the entry's name and the keys below it.
    pub path: Vec<String>,
    /// What is wrong, and what was expected.
    pub message: String,
    /// It is about the last key of the path, and not about its value.
    pub is_key: bool,
}

/// Reads a table of entries by name.
///
/// # Errors
///
/// The first [`BadEntry`]: an unknown key with the nearest valid one, or a value that can't be used.
pub fn entries_from_toml(schedule: &Table) -> Result<Vec<Entry>, BadEntry> {
    if schedule.len() > MAX_ENTRIES {
        return Err(bad(&[], format!("more than {MAX_ENTRIES} entries")));
    }
    schedule.iter().map(|(name, value)| entry(name, value)).collect()
}

fn bad(path: &[&str], message: impl Into<String>) -> BadEntry {
    BadEntry { path: path.iter().map(|step| (*step).to_owned()).collect(), message: message.into(), is_key: false }
}

fn wants(path: &[&str], expected: &str) -> BadEntry {
    bad(path, format!("must be {expected}"))
}

fn known_keys(path: &[&str], table: &Table, keys: &[&str]) -> Result<(), BadEntry> {
    let Some(unknown) = table.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
    let nearest = crate::text::nearest(unknown, keys.iter().copied());
    let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"));
    let message = format!("there is no key {unknown:?}{nearest}\nexpected one of: {}", keys.join(", "));
    Err(BadEntry { is_key: true, ..bad(&[path, &[unknown.as_str()]].concat(), message) })
}

fn entry(name: &str, value: &Value) -> Result<Entry, BadEntry> {
    let path = [name];
    let table = value.as_table().ok_or_else(|| wants(&path, "a table with `task` and `schedule`"))?;
    known_keys(&path, table, &KEYS)?;
    let key = |key| -> [&str; 2] { [name, key] };
    let missing = |key: &str| bad(&path, format!("`{key}` is missing"));
    let task = table.get("task").ok_or_else(|| missing("task"))?;
    let task = task.as_str().filter(|task| !task.is_empty()).ok_or_else(|| wants(&key("task"), "a task's name"))?;
    let schedule = table.get("schedule").ok_or_else(|| missing("schedule"))?;
    let mut schedule = schedule_of(&key("schedule"), schedule)?;
    if flag(&key("relative"), table.get("relative"))?.unwrap_or(false) {
        schedule = match schedule {
            Schedule::Interval(interval) => interval.relative().into(),
            Schedule::Crontab(_) => return Err(bad(&key("relative"), "only an interval can be relative")),
        };
    }
    let mut entry = Entry::new(name, task, schedule);
    if let Some(args) = table.get("args") {
        let args = args.as_array().ok_or_else(|| wants(&key("args"), "an array"))?;
        entry.args = json(&key("args"), args)?;
    }
    if let Some(kwargs) = table.get("kwargs") {
        let kwargs = kwargs.as_table().ok_or_else(|| wants(&key("kwargs"), "a table"))?;
        entry.kwargs = json(&key("kwargs"), kwargs)?;
    }
    if let Some(options) = table.get("options") {
        let options = options.as_table().ok_or_else(|| wants(&key("options"), "a table"))?;
        entry.options = call_options(name, options)?;
    }
    if table.contains_key("args") && entry.options.argsrepr.is_none() {
        entry.options.argsrepr = Some(listrepr(&entry.args));
    }
    if let Some(catch_up) = table.get("catch_up") {
        entry.catch_up = match catch_up.as_str() {
            Some("skip") => CatchUp::Skip,
            Some("once") => CatchUp::Once,
            Some("all") => CatchUp::All,
            _ => return Err(wants(&key("catch_up"), "\"skip\", \"once\" or \"all\"")),
        };
    }
    entry.retry_for = table.get("retry_for").map(|value| time(&key("retry_for"), value)).transpose()?;
    if let Some(zone) = text(&key("timezone"), table.get("timezone"))? {
        entry.timezone = Some(Zone::named(&zone).map_err(|error| bad(&key("timezone"), error.to_string()))?);
    }
    Ok(entry)
}

fn schedule_of(path: &[&str], value: &Value) -> Result<Schedule, BadEntry> {
    match value {
        Value::Table(fields) => crontab_of(path, fields).map(Schedule::from),
        Value::String(text) if text.split_whitespace().count() == 5 => {
            let crontab = Crontab::from_string(text).map_err(|error| bad(path, error.to_string()))?;
            Ok(crontab.into())
        }
        value => {
            let expected = "seconds, a duration such as \"30s\", a crontab such as \"0 4 * * mon-fri\" (minute hour \
                            day_of_month month_of_year day_of_week), or a table with these fields";
            let every = time(path, value).map_err(|_| wants(path, expected))?;
            if !(Interval::SHORTEST..=Interval::LONGEST).contains(&every) {
                return Err(bad(path, "a period is at least a millisecond and at most a century"));
            }
            Ok(Interval::new(every).into())
        }
    }
}

fn crontab_of(path: &[&str], table: &Table) -> Result<Crontab, BadEntry> {
    known_keys(path, table, &Field::ALL.map(Field::name))?;
    let mut fields = CrontabFields::default();
    for field in Field::ALL {
        let Some(value) = table.get(field.name()) else { continue };
        let numbers = |list: &Vec<Value>| list.iter().map(Value::as_integer).collect::<Option<Vec<i64>>>();
        *fields.field_mut(field) = match value {
            Value::String(text) => FieldSpec::Text(text.clone()),
            Value::Integer(number) => FieldSpec::Number(*number),
            Value::Array(list) if numbers(list).is_some() => FieldSpec::List(numbers(list).unwrap_or_default()),
            _ => return Err(wants(&[path, &[field.name()]].concat(), "a number, a text or a list of numbers")),
        };
    }
    Crontab::new(fields).map_err(|error| {
        let field = error.field.map(Field::name);
        bad(&[path, field.as_slice()].concat(), error.to_string())
    })
}

fn call_options(name: &str, table: &Table) -> Result<CallOptions, BadEntry> {
    known_keys(&[name, "options"], table, &OPTIONS)?;
    let path = |key| -> [&str; 3] { [name, "options", key] };
    let texts = |key| text(&path(key), table.get(key));
    let times = |key| table.get(key).map(|value| time(&path(key), value)).transpose();
    let flags = |key| flag(&path(key), table.get(key));
    let priority = table.get("priority").map(|value| {
        let number = value.as_integer().and_then(|number| u8::try_from(number).ok());
        number.ok_or_else(|| wants(&path("priority"), "a whole number from 0 to 255"))
    });
    Ok(CallOptions {
        queue: texts("queue")?,
        exchange: texts("exchange")?,
        routing_key: texts("routing_key")?,
        priority: priority.transpose()?,
        countdown: times("countdown")?,
        expires: times("expires")?,
        retry: flags("retry")?,
        shadow: texts("shadow")?,
        time_limit: times("time_limit")?,
        soft_time_limit: times("soft_time_limit")?,
        ignore_result: flags("ignore_result")?,
        argsrepr: texts("argsrepr")?,
        kwargsrepr: texts("kwargsrepr")?,
        ..CallOptions::default()
    })
}

fn text(path: &[&str], value: Option<&Value>) -> Result<Option<String>, BadEntry> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    value.map(|value| text(value).ok_or_else(|| wants(path, "a text that is not empty"))).transpose()
}

fn flag(path: &[&str], value: Option<&Value>) -> Result<Option<bool>, BadEntry> {
    value.map(|value| value.as_bool().ok_or_else(|| wants(path, "true or false"))).transpose()
}

/// Seconds, or a text with units.
fn time(path: &[&str], value: &Value) -> Result<Duration, BadEntry> {
    let seconds = value.as_float().or_else(|| value.as_integer().map(|seconds| seconds as f64));
    let time = match (seconds, value.as_str()) {
        (Some(seconds), _) => Duration::try_from_secs_f64(seconds).ok(),
        (None, Some(text)) => {
            let span = text.parse::<jiff::Span>().ok();
            let days = jiff::SpanRelativeTo::days_are_24_hours();
            span.and_then(|span| span.to_duration(days).ok()).and_then(|time| Duration::try_from(time).ok())
        }
        _ => None,
    };
    time.filter(|time| *time <= Interval::LONGEST)
        .ok_or_else(|| wants(path, "seconds, or a duration such as \"30s\" or \"1h 30m\", of a century at most"))
}

fn json(path: &[&str], value: &impl serde::Serialize) -> Result<Box<RawValue>, BadEntry> {
    serde_json::value::to_raw_value(value).map_err(|error| bad(path, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, BadEntry> {
        entries_from_toml(&toml::from_str(text).unwrap())
    }

    #[test]
    fn schedules_are_written_in_four_ways() {
        let text = "a = { task = 't', schedule = 30 }\nb = { task = 't', schedule = '1h 30m', relative = true }\n\
                    c = { task = 't', schedule = '0 4 * * mon-fri' }\n\
                    d = { task = 't', schedule = { minute = '*/15', hour = [8, 9] }, timezone = 'Europe/Berlin' }";
        let shown: Vec<String> = read(text).unwrap().iter().map(|entry| entry.schedule.to_string()).collect();
        let wanted = [
            "every 30s",
            "every 5400s, relative",
            "<crontab: 0 4 * * mon-fri (m/h/dM/MY/d)>",
            "<crontab: */15 [8, 9] * * * (m/h/dM/MY/d)>",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn arguments_and_options_are_the_calls() {
        let text = "a = { task = 't', schedule = 1, args = [1, 'x'], kwargs = { deep = [true] },
                    options = { queue = 'slow', priority = 3, expires = '1h', ignore_result = true }, catch_up = 'all' }";
        let entry = read(text).unwrap().remove(0);
        assert_eq!((entry.args.get(), entry.kwargs.get()), ("[1,\"x\"]", "{\"deep\":[true]}"));
        assert_eq!(entry.options.queue.as_deref(), Some("slow"));
        assert_eq!(entry.options.expires, Some(Duration::from_secs(3_600)));
        assert_eq!((entry.options.priority, entry.catch_up), (Some(3), CatchUp::All));
        assert_eq!(entry.call(None).options.headers.get("celery_beat_task"), Some(&true.into()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, path, says) in [
            ("a = { task = 't' }", "a", "`schedule` is missing"),
            ("a = { task = 't', schedul = 1, schedule = 1 }", "a.schedul", "did you mean \"schedule\"?"),
            ("a = { task = 't', schedule = 1, options = { queu = 'x' } }", "a.options.queu", "did you mean \"queue\"?"),
            ("a = { task = 't', schedule = { minute = 60 } }", "a.schedule.minute", "Valid range is 0-59"),
            ("a = { task = 't', schedule = '0 25 * * *' }", "a.schedule", "25 > 23"),
            ("a = { task = 't', schedule = 'soon' }", "a.schedule", "a duration such as"),
            ("a = { task = 't', schedule = 0 }", "a.schedule", "at least a millisecond"),
            ("a = { task = 't', schedule = 1, timezone = 'Europe/Berln' }", "a.timezone", "Europe/Berlin"),
            ("a = { task = 't', schedule = 1, catch_up = 'some' }", "a.catch_up", "\"skip\", \"once\" or \"all\""),
            ("a = { task = 't', schedule = 1, options = { priority = 256 } }", "a.options.priority", "0 to 255"),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text} was taken"));
            assert_eq!(error.path.join("."), path, "{text}");
            assert!(error.message.contains(says), "{text}: {error}");
        }
    }
}

//! Schedules: what Celery's do, row by row (`golden/vectors_crontab_*`, `golden/vectors_interval_due`), and what the
//! algorithm of profile `safe` promises, for any schedule in any zone.

#![allow(clippy::disallowed_methods, reason = "reads the vectors")]

#[path = "schedule/oracle.rs"]
mod oracle;
#[path = "schedule/safe.rs"]
mod safe;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use simq::message::Timestamp;
use simq::schedule::{BadCrontab, Crontab, CrontabFields, Fault, Field, FieldSpec, Interval, Schedule, Zone};
use std::collections::BTreeMap;
use std::time::Duration;

fn rows<T: DeserializeOwned>(file: &str, count: usize) -> Vec<T> {
    let path = format!("{}/tests/golden/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows: Vec<T> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}: {error}: {line}")))
        .collect();
    assert_eq!(rows.len(), count, "{file} has another number of rows than was checked");
    rows
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn field(name: &str) -> Field {
    let found = Field::ALL.into_iter().find(|field| field.name() == name);
    found.unwrap_or_else(|| panic!("no field {name}"))
}

/// What Python takes for a field; `None` for a type that it does not take.
fn spec_of(value: &Value) -> Option<FieldSpec> {
    Some(match value {
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => number.as_i64()?.into(),
        Value::Array(list) => list.iter().map(Value::as_i64).collect::<Option<Vec<_>>>()?.into(),
        _ => return None,
    })
}

fn fields(spec: &BTreeMap<String, Value>) -> Option<CrontabFields> {
    let mut fields = CrontabFields::default();
    for (name, value) in spec {
        *fields.field_mut(field(name)) = spec_of(value)?;
    }
    Some(fields)
}

fn crontab(spec: &BTreeMap<String, Value>) -> Crontab {
    Crontab::new(fields(spec).expect("texts and numbers")).unwrap_or_else(|bad| panic!("{bad}"))
}

/// One field, a whole text, or what Python's constructor was given.
#[derive(Deserialize)]
#[serde(untagged)]
enum Parse {
    Field {
        field: String,
        spec: String,
        values: Option<Vec<u8>>,
        error: Option<String>,
        message: Option<String>,
    },
    Whole {
        from_string: String,
        #[serde(flatten)]
        values: BTreeMap<String, Vec<u8>>,
    },
    Built {
        constructor: BTreeMap<String, Value>,
        #[serde(flatten)]
        outcome: BTreeMap<String, Value>,
    },
}

/// The same text as Celery's exception, and in front of it the field and what it says, and behind it what is allowed.
fn assert_refused(bad: &BadCrontab, message: &str, written: &str) {
    assert_eq!(bad.fault.to_string(), message);
    let text = bad.to_string();
    assert!(text.contains(written) && text.contains(message) && text.contains("xpected"), "{text}");
}

#[test]
fn every_crontab_is_read_as_celery_reads_it() {
    for row in rows::<Parse>("vectors_crontab_parse", 63) {
        match row {
            Parse::Field { field: name, spec, values, error, message } => {
                let mut fields = CrontabFields::default();
                *fields.field_mut(field(&name)) = spec.as_str().into();
                match (Crontab::new(fields), values, message) {
                    (Ok(crontab), Some(values), None) => {
                        assert_eq!(crontab.values(field(&name)), values, "{name} = {spec:?}");
                    }
                    (Err(bad), None, Some(message)) => {
                        assert!(["ValueError", "ParseException"].map(Some).contains(&error.as_deref()));
                        assert_eq!(bad.field, Some(field(&name)));
                        assert_refused(&bad, &message, &format!("{name} = {spec:?}"));
                    }
                    (seen, values, message) => panic!("{name} = {spec:?}: {seen:?}, not {values:?} or {message:?}"),
                }
            }
            Parse::Whole { from_string, values } => {
                let crontab = Crontab::from_string(&from_string).unwrap_or_else(|bad| panic!("{bad}"));
                assert_eq!(values.len(), 5);
                for (name, values) in values {
                    assert_eq!(crontab.values(field(&name)), values, "{from_string}: {name}");
                }
            }
            Parse::Built { constructor, outcome } => built(&constructor, &outcome),
        }
    }
}

fn built(constructor: &BTreeMap<String, Value>, outcome: &BTreeMap<String, Value>) {
    let message = outcome.get("message").and_then(Value::as_str);
    match (fields(constructor), message) {
        // The type of a field says it here.
        (None, Some(message)) => assert!(message.contains("needs to be of any of the following types"), "{message}"),
        (None, None) => panic!("{constructor:?}"),
        (Some(fields), Some(message)) => {
            let bad = Crontab::new(fields).expect_err(message);
            assert_eq!(bad.fault.to_string(), message);
            assert!(bad.to_string().contains(message), "{bad}");
        }
        (Some(fields), None) => {
            let crontab = Crontab::new(fields).unwrap_or_else(|bad| panic!("{bad}"));
            assert_eq!(outcome["repr"], crontab.to_string());
            for (name, values) in outcome.iter().filter(|(name, _)| !["ok", "repr"].contains(&name.as_str())) {
                assert_eq!(serde_json::json!(crontab.values(field(name))), *values);
            }
        }
    }
}

/// What Celery takes without a word although it can't be meant.
#[test]
fn what_celery_would_ignore_is_refused() {
    for (text, fault) in [
        ("1-5-7", Fault::Rest("-7".to_owned())),
        ("1-5/2/3", Fault::Rest("/3".to_owned())),
        ("*/2;3", Fault::Rest(";3".to_owned())),
        ("*/0", Fault::Step("0".to_owned())),
        ("*/x", Fault::Step("x".to_owned())),
        ("*/", Fault::EmptyStep),
        ("", Fault::EmptyPart),
        ("99999999999999999999", Fault::TooLarge(u64::MAX, 59)),
    ] {
        let bad = Crontab::from_string(&format!("{} * * * *", if text.is_empty() { "," } else { text }));
        assert_eq!(bad.expect_err(text).fault, fault, "{text:?}");
    }
    assert_eq!(Crontab::from_string("* * * *").expect_err("four").fault, Fault::Fields(4));
    assert!(Crontab::from_string(&"1,".repeat(10_000)).is_err());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CrontabDue {
    timezone: String,
    spec: BTreeMap<String, Value>,
    last_run_at: String,
    now: String,
    is_due: bool,
    next_s: f64,
    beat_cron_starting_deadline: Option<f64>,
    // The offset of the text says the same.
    #[serde(rename = "last_fold")]
    _last_fold: Option<u8>,
    #[serde(rename = "now_fold")]
    _now_fold: Option<u8>,
}

#[test]
fn a_crontab_is_due_when_celery_says_so() {
    for row in rows::<CrontabDue>("vectors_crontab_due", 790) {
        let zone = Zone::named(&row.timezone).expect("a zone");
        let schedule = Schedule::from(crontab(&row.spec));
        let deadline = row.beat_cron_starting_deadline.map(Duration::from_secs_f64);
        let state = schedule.is_due(at(&row.last_run_at), at(&row.now), &zone, deadline);
        let seen = (state.is_due, state.next.as_secs_f64());
        assert_eq!(
            seen,
            (row.is_due, row.next_s),
            "{schedule} in {zone}, last {} now {}, deadline {deadline:?}",
            row.last_run_at,
            row.now
        );
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntervalDue {
    timezone: String,
    every_s: f64,
    relative: bool,
    last_run_at: String,
    now: String,
    is_due: bool,
    next_s: f64,
    #[serde(rename = "last_fold")]
    _last_fold: u8,
    #[serde(rename = "now_fold")]
    _now_fold: u8,
}

#[test]
fn an_interval_is_due_when_celery_says_so() {
    for row in rows::<IntervalDue>("vectors_interval_due", 720) {
        let zone = Zone::named(&row.timezone).expect("a zone");
        let interval = Interval::new(Duration::from_secs_f64(row.every_s));
        let interval = if row.relative { interval.relative() } else { interval };
        let state = Schedule::from(interval).is_due(at(&row.last_run_at), at(&row.now), &zone, None);
        let seen = (state.is_due, state.next.as_secs_f64());
        assert_eq!(seen, (row.is_due, row.next_s), "{interval} in {zone}, last {} now {}", row.last_run_at, row.now);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nights {
    timezone: String,
    spec: BTreeMap<String, Value>,
    last_run_at: String,
    hours: u64,
    runs_day_time_offset: Vec<String>,
}

/// The nights in which clocks change, as beat goes through them: asks, waits as long as it is told, and asks again.
#[test]
fn the_runs_of_nights_in_which_clocks_change_are_celerys() {
    for row in rows::<Nights>("vectors_crontab_dst_runs", 18) {
        let zone = Zone::named(&row.timezone).expect("a zone");
        let schedule = Schedule::from(crontab(&row.spec));
        let mut now = at(&row.last_run_at);
        let (mut last, mut runs) = (now, Vec::new());
        let end = now.checked_add(Duration::from_secs(row.hours * 3_600)).expect("in range");
        while now < end {
            let state = schedule.is_due(last, now, &zone, None);
            if state.is_due {
                last = now;
                let shown = zone.show(now).replace('T', " ");
                runs.push(format!("{}{}", &shown[8..22], &shown[23..]));
            }
            now = now.checked_add(state.next.max(Duration::from_millis(1))).expect("in range");
        }
        assert_eq!(runs, row.runs_day_time_offset, "{schedule} in {zone} from {}", row.last_run_at);
    }
}

#[test]
fn unknown_zones_are_refused_with_the_nearest_name() {
    let error = Zone::named("Europe/Berln").expect_err("misspelt").to_string();
    assert!(error.contains("did you mean \"Europe/Berlin\"?"), "{error}");
    assert_eq!(Zone::named("europe/berlin").expect("any case").name(), "Europe/Berlin");
}

//! The documentation says what the code does: every name of the scenario format is explained, every scenario in it runs
//! and passes, and the table of settings is the one of the code.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes `docs/settings.md` anew.
#![cfg(feature = "sim")]
#![allow(clippy::disallowed_methods, reason = "reads and writes the documentation, which is files")]

use serde_json::Value;
use simq::scenario::{EFFECTS, Report, Scenario, report, run, schema};
use simq::settings::{Profile, Settings, Status};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Fails with all names that do not stand in `text` as `` `name` ``.
fn assert_explains<'a>(text: &str, what: &str, names: impl IntoIterator<Item = &'a str>) {
    let missing: BTreeSet<&str> = names.into_iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/scenarios.md does not explain these {what}: {missing:?}");
}

/// Calls `found` with every property and every constant of a JSON Schema.
fn walk<'a>(schema: &'a Value, found: &mut impl FnMut(&'static str, &'a str)) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                properties.keys().for_each(|key| found("property", key));
            }
            let constants = object.get("enum").and_then(Value::as_array).into_iter().flatten();
            constants.chain(object.get("const")).filter_map(Value::as_str).for_each(|name| found("constant", name));
            object.values().for_each(|inner| walk(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| walk(inner, found)),
        _ => {}
    }
}

#[test]
fn every_key_fault_and_name_of_the_format_is_explained() {
    let schema: Value = serde_json::from_str(&schema()).expect("the schema is JSON");
    let (mut properties, mut constants) = (Vec::new(), Vec::new());
    walk(&schema, &mut |kind, name| if kind == "property" { properties.push(name) } else { constants.push(name) });
    assert!(properties.contains(&"workload") && constants.contains(&"power_off") && constants.contains(&"SIGQUIT"));
    let text = read("docs/scenarios.md");
    assert_explains(&text, "keys", properties);
    assert_explains(&text, "names", constants);
    assert_explains(&text, "effects", EFFECTS.iter().copied());
}

/// The scenarios of a document, each with the line on which it begins.
fn scenarios(document: &str) -> Vec<(usize, String)> {
    let text = read(document);
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match (inside, line) {
            (false, "```toml scenario") => {
                found.push((number + 2, String::new()));
                inside = true;
            }
            (true, "```") => inside = false,
            (true, line) => found.last_mut().into_iter().for_each(|(_, block)| *block += &format!("{line}\n")),
            _ => {}
        }
    }
    found
}

fn runs(document: &str) -> Vec<Report> {
    let mut reports = Vec::new();
    for (line, text) in scenarios(document) {
        let name = format!("{document}:{line}");
        let scenario = Scenario::parse(&path(document), text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        for variant in scenario.variants() {
            let report = run(&scenario, variant.as_deref(), scenario.seed(), None, true);
            let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(report.passed(), "{name} {variant:?}: {:#?}", report.failures);
            reports.push(report);
        }
    }
    reports
}

#[test]
fn every_scenario_of_the_readme_passes() {
    assert!(!runs("README.md").is_empty());
}

/// Only the time that a run took may differ.
#[test]
fn the_readme_shows_what_its_first_command_prints() {
    let readme = read("README.md");
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of output");
    let scenario = Scenario::load(&path("scenarios/worker_crash.toml")).unwrap_or_else(|problem| panic!("{problem}"));
    let reports = scenario.variants().into_iter().map(|variant| {
        let report = run(&scenario, variant.as_deref(), scenario.seed(), None, false).expect("a simulated world");
        report::human(&report, report::Style::Plain, "simq")
    });
    let printed = reports.collect::<String>().replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed: BTreeSet<String> = printed.lines().map(words).collect();
    let other = shown.lines().map(words).filter(|line| !line.starts_with("time ") && !line.ends_with("runs pass"));
    let other: Vec<String> = other.filter(|line| !printed.contains(line)).collect();
    assert!(other.is_empty(), "no longer printed, so write README.md anew: {other:#?}\n{printed:#?}");
}

#[test]
fn every_scenario_of_the_format_s_documentation_passes_and_each_field_of_its_report_is_explained() {
    let reports = runs("docs/scenarios.md");
    assert!(reports.len() > 5);
    let text = read("docs/scenarios.md");
    for report in &reports {
        let report: Value = serde_json::from_str(&report::json(report)).expect("a report is JSON");
        let mut names = Vec::new();
        fields(&report, &mut names);
        assert_explains(&text, "fields of reports", names);
    }
}

fn fields<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, inner)| {
            names.push(name);
            fields(inner, names);
        }),
        Value::Array(items) => items.iter().for_each(|inner| fields(inner, names)),
        _ => {}
    }
}

#[test]
fn the_table_of_settings_is_the_code_s() {
    let wanted = settings_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path("docs/settings.md"), &wanted).expect("docs/settings.md can be written");
    }
    let found = read("docs/settings.md");
    let differs = wanted.lines().zip(found.lines()).find(|(wanted, found)| wanted != found);
    assert!(
        wanted == found,
        "docs/settings.md is out of date; write it anew with UPDATE_DOCS=1 cargo test --test docs\nfirst difference: {differs:#?}"
    );
}

const SETTINGS_HEAD: &str = "\
# Settings

<!-- Written by tests/docs.rs from the table in src/settings: UPDATE_DOCS=1 cargo test --test docs -->

All settings of Celery 5.7 under their names, and those of simq's own, whose meaning begins with `simq:`. Any other name
is refused, with the nearest one; an old name of Celery's, such as `CELERYD_CONCURRENCY`, with the new one.

Not all of them do something in simq. The last column says which: *acts*; *later*, with the part that needs it; *never*,
with the reason. The last two are checked and kept, so that a configuration of Celery can be taken over whole, and simq
tells that they have no effect.

## Where settings come from

The later one wins:

| source | how | the profile |
|---|---|---|
| profile | the defaults below | `safe` |
| file | `--config FILE`, or what `SIMQ_CONFIG` names | `profile = \"celery\"` |
| Celery's variables | `CELERY_BROKER_URL`, `CELERY_BROKER_READ_URL`, `CELERY_BROKER_WRITE_URL`, `CELERY_RESULT_BACKEND`; ignored when empty. `REMAP_SIGTERM=SIGQUIT` is `worker_remap_sigterm` | |
| variables | `SIMQ_` and the name in upper case, `__` for a dot: `SIMQ_BROKER_TRANSPORT_OPTIONS__CONFIRM_PUBLISH=false` | `SIMQ_PROFILE` |
| flags | `--set NAME=VALUE`, as often as you like | `--profile` |

The profile is chosen first, by the last source that names one; then each source is laid over its defaults.

A file is TOML. A name with a dot is a key of a table:

```toml
profile = \"safe\"
timezone = \"Europe/Berlin\"
task_time_limit = 300

[broker_transport_options]
confirm_timeout = 5

[beat_schedule.cleanup]
task = \"shop.cleanup\"
schedule = \"0 4 * * *\"
```

In variables and flags a text stands as it is, a truth is also `yes`, `no`, `on`, `off`, `1` or `0`, a list of texts may
stand between commas, and everything else is written as in TOML: `--set 'task_routes={ \"mail.*\" = \"mail\" }'`. What is
optional is unset with `\"none\"`, and with `false` where that is no value of its own.

A variable that begins with `SIMQ_` and is none of these is refused, as a typo; but for those that Kubernetes gives to
containers because of a service called `simq` or `simq-something`, such as `SIMQ_PORT` and `SIMQ_BROKER_SERVICE_HOST`.

`simq config` prints each value that is in effect and where it came from, as a file of settings: `simq config --changed`
only what differs from the profile, `simq config 'task_*'` what matches, `simq config --explain task_acks_late` all that
is known of one, `--json` a line of JSON for each. Secrets are masked, also passwords in URLs; what has no effect is told
on standard error. A source with something wrong ends it with status 2, and a message that names file and line, variable
or flag, what was expected, and the nearest valid name.

An application takes the same sources with `Settings::load`, its own flags with `Sources`.
";

/// Sections in their order, by the family of a setting.
const SECTIONS: [(&str, &str); 12] = [
    ("general", "General"),
    ("task", "Tasks"),
    ("worker", "Workers"),
    ("broker", "Broker"),
    ("result", "Results"),
    ("beat", "Beat"),
    ("event", "Events"),
    ("control", "Remote control"),
    ("security", "Signed messages"),
    ("redis", "Results in Redis"),
    ("database", "Results in databases"),
    ("other result stores", "Other result stores"),
];

fn settings_page() -> String {
    let mut page = SETTINGS_HEAD.to_owned();
    let mut told = 0;
    for (family, title) in SECTIONS {
        let _ = writeln!(
            page,
            "\n## {title}\n\n| name | takes | `safe` | `celery` | meaning | in simq |\n|---|---|---|---|---|---|"
        );
        for setting in Settings::documentation().filter(|setting| setting.family() == family) {
            let optional = if setting.is_optional() { ", optional" } else { "" };
            let (name, takes) = (setting.name(), setting.takes());
            let (safe, celery) = (shown(setting.default(Profile::Safe)), shown(setting.default(Profile::Celery)));
            let about = setting.about().replace('|', "\\|");
            let status = match setting.status() {
                Status::Acts => "acts".to_owned(),
                Status::Later(part) => format!("later: {part}"),
                Status::Never(reason) => format!("never: {reason}"),
                other => panic!("{name}: {other:?} has no word"),
            };
            let _ = writeln!(page, "| `{name}` | {takes}{optional} | {safe} | {celery} | {about} | {status} |");
            told += 1;
        }
    }
    assert_eq!(told, Settings::names().count(), "each family of settings needs a section");
    page
}

fn shown(value: Option<toml::Value>) -> String {
    match value {
        None => "unset".to_owned(),
        // Seconds that are whole are written so.
        Some(toml::Value::Float(seconds)) => format!("{seconds}"),
        Some(toml::Value::String(text)) => format!("`{}`", text.escape_default()),
        Some(value) => value.to_string().replace('"', "`"),
    }
}

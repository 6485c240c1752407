//! The documentation says what the code does: every name of the scenario format is explained, every scenario in it runs
//! and passes, and the table of settings is the one of the code.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes `docs/settings.md` anew.
#![cfg(feature = "sim")]
#![allow(clippy::disallowed_methods, reason = "reads and writes the documentation, which is files")]

use serde_json::Value;
use simq::scenario::{EFFECTS, Report, Scenario, report, run, schema};
use simq::settings::{Profile, Settings};
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

<!-- Written by tests/docs.rs from the table in src/settings/table.rs: UPDATE_DOCS=1 cargo test --test docs -->

Every setting that this version acts on, under Celery's name, with its defaults in both profiles. Any other name
is refused. Those whose meaning begins with `simq:` do not exist in Celery.

In a scenario file a name with a dot is a key of a table: `broker_transport_options = { confirm_publish = true }`.
What is optional is unset with `false` or `\"none\"`.

| name | takes | `safe` | `celery` | meaning |
|---|---|---|---|---|
";

fn settings_page() -> String {
    let mut page = SETTINGS_HEAD.to_owned();
    let documented = Settings::documentation();
    assert_eq!(documented.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), Settings::names());
    for (name, takes, meaning) in documented {
        let optional = if is_optional(name, takes) { ", optional" } else { "" };
        let (safe, celery) = (default(Profile::Safe, name), default(Profile::Celery, name));
        let meaning = meaning.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let _ = writeln!(page, "| `{name}` | {takes}{optional} | {safe} | {celery} | {meaning} |");
    }
    page
}

/// Whether `false` takes the setting away, rather than being its value.
fn is_optional(name: &str, takes: &str) -> bool {
    takes != "true or false" && Settings::new(Profile::Safe).set(name, &toml::Value::Boolean(false)).is_ok()
}

fn default(profile: Profile, name: &str) -> String {
    match Settings::new(profile).get(name) {
        None => "unset".to_owned(),
        // Seconds that are whole are written so.
        Some(toml::Value::Float(seconds)) => format!("{seconds}"),
        Some(value) => value.to_string().replace('"', "`"),
    }
}

//! Reports for machines: JSON, the ledger, JUnit, traces.

use super::support::{Dir, GOOD, failing};
use serde_json::Value;
use std::collections::BTreeSet;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_report_in_json_has_all_fields_in_one_order() {
    let dir = Dir::with(&(GOOD.to_owned() + "[variant.a]\n[variant.b]\nexpect.lost = 5\n"));
    let said = dir.simq(&["run", "s.toml", "--format", "json"]);
    let reports = said.assert_status(1).reports();
    assert_eq!(reports.len(), 2);
    for (report, (variant, verdict)) in reports.iter().zip([("a", "pass"), ("b", "fail")]) {
        let fields = [
            "scenario",
            "file",
            "variant",
            "seed",
            "verdict",
            "failures",
            "expectations",
            "faults",
            "outcomes",
            "trace_hash",
            "events",
            "virtual_seconds",
            "wall_seconds",
        ];
        assert_eq!(keys(report), fields);
        assert_eq!((&report["scenario"], &report["file"]), (&"s".into(), &"s.toml".into()));
        assert_eq!(
            (&report["variant"], &report["verdict"], &report["seed"]),
            (&variant.into(), &verdict.into(), &1.into())
        );
        assert_eq!(keys(&report["expectations"][0]), ["key", "wanted", "seen", "holds", "exercised"]);
        assert_eq!(keys(&report["faults"][0]), ["fault", "when", "struck"]);
        assert_eq!(report["trace_hash"].as_str().map(str::len), Some(32));
        assert!(report["events"].as_u64().is_some_and(|events| events > 100));
        assert!(report["virtual_seconds"].as_f64().is_some_and(|seconds| seconds > 1.0));
        assert!(report["wall_seconds"].is_f64() && report["outcomes"]["succeeded"] == 8);
        assert_eq!(report["failures"].as_array().map(Vec::is_empty), Some(verdict == "pass"));
    }
    let no_variant = Dir::with(GOOD).simq(&["run", "s.toml", "--format", "json"]).reports();
    assert!(!keys(&no_variant[0]).contains(&"variant"));
}

#[test]
fn a_report_is_the_same_each_time_but_for_the_real_time() {
    let dir = Dir::with(GOOD);
    let report = || {
        let mut report = dir.simq(&["run", "s.toml", "--format", "json", "--ledger"]).reports().remove(0);
        report["wall_seconds"] = Value::Null;
        report
    };
    assert_eq!(report(), report());
}

#[test]
fn the_ledger_holds_each_task_when_it_is_asked_for() {
    let dir = Dir::with(GOOD);
    let report = &dir.simq(&["run", "s.toml", "--format", "json", "--ledger"]).reports()[0];
    let ledger = report["ledger"].as_array().expect("a ledger");
    assert_eq!(ledger.len(), 8);
    let ids: BTreeSet<&str> = ledger.iter().filter_map(|task| task["id"].as_str()).collect();
    assert_eq!(ids.len(), 8);
    let executions = |task: &Value| task["executions"].as_array().map_or(0, Vec::len) as u64;
    assert_eq!(Value::from(ledger.iter().map(executions).sum::<u64>()), report["outcomes"]["executions"]);
    for task in ledger {
        assert_eq!(
            (&task["task"], &task["fate"], &task["state"]),
            (&"t".into(), &"succeeded".into(), &"SUCCESS".into())
        );
        for execution in task["executions"].as_array().expect("executions") {
            assert_eq!(keys(execution), ["process", "retries", "redelivered", "started", "over", "ended"]);
        }
    }
    assert!(dir.simq(&["run", "s.toml", "--format", "json"]).reports()[0].get("ledger").is_none());
    dir.simq(&["run", "s.toml", "--ledger"]).assert_bad_input("--ledger", &["--format json"]);
}

/// A tiny check of XML: tags nest, attributes are quoted and differ, nothing stands bare. Returns the names of elements.
fn elements(xml: &str) -> Vec<String> {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let (mut open, mut names, mut rest) = (Vec::new(), Vec::new(), body);
    while let Some(at) = rest.find('<') {
        assert_text(&rest[..at]);
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let (tag, after) = (&rest[at + 1..end], &rest[end + 1..]);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "tags nest");
            continue;
        }
        assert!(!open.is_empty() || names.is_empty(), "one root");
        let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag.trim_end_matches('/'), ""));
        let parts: Vec<&str> = attributes.split('"').collect();
        let attribute_names: BTreeSet<&str> = parts.iter().step_by(2).map(|name| name.trim()).collect();
        assert_eq!(attribute_names.len(), parts.len() / 2 + 1, "attributes differ: {tag}");
        parts.iter().step_by(2).take(parts.len() / 2).for_each(|name| assert!(name.ends_with('='), "{tag}"));
        parts.iter().skip(1).step_by(2).for_each(|value| assert_text(value));
        names.push(name.to_owned());
        if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "everything is closed: {open:?} {rest:?}");
    names
}

fn assert_text(text: &str) {
    let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
    let bare = text.match_indices('&').any(|(at, _)| !known.iter().any(|entity| text[at..].starts_with(entity)));
    let control = text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    assert!(!bare && !control && !text.contains('<'), "{text:?}");
}

#[test]
fn junit_is_well_formed_xml_whatever_the_names() {
    let dir = Dir::new();
    let variant = "\n[variant.'a < b & \"c\" > d']\n[variant.\"bell \\u0007\"]\nexpect.lost = 3\n[variant.plain]\nexpect.lost = 3\n";
    dir.write("q & \"a\" <b>.toml", GOOD.to_owned() + variant);
    let said = dir.simq(&["run", ".", "--format", "junit"]);
    let names = elements(&said.assert_status(1).out);
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure")), (1, 3, 2), "{}", said.out);
    assert!(said.out.contains("tests=\"3\" failures=\"2\" errors=\"0\""), "{}", said.out);
    assert!(said.out.contains("replay: simq run ") && said.out.contains("--seed 1"), "{}", said.out);
}

#[test]
fn a_trace_has_one_object_a_line_and_as_many_as_there_were_events() {
    let dir = Dir::with(GOOD);
    let report = &dir.simq(&["run", "s.toml", "--format", "json", "--trace", "t.jsonl"]).reports()[0];
    let trace = dir.read("t.jsonl");
    let lines: Vec<Value> = trace.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(report["events"], lines.len());
    let mut before = 0.0;
    for (number, line) in lines.iter().enumerate() {
        assert!(line["n"] == number && line["process"].is_string() && line["what"].is_string(), "{line}");
        let at = line["t"].as_f64().expect("a time");
        assert!(at >= before, "time goes on: {line}");
        before = at;
    }
    let what: BTreeSet<&str> = lines.iter().filter_map(|line| line["what"].as_str()).collect();
    for kind in ["process.started", "process.exited", "connected", "sent", "arrived", "fault"] {
        assert!(what.contains(kind), "{kind} in {what:?}");
    }
    let plain = &dir.simq(&["run", "s.toml", "--format", "json"]).reports()[0];
    assert_eq!(plain["trace_hash"], report["trace_hash"], "writing a trace changes nothing");
    let checked = dir.simq(&["run", "s.toml", "--trace", "u.jsonl", "--check-determinism"]);
    checked.assert_status(0);
    assert_eq!(dir.read("u.jsonl"), trace);
}

#[test]
fn a_trace_that_can_t_be_written_is_bad_input() {
    let dir = Dir::with(GOOD);
    dir.simq(&["run", "s.toml", "--trace", "no/t.jsonl"])
        .assert_bad_input("no/t.jsonl: ", &["not written", "No such file"]);
    dir.simq(&["run", "s.toml", "--trace", "."]).assert_bad_input(".: ", &["not written", "directory"]);
    dir.simq(&["run", "s.toml", "--trace", "./s.toml"]).assert_bad_input("./s.toml: ", &["would overwrite it"]);
    assert_eq!(dir.read("s.toml"), GOOD);
    if cfg!(target_os = "linux") {
        dir.simq(&["run", "s.toml", "--trace", "/dev/full"]).assert_bad_input("/dev/full: ", &["not written", "space"]);
    }
    dir.write("two.toml", failing());
    for more in [&["two.toml"][..], &["--seeds", "2"]] {
        let arguments = [&["run", "s.toml", "--trace", "t.jsonl"], more].concat();
        dir.simq(&arguments).assert_bad_input("--trace takes one run", &[]);
    }
    assert!(!dir.path("t.jsonl").exists());
}

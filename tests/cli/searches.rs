//! What programs read of searches: one JSON document, and an output that may be cut off.

use super::explore::{loses, saved};
use super::support::{Dir, GOOD};
use serde_json::Value;

/// The only thing on standard output. Nothing is on standard error without a terminal.
fn document(dir: &Dir, arguments: &[&str], status: i32) -> Value {
    let said = dir.simq(arguments);
    said.assert_status(status);
    assert_eq!((said.out.lines().count(), said.err.as_str()), (1, ""), "{said:#?}");
    serde_json::from_str(&said.out).expect("one document")
}

#[test]
fn an_exploration_as_json() {
    let dir = Dir::with(&(loses() + "[variant.a]\n[variant.b]\nsettings.task_acks_late = true\n"));
    let all = document(&dir, &["explore", "s.toml", "--seeds", "40", "--all", "--json"], 1);
    assert_eq!((&all["scenario"], &all["file"], &all["verdict"]), (&"s".into(), &"s.toml".into(), &"fail".into()));
    let [a, b] = &all["explored"].as_array().expect("two variants")[..] else { panic!("{all:#}") };
    assert_eq!((&a["variant"], &b["variant"], &b["failures"]), (&"a".into(), &"b".into(), &Value::Array(Vec::new())));
    let failed = a["progress"]["failed"].as_u64().expect("a number");
    assert_eq!((&a["progress"]["runs"], &a["progress"]["outcomes"]["lost"]), (&40.into(), &failed.into()));
    let failures = a["failures"].as_array().expect("failures");
    assert_eq!(failures.iter().map(|failure| failure["times"].as_u64().expect("a number")).sum::<u64>(), failed);
    let shrunk = &failures[0]["shrunk"];
    assert_eq!(
        (&shrunk["outcome"], &shrunk["size"]["tasks"], &shrunk["is_smallest"]),
        (&"lost".into(), &1.into(), &true.into())
    );
    let again = document(&dir, &["run", shrunk["file"].as_str().expect("a file"), "--format", "json"], 1);
    assert_eq!(again["trace_hash"], shrunk["trace_hash"]);
    let found = document(
        &dir,
        &["run", "s.toml", "--variant", "a", "--format", "json", "--seed", &failures[0]["seed"].to_string()],
        1,
    );
    assert_eq!(found["verdict"], "fail");
}

#[test]
fn a_check_and_a_shrink_as_json() {
    let dir = Dir::with(&loses());
    let fails = document(&dir, &["check", "s.toml", "--json"], 1);
    assert_eq!((&fails["verdict"], &fails["failure"]["outcome"]), (&"fail".into(), &"lost".into()));
    assert_eq!(fails["failure"]["shrunk"]["file"], format!("found/{}", saved(&dir)[0]));
    let shrunk = document(&dir, &["shrink", "s.toml", "--json", "--out", "small"], 0);
    assert_eq!((&shrunk["seed"], &shrunk["shrunk"]["size"]["tasks"]), (&1.into(), &1.into()));
    let dir = Dir::with("[workers.w]\n[tasks.t]\n[[workload]]\ntask = 't'\n[expect]\nlost = 0\n");
    let holds = document(&dir, &["check", "s.toml", "--deviations", "1", "--json"], 0);
    assert_eq!((&holds["verdict"], &holds["deviations"], &holds["failure"]), (&"pass".into(), &1.into(), &Value::Null));
    assert!(holds["schedules"].as_u64() > holds["distinct"].as_u64());
}

#[test]
fn crashes_as_json() {
    let dir = Dir::with(&loses().replace("count = 8", "count = 1"));
    let arguments =
        ["crashpoints", "s.toml", "--process", "w2", "--most", "1", "--json", "--golden", "t.txt", "--update"];
    let said = dir.simq(&arguments);
    let document: Value = serde_json::from_str(&said.assert_status(1).out).expect("one document");
    assert_eq!(said.err, "simq: wrote t.txt\n", "what is said beside it is no part of it");
    let crashes = document["crashes"].as_array().expect("crashes");
    let broken: Vec<&Value> = crashes.iter().filter(|crash| crash["broken"] != Value::Array(Vec::new())).collect();
    assert!(!broken.is_empty() && document["broken"] == broken.len(), "{document:#}");
    let point = &broken[0]["points"][0];
    assert!(point["fault"].as_str().is_some_and(|fault| fault.starts_with("[[fault]]\ndo = ")), "{point:#}");
    assert_eq!((&document["as_pinned"], &document["not_run"]), (&true.into(), &0.into()));
}

#[test]
fn whoever_reads_only_the_head_still_gets_the_verdict() {
    let dir = Dir::with(&loses());
    let small = GOOD.replace("count = 8", "count = 1").replace("succeeded = 8", "");
    dir.write("t.toml", small);
    for (arguments, status) in [
        (&["explore", "s.toml", "--seeds", "30", "--all"][..], 1),
        (&["check", "s.toml"], 1),
        (&["shrink", "s.toml"], 0),
        (&["crashpoints", "t.toml", "--process", "w1", "--most", "1"], 0),
        (&["compare", "s.toml", "--set", "task_acks_late=true,false", "--seeds", "2"], 0),
        (&["replay", "s.toml"], 1),
    ] {
        let (line, ended, err) = dir.first_line(arguments);
        assert!(
            !line.trim().is_empty() && ended == Some(status) && err.is_empty(),
            "{arguments:?}: {line}{ended:?} {err}"
        );
    }
}

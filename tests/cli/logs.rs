//! Logs: virtual time, the process that speaks, and no trace of them in the run.

use super::support::{Dir, GOOD, Said};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Virtual seconds and process of a line.
fn stamp(line: &str) -> Option<(f64, &str)> {
    let mut words = line.split_whitespace();
    let at = words.next()?.strip_suffix('s')?.parse().ok()?;
    Some((at, words.next()?))
}

#[track_caller]
fn assert_in_order(log: &str) {
    let mut before = 0.0;
    assert!(log.lines().count() > 1, "{log}");
    for line in log.lines() {
        let (at, process) = stamp(line).unwrap_or_else(|| panic!("no virtual time: {line:?}"));
        assert!(at >= before, "time goes on: {line}");
        assert!(["w1", "w2", "producer", "broker", "backend"].iter().any(|host| process.starts_with(host)), "{line}");
        before = at;
    }
}

fn hash(said: &Said) -> serde_json::Value {
    said.reports()[0]["trace_hash"].clone()
}

#[test]
fn log_lines_carry_virtual_time_and_their_process_and_leave_the_run_as_it_is() {
    let dir = Dir::with(&GOOD.replace("process = \"w1\"", "process = \"broker\""));
    let arguments = ["run", "s.toml", "--format", "json"];
    let quiet = dir.simq(&arguments);
    assert_eq!(quiet.err, "");
    let options = [&arguments[..], &["--log", "info"]].concat();
    let logged = dir.simq(&options);
    assert_in_order(&logged.err);
    assert!(logged.err.contains("connection to the broker lost"), "{}", logged.err);
    assert!(logged.err.contains(" WARN simq::broker") && !logged.err.contains('\u{1b}'), "{}", logged.err);
    let by_variable = Said::of(dir.command(&arguments).env("RUST_LOG", "info").output().expect("simq runs"));
    assert_eq!(by_variable.err, logged.err, "the same lines each time");
    assert_eq!((hash(&quiet), hash(&quiet)), (hash(&logged), hash(&by_variable)));
    let wins = Said::of(dir.command(&options).env("RUST_LOG", "off").output().expect("simq runs"));
    assert_eq!(wins.err, logged.err, "the option wins");
    let checked = dir.simq(&[&options[..], &["--check-determinism"]].concat());
    assert_eq!((&checked.err, hash(&checked)), (&logged.err, hash(&quiet)), "one run is logged, not its repetition");
    let finest = dir.simq(&[&arguments[..], &["--log", "trace"]].concat());
    assert_eq!(hash(&finest), hash(&quiet));
}

#[test]
fn logs_of_many_runs_come_one_run_after_the_other() {
    let dir = Dir::with(&GOOD.replace("process = \"w1\"", "process = \"broker\""));
    let many = dir.simq(&["run", "s.toml", "--seeds", "6", "--log", "info", "--jobs", "4"]);
    let mut alone = String::new();
    for seed in 1..=6 {
        let run = dir.simq(&["run", "s.toml", "--seed", &seed.to_string(), "--log", "info"]);
        assert_in_order(&run.err);
        alone += &run.err;
    }
    assert_eq!(many.err, alone);
}

#[test]
fn a_misspelt_level_is_told() {
    let dir = Dir::with(GOOD);
    dir.simq(&["run", "s.toml", "--log", "inof"])
        .assert_bad_input("--log \"inof\": ", &["did you mean \"info\"?", "debug, trace"]);
    dir.simq(&["run", "s.toml", "--log", "simq=loud"]).assert_bad_input("--log \"simq=loud\": ", &[]);
    let variable = dir.command(&["run", "s.toml"]).env("RUST_LOG", "simq=loud").output().expect("simq runs");
    Said::of(variable).assert_bad_input("RUST_LOG: ", &[]);
    dir.simq(&["run", "s.toml", "--log", "simq::worker=debug,warn"]).assert_status(0);
    let empty = dir.command(&["run", "s.toml"]).env("RUST_LOG", "").output().expect("simq runs");
    assert_eq!(Said::of(empty).assert_status(0).err, "");
}

/// `simq run ... --log info 2>&1 | head -1`
#[test]
fn a_reader_of_the_log_that_goes_away_is_no_event_of_the_run() {
    let dir = Dir::with(&GOOD.replace("process = \"w1\"", "process = \"broker\""));
    let quiet = dir.simq(&["run", "s.toml", "--format", "json"]);
    let mut command = dir.command(&["run", "s.toml", "--format", "json", "--log", "trace"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("simq runs");
    let mut line = String::new();
    BufReader::new(child.stderr.take().expect("its log")).read_line(&mut line).expect("a line");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(hash(&Said::of(output)), hash(&quiet));
}

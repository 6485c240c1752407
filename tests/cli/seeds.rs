//! Many seeds, on one thread or several.

use super::support::{Dir, GOOD, failing};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

fn hashes(dir: &Dir, arguments: &[&str]) -> Vec<(Value, Value, Value)> {
    let arguments = [&["run", "s.toml", "--format", "json"], arguments].concat();
    let reports = dir.simq(&arguments).assert_status(0).reports();
    reports
        .iter()
        .map(|report| (report["variant"].clone(), report["seed"].clone(), report["trace_hash"].clone()))
        .collect()
}

#[test]
fn seeds_side_by_side_are_the_same_runs_in_the_same_order() {
    let dir = Dir::with(
        &(GOOD.to_owned() + "[variant.a]\n[variant.b]\nprofile = 'safe'\nsettings = { task_track_started = true }\n"),
    );
    let one = hashes(&dir, &["--seed", "7", "--seeds", "120", "--jobs", "1"]);
    assert_eq!(one.len(), 240);
    assert_eq!(one[119].1, 126);
    for jobs in ["2", "7", "1024"] {
        assert_eq!(hashes(&dir, &["--seed", "7", "--seeds", "120", "--jobs", jobs]), one);
    }
    assert_eq!(hashes(&dir, &["--seed", "9"])[0], one[2], "and the same as alone");
}

#[test]
fn a_summary_counts_the_seeds_of_each_variant() {
    let dir = Dir::with(&(GOOD.to_owned() + "[variant.good]\n[variant.bad]\nexpect.lost = 1\n"));
    let said = dir.simq(&["run", "s.toml", "--seeds", "5"]);
    let out = &said.assert_status(1).out;
    assert!(
        out.contains("PASS  s / good  5 of 5 seeds pass") && out.contains("FAIL  s / bad  0 of 5 seeds pass"),
        "{out}"
    );
    assert_eq!(out.matches("  replay ").count(), 1, "one failure in full\n{out}");
}

#[test]
fn the_last_seed_is_the_end() {
    let dir = Dir::with(GOOD);
    assert_eq!(hashes(&dir, &["--seed", "18446744073709551614", "--seeds", "2"]).len(), 2);
    dir.simq(&["run", "s.toml", "--seed", "18446744073709551615", "--seeds", "2"])
        .assert_bad_input("--seeds: ", &["not so many seeds"]);
}

#[test]
fn nonsense_numbers_are_refused_by_name() {
    let dir = Dir::with(GOOD);
    for (option, value) in [
        ("--seeds", "0"),
        ("--seeds", "-1"),
        ("--seeds", "many"),
        ("--seeds", "100000001"),
        ("--seed", "-1"),
        ("--seed", "18446744073709551616"),
        ("--jobs", "0"),
        ("--jobs", "1025"),
        ("--format", "xml"),
        ("--seed", ""),
    ] {
        let said = dir.simq(&["run", "s.toml", &format!("{option}={value}")]);
        assert!(said.assert_status(2).err.contains(option), "{said:#?}");
        assert!(!said.err.contains("panicked") && said.out.is_empty());
    }
}

#[test]
fn a_variant_that_is_not_there_is_told_with_the_nearest() {
    let dir = Dir::with(&(GOOD.to_owned() + "[variant.celery]\n[variant.safe]\n"));
    let said = dir.simq(&["run", "s.toml", "--variant", "celry"]);
    said.assert_bad_input("s.toml: ", &["no variant \"celry\"", "did you mean \"celery\"?", "it has: celery, safe"]);
    dir.write("s.toml", GOOD);
    dir.simq(&["run", "s.toml", "--variant", "celery"]).assert_bad_input("s.toml: ", &["it has: none"]);
}

/// `simq run ... | head -1`
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = Dir::with(GOOD);
    dir.write("fails.toml", failing());
    for (file, status) in [("s.toml", 0), ("fails.toml", 1)] {
        for format in ["json", "junit", "human"] {
            let mut command = dir.command(&["run", file, "--seeds", "60", "--format", format]);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("simq runs");
            let mut out = BufReader::new(child.stdout.take().expect("its output"));
            if format == "json" {
                let mut line = String::new();
                out.read_line(&mut line).expect("a line");
                assert!(line.starts_with('{'));
            }
            drop(out);
            let mut err = String::new();
            child.stderr.take().expect("its errors").read_to_string(&mut err).expect("text");
            assert_eq!((child.wait().expect("it ends").code(), err.as_str()), (Some(status), ""));
        }
    }
}

/// Reports come as their runs end, so what was done is not lost.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_long_run_promptly_and_leaves_whole_lines() {
    use std::os::unix::process::ExitStatusExt;
    let dir = Dir::with(GOOD);
    let mut command = dir.command(&["run", "s.toml", "--seeds", "1000000", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("simq runs");
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut lines = vec![String::new()];
    out.read_line(&mut lines[0]).expect("a first report");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let interrupted = std::time::Instant::now();
    lines.extend(out.lines().map(|line| line.expect("a line")));
    assert_eq!(child.wait().expect("it ends").signal(), Some(2));
    assert!(interrupted.elapsed().as_secs() < 10, "{:?}", interrupted.elapsed());
    let mut err = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut err).expect("text");
    assert_eq!(err, "");
    // The last may have been cut in the middle by the signal.
    let whole = &lines[..lines.len().saturating_sub(1).max(1)];
    whole.iter().for_each(|line| assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}"));
}

//! Exit statuses, and failures that can be seen again.

use super::support::{Dir, GOOD, Said, failing, shipped};
use std::fs;
use std::process::Command;

fn hash(said: &Said) -> String {
    let line = said.out.lines().find_map(|line| line.trim().strip_prefix("trace ")).expect("the hash of the trace");
    line.split_whitespace().next().expect("a hash").to_owned()
}

/// The command that a failure prints, run by a shell as it stands.
fn replayed(dir: &Dir, said: &Said) -> Said {
    let line = said.out.lines().find_map(|line| line.trim().strip_prefix("replay ")).expect("a replay command");
    let line = line.trim().strip_prefix("simq ").expect("a command of simq");
    let shell = format!("exec {} {line}", env!("CARGO_BIN_EXE_simq"));
    Said::of(Command::new("sh").args(["-c", &shell]).current_dir(dir.path("")).output().expect("a shell"))
}

#[test]
fn the_exit_status_tells_the_verdict() {
    let dir = Dir::with(GOOD);
    dir.write("fails.toml", failing());
    dir.write("bad.toml", "sed = 1");
    assert!(dir.simq(&["run", "s.toml"]).assert_status(0).out.starts_with("PASS  s  seed 1\n"));
    assert!(dir.simq(&["run", "fails.toml"]).assert_status(1).out.starts_with("FAIL  fails  seed 1\n"));
    dir.simq(&["run", "bad.toml"]).assert_bad_input("bad.toml:1:1: ", &[]);
    let both = dir.simq(&["run", "s.toml", "fails.toml"]);
    assert!(both.assert_status(1).out.ends_with("1 of 2 runs pass\n"), "{}", both.out);
    // Bad input is found before anything runs.
    dir.simq(&["run", "s.toml", "fails.toml", "bad.toml"]).assert_bad_input("bad.toml:1:1: ", &[]);
    for format in ["json", "junit"] {
        dir.simq(&["run", "fails.toml", "--format", format]).assert_status(1);
        dir.simq(&["run", "s.toml", "--format", format]).assert_status(0);
    }
}

#[test]
fn a_failure_prints_its_seed_and_a_command_that_shows_it_again() {
    let dir = Dir::new();
    let name = "it's -a- file.toml";
    dir.write(name, failing() + "[variant.'one & two']\n[variant.-v]\n");
    for variant in ["one & two", "-v"] {
        let said = dir.simq(&["run", name, "--seed", "18446744073709551615", &format!("--variant={variant}")]);
        assert!(said.assert_status(1).out.contains("seed 18446744073709551615"), "{}", said.out);
        assert!(said.out.contains("lost: wanted 3, seen 0"), "{}", said.out);
        let again = replayed(&dir, &said);
        again.assert_status(1);
        assert_eq!(hash(&again), hash(&said));
    }
    dir.write("-dash.toml", failing());
    let said = dir.simq(&["run", "--", "-dash.toml"]);
    assert_eq!(hash(&replayed(&dir, &said)), hash(&said));
}

#[test]
fn of_many_seeds_the_first_that_fails_is_shown_with_its_command() {
    // Half of the seeds kill the worker while it is at work.
    let text = "profile = 'celery'\n[workers.w]\n[tasks.t]\ntakes = '5s'\n[[workload]]\ntask = 't'\n[[fault]]\ndo = 'kill'\n\
                process = 'w'\nbetween = '0s..10s'\nrestart_after = '1s'\n[expect]\nlost = 0\n";
    let dir = Dir::with(text);
    let said = dir.simq(&["run", "s.toml", "--seeds", "20"]);
    let first = said.assert_status(1).out.lines().next().expect("a summary").to_owned();
    assert!(first.starts_with("FAIL  s  ") && first.contains(" of 20 seeds pass"), "{first}");
    let again = replayed(&dir, &said);
    again.assert_status(1);
    assert_eq!(hash(&again), hash(&said));
}

#[test]
fn a_fault_that_never_strikes_fails_the_run_and_says_so() {
    let never = "[[fault]]\ndo = 'kill'\nprocess = 'w2'\nbefore = 'basic.nack'\nnth = 99\n";
    let dir = Dir::with(&GOOD.replace("[expect]", &format!("{never}\n[expect]")));
    let said = dir.simq(&["run", "s.toml"]);
    let out = &said.assert_status(1).out;
    assert!(out.contains("fault never struck: kill w2") && out.contains("NEVER STRUCK"), "{out}");
}

#[test]
fn an_expectation_that_nothing_puts_to_the_test_fails_the_run_and_says_so() {
    for (expectation, key) in [
        ("skipped = 0\n", "skipped"),
        ("of.idle = { lost = 0 }\n", "of.idle.lost"),
        ("of.idle = { max_start_delay = '< 1s' }\n", "of.idle.max_start_delay"),
    ] {
        let text = GOOD.replace("[expect]", "[tasks.idle]\n[expect]") + expectation;
        let said = Dir::with(&text).simq(&["run", "s.toml"]);
        let out = &said.assert_status(1).out;
        assert!(out.contains(&format!("{key}: wanted ")) && out.contains("not put to the test"), "{out}");
    }
    let nothing = GOOD.split("[expect]").next().expect("the part before");
    let said = Dir::with(nothing).simq(&["run", "s.toml"]);
    assert!(said.assert_status(1).out.contains("nothing is expected of this run"), "{}", said.out);
    let calm =
        GOOD.split("[[fault]]").next().expect("the part before").to_owned() + "[expect]\nsettles_within = '1h'\n";
    let said = Dir::with(&calm).simq(&["run", "s.toml"]);
    assert!(said.assert_status(1).out.contains("settles_within"), "{}", said.out);
}

#[test]
fn a_scenario_is_the_same_in_a_fresh_process() {
    let dir = Dir::new();
    let path = shipped().join("worker_crash.toml");
    let said = dir.simq(&["run", "--check-determinism", path.to_str().expect("a path in UTF-8")]);
    assert!(!said.assert_status(0).out.contains("not deterministic"));
    // The check looks at a file whatever it is called.
    fs::copy(path, dir.path("-a b.toml")).expect("a copy");
    dir.simq(&["run", "--check-determinism", "--variant", "safe", "--", "-a b.toml"]).assert_status(0);
}

#[test]
fn a_fresh_process_that_runs_something_else_is_found_out() {
    let dir = Dir::with(GOOD);
    // Seeds take a while; the file changes while they run, and the fresh processes read the new one.
    let mut command = dir.command(&["run", "s.toml", "--check-determinism", "--format", "json", "--seeds", "80"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("simq runs");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("its output")));
    let first = lines.next().expect("a report").expect("a line");
    assert!(first.contains("\"verdict\":\"pass\""), "{first}");
    dir.write("new.toml", GOOD.replace("1s..3s", "2s..3s"));
    fs::rename(dir.path("new.toml"), dir.path("s.toml")).expect("replaced at once");
    let rest: Vec<String> = lines.map(|line| line.expect("a line")).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    let last: serde_json::Value = serde_json::from_str(rest.last().expect("more reports")).expect("JSON");
    let failure = last["failures"][0].as_str().expect("a failure");
    assert_eq!(last["verdict"], "fail");
    for part in ["not deterministic: hashes ", "first difference at event ", "here:  {\"n\":", "there: {\"n\":"] {
        assert!(failure.contains(part), "{failure}");
    }
}

#[test]
fn a_task_that_panics_is_an_event_of_the_run() {
    let text = GOOD.replace("takes =", "does = ['panic']\ntakes =").replace("succeeded = 8", "failed = 8");
    let said = Dir::with(&text).simq(&["run", "s.toml"]);
    assert_eq!(said.assert_status(0).err, "");
}

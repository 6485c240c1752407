//! `simq explore`, `shrink`, `replay` and `check`, as their users meet them.

use super::support::{Dir, GOOD, Said};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

/// Early acks and a kill: a call is lost.
pub(crate) fn loses() -> String {
    GOOD.replace("\n[workers.w]", "profile = 'celery'\n\n[workers.w]")
}

/// The stories that were found. Each has its picture beside it, and there is nothing else.
pub(crate) fn saved(dir: &Dir) -> Vec<String> {
    let found = std::fs::read_dir(dir.path("found")).expect("the directory of what was found");
    let files = found.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
    let (stories, others): (BTreeSet<String>, BTreeSet<String>) = files.partition(|file| file.ends_with(".toml"));
    let pictures: BTreeSet<String> = stories.iter().map(|story| story.replace(".toml", ".html")).collect();
    assert_eq!(others, pictures);
    stories.into_iter().collect()
}

#[test]
fn exploring_finds_shrinks_saves_and_tells_how_to_replay() {
    let dir = Dir::with(&loses());
    let said = dir.simq(&["explore", "s.toml", "--seeds", "50"]);
    let out = &said.assert_status(1).out;
    assert!(out.contains("LOST: ") && out.contains("shrunk   to 1 call, 1 worker, 1 fault"), "{out}");
    assert_eq!(said.err, "", "nothing on standard error without a terminal");
    let file = format!("found/{}", saved(&dir)[0]);
    let replay = out.lines().find_map(|line| line.trim().strip_prefix("replay")).expect("the command");
    assert_eq!(replay.trim(), format!("simq run {file}"));
    let again = dir.simq(&["run", &file]);
    assert!(again.assert_status(1).out.contains("lost: wanted 0, seen 1"), "{again:#?}");
    let shrunk = dir.simq(&["shrink", &file, "--out", "twice"]);
    assert!(shrunk.assert_status(0).out.contains("1 call, 1 worker, 1 fault"), "{shrunk:#?}");
    let again = dir.simq(&["shrink", &file]);
    assert!(again.assert_status(0).out.contains(&format!("  saved    {file}\n")), "in its place: {again:#?}");
    assert_eq!(saved(&dir).len(), 1);
    let shrinking = |out: &str| out.lines().find(|line| line.starts_with("  shrunk")).map(str::to_owned);
    let alone = dir.simq(&["explore", "s.toml", "--seeds", "50", "--jobs", "1"]);
    assert_eq!(shrinking(&alone.out), shrinking(out), "on one thread the same");
}

#[test]
fn nothing_found_is_success() {
    let dir = Dir::with(GOOD);
    let said = dir.simq(&["explore", "s.toml", "--seeds", "70", "--faults", "kill,pause"]);
    assert!(said.assert_status(0).out.contains("nothing found in 70 runs"), "{said:#?}");
    assert!(!dir.path("found").exists());
}

#[test]
fn wrong_input_is_told() {
    let dir = Dir::with(&(GOOD.to_owned() + "[variant.a]\n[variant.b]\n"));
    dir.simq(&["explore", "s.toml", "--variant", "c"]).assert_bad_input("s.toml: ", &["no variant \"c\""]);
    dir.simq(&["shrink", "s.toml"]).assert_bad_input("s.toml: ", &["name it with --variant"]);
    dir.simq(&["shrink", "s.toml", "--variant", "a"]).assert_bad_input("s.toml", &["does not fail"]);
    dir.simq(&["replay", "none.toml"]).assert_bad_input("none.toml", &["can't be read"]);
    let said = dir.simq(&["explore", "s.toml", "--faults", "poison"]);
    assert!(said.assert_status(2).err.contains("kill_child"), "{said:#?}");
    for (table, says) in [
        ("[explore]\nfaults = ['poison']\n", "poison can't be added by itself"),
        ("[explore]\nmost = 99\n", "expected 1 to 10"),
        ("[explore]\nprocesses = ['w9']\n", "there is no process \"w9\""),
        ("[explore]\nsettings = { task_acks_lat = [true] }\n", "task_acks_late"),
        ("[explore]\nsettings = { task_acks_late = [] }\n", "no values to choose from"),
        ("[schedule]\norder = 'uniform'\npicks = [[1, 1]]\n", "picks goes with order = \"first\""),
        ("[schedule]\nchanges = 2\n", "changes goes with order = \"pct\""),
    ] {
        dir.write("t.toml", GOOD.to_owned() + table);
        dir.simq(&["run", "t.toml"]).assert_bad_input("t.toml:", &[says]);
    }
}

#[test]
fn a_replay_prints_events_until_a_time() {
    let dir = Dir::with(&loses());
    let said = dir.simq(&["replay", "s.toml", "--seed", "3", "--until", "1.5s"]);
    let out = &said.assert_status(1).out;
    assert!(out.contains("FAULT kill w1") && out.contains("task.started"), "{out}");
    let last = out.lines().rev().find(|line| line.contains("  ") && !line.contains("FAIL") && !line.contains("failed"));
    let time: f64 =
        last.and_then(|line| line.split_whitespace().nth(1)).and_then(|time| time.parse().ok()).expect("a time");
    assert!(time <= 1.5, "{out}");
}

#[test]
fn a_replay_answers_commands() {
    let dir = Dir::with(&loses());
    let mut command = dir.command(&["replay", "s.toml", "--seed", "3", "--step"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("simq runs");
    let commands = "n 2\nf FAULT\np w1\nq\nwhy\nb\nat 0.5\ng 3\ntask nobody\nnonsense\nhelp\nquit\n";
    child.stdin.take().expect("its input").write_all(commands.as_bytes()).expect("it listens");
    let said = Said::of(child.wait_with_output().expect("it ends"));
    let out = &said.assert_status(1).out;
    for part in [
        "FAULT kill w1",
        "w1           has ended",
        "celery (",
        "no task \"nobody\"",
        "no command \"nonsense\"",
        "why [NUMBER]",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
}

#[test]
fn a_check_says_how_many_schedules_there_are() {
    let small = "[workers.w]\n[tasks.t]\n[[workload]]\ntask = 't'\n[expect]\nlost = 0\n";
    let dir = Dir::with(small);
    let said = dir.simq(&["check", "s.toml", "--deviations", "1"]);
    assert!(
        said.assert_status(0).out.contains("schedules") && said.out.contains("up to 1 deviation were run"),
        "{said:#?}"
    );
    let dir = Dir::with(&loses());
    let said = dir.simq(&["check", "s.toml"]);
    assert!(said.assert_status(1).out.contains("schedule 1 fails") && said.out.contains("saved"), "{said:#?}");
}

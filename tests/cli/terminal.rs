//! Colours and progress are for terminals only.

use super::support::{Dir, GOOD, Said, failing};
use std::io::Write;
use std::process::{Command, Stdio};

/// The command with a terminal for all three streams, by way of util-linux's `script`; `None` without it.
fn on_a_terminal(dir: &Dir, arguments: &str, no_color: &str) -> Option<String> {
    on_a_terminal_of(100, dir, arguments, no_color)
}

/// On one that has so many columns.
fn on_a_terminal_of(columns: usize, dir: &Dir, arguments: &str, no_color: &str) -> Option<String> {
    let shell = format!("stty rows 24 cols {columns} && {} {arguments}", env!("CARGO_BIN_EXE_simq"));
    let mut script = Command::new("script");
    script.args(["-qec", &shell, "/dev/null"]).current_dir(dir.path("")).env_remove("RUST_LOG").env("TERM", "xterm");
    let output = script.env("NO_COLOR", no_color).stdin(std::process::Stdio::null()).output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: there is no terminal without script(1)");
        return None;
    };
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn without_a_terminal_there_are_no_escape_codes() {
    let dir = Dir::with(GOOD);
    dir.write("fails.toml", failing());
    for arguments in [&["s.toml"][..], &["fails.toml"], &["s.toml", "--seeds", "60"], &["s.toml", "--log", "debug"]] {
        let said = dir.simq(&[&["run"], arguments].concat());
        assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "{said:#?}");
    }
    let forced = dir.command(&["run", "s.toml"]).env("NO_COLOR", "1").output().expect("simq runs");
    assert!(!Said::of(forced).out.contains('\u{1b}'));
}

#[test]
fn a_terminal_gets_colours_unless_it_refuses_them() {
    let dir = Dir::with(GOOD);
    dir.write("fails.toml", failing());
    let Some(coloured) = on_a_terminal(&dir, "run s.toml", "") else { return };
    assert!(coloured.contains("\u{1b}[1;32mPASS\u{1b}[0m"), "{coloured:?}");
    for arguments in ["run s.toml", "run fails.toml", "run s.toml --log debug"] {
        let plain = on_a_terminal(&dir, arguments, "1").unwrap_or_default();
        assert!(
            !plain.contains("\u{1b}[1m") && !plain.contains("\u{1b}[3") && !plain.contains("\u{1b}[1;3"),
            "{plain:?}"
        );
    }
}

#[test]
fn long_work_shows_its_progress_and_short_work_does_not() {
    let dir = Dir::with(GOOD);
    let Some(long) = on_a_terminal(&dir, "run s.toml --seeds 400", "1") else { return };
    assert!(long.contains("/400 runs"), "{long:?}");
    // With one line for each run beside it.
    let lines = on_a_terminal(&dir, "run s.toml --seeds 200 --format json", "1").unwrap_or_default();
    assert_eq!(lines.matches("\"trace_hash\"").count(), 200);
    let short = on_a_terminal(&dir, "run s.toml --seeds 4", "1").unwrap_or_default();
    assert!(!short.contains(" runs "), "{short:?}");
}

/// What was drawn, without escape codes: each time that a line was drawn is one.
fn drawn(out: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = out;
    while let Some((before, code)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = code.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).get(1..).unwrap_or_default();
        // Wherever the cursor goes, another drawing begins.
        plain.push('\n');
    }
    let lines = plain + rest;
    lines.split(['\r', '\n']).map(str::to_owned).filter(|line| !line.trim().is_empty()).collect()
}

#[test]
fn a_search_shows_its_speed_virtual_time_outcomes_and_whether_states_still_turn_up() {
    let dir = Dir::with(&super::explore::loses());
    let Some(out) = on_a_terminal_of(160, &dir, "explore s.toml --seeds 400 --all", "1") else { return };
    let lines = drawn(&out);
    let has = |line: &&String, parts: &[&str]| parts.iter().all(|part| line.contains(part));
    let runs = |line: &&String| has(line, &["/400 runs  ", "/s  ", " virtual ", " states, ", "LOST ", " distinct)"]);
    let progress: Vec<&String> = lines.iter().filter(runs).collect();
    assert!(!progress.is_empty(), "{lines:#?}");
    assert!(progress.iter().all(|line| line.contains(" states, rising  ") || line.contains(" states, flat  ")));
    assert!(lines.iter().any(|line| line.contains(" states, flat: the last new one in run ")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("smaller stories tried")), "shrinking takes its time: {lines:#?}");
    let check = on_a_terminal(&dir, "check s.toml --variant none", "1").unwrap_or_default();
    assert!(!check.contains("schedules"), "what is wrong is told before anything is drawn: {check:?}");
    let small = Dir::with(GOOD);
    let check = on_a_terminal(&small, "check s.toml --runs 100", "1").unwrap_or_default();
    assert!(
        drawn(&check).iter().any(|line| line.contains(" schedules  ") && line.contains(" different, ")),
        "{check:?}"
    );
}

#[test]
fn a_narrow_terminal_is_not_filled_line_by_line() {
    let dir = Dir::with(&super::explore::loses());
    let Some(out) = on_a_terminal_of(40, &dir, "explore s.toml --seeds 100 --all 2>&1 >/dev/null", "1") else { return };
    let lines = drawn(&out);
    assert!(lines.len() > 2 && lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("/100 runs")), "{lines:#?}");
}

#[test]
fn a_replay_is_stepped_through_on_a_terminal() {
    let dir = Dir::with(&super::explore::loses());
    let shell = format!("{} replay s.toml --seed 3", env!("CARGO_BIN_EXE_simq"));
    let mut script = Command::new("script");
    script.args(["-qec", &shell, "/dev/null"]).current_dir(dir.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = script.spawn() else { return eprintln!("SKIPPED: there is no terminal without script(1)") };
    let commands = "\nf FAULT\nwhy\np w1\nq celery\nquit\n";
    child.stdin.take().expect("its input").write_all(commands.as_bytes()).expect("it listens");
    let said = Said::of(child.wait_with_output().expect("it ends"));
    let out = &said.assert_status(1).out;
    for part in ["events; `help` lists the commands", "> ", "FAULT kill w1", "has ended", "celery (", "FAIL  seed 3"] {
        assert!(out.contains(part), "{part} in {out:?}");
    }
}

//! Colours and progress are for terminals only.

use super::support::{Dir, GOOD, Said, failing};
use std::process::Command;

/// The command with a terminal for all three streams, by way of util-linux's `script`; `None` without it.
fn on_a_terminal(dir: &Dir, arguments: &str, no_color: &str) -> Option<String> {
    let shell = format!("{} {arguments}", env!("CARGO_BIN_EXE_simq"));
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

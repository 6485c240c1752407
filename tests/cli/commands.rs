//! `simq new`, `simq schema`, help, and directories that can't be written to.

use super::support::{Dir, GOOD};
use std::fs;

#[test]
fn a_new_scenario_passes_whatever_its_seed() {
    let dir = Dir::new();
    let said = dir.simq(&["new", "first_one-2"]);
    assert_eq!(said.assert_status(0).out, "wrote ./first_one-2.toml\nrun it: simq run ./first_one-2.toml\n");
    dir.simq(&["run", "first_one-2.toml", "--check-determinism"]).assert_status(0);
    dir.simq(&["run", "first_one-2.toml", "--seeds", "50"]).assert_status(0);
    fs::create_dir(dir.path("a b")).expect("a directory");
    let said = dir.simq(&["new", "x.toml", "--dir", "a b"]);
    assert_eq!(said.assert_status(0).out, "wrote a b/x.toml\nrun it: simq run 'a b/x.toml'\n");
}

#[test]
fn a_new_scenario_replaces_nothing_and_has_a_plain_name() {
    let dir = Dir::with(GOOD);
    dir.simq(&["new", "s"]).assert_bad_input("./s.toml was not written: ", &["exists"]);
    dir.simq(&["new", "s.toml"]).assert_bad_input("./s.toml was not written: ", &["exists"]);
    assert_eq!(dir.read("s.toml"), GOOD);
    for name in ["", ".toml", "a b", "../x", "a/b", "x.toml.toml", "\u{e9}", "a\nb", "NUL\u{1}"] {
        dir.simq(&["new", name])
            .assert_bad_input(&format!("{name:?} is no name for a scenario: "), &["letters, digits"]);
    }
    dir.simq(&["new", &"x".repeat(300)]).assert_bad_input("./xxx", &["too long"]);
    dir.simq(&["new", "x", "--dir", "nowhere"]).assert_bad_input("nowhere/x.toml was not written: ", &["No such file"]);
    dir.simq(&["new", "x", "--dir", "s.toml"]).assert_bad_input("s.toml/x.toml was not written: ", &[]);
    assert_eq!(fs::read_dir(dir.path("")).expect("the directory").count(), 1);
}

#[test]
fn the_schema_is_json_and_knows_every_part_of_a_file() {
    let dir = Dir::new();
    let schema: serde_json::Value = serde_json::from_str(&dir.simq(&["schema"]).assert_status(0).out).expect("JSON");
    assert_eq!((&schema["title"], &schema["additionalProperties"]), (&"simq scenario".into(), &false.into()));
    for key in ["workers", "tasks", "workload", "beat", "fault", "expect", "variant", "settings", "network", "limit"] {
        assert!(schema["properties"][key]["description"].is_string(), "{key}");
    }
}

#[test]
fn the_help_of_each_command_tells_its_exit_statuses() {
    let dir = Dir::new();
    let commands = ["run", "new", "worker", "beat", "call", "result", "purge", "status", "config", "schema"];
    for command in std::iter::once(&[][..]).chain(commands.iter().map(std::slice::from_ref)) {
        let arguments = &[command, &["--help"]].concat();
        let said = dir.simq(arguments);
        assert!(said.assert_status(0).out.contains("Exit status: 0"), "{arguments:?}\n{}", said.out);
        assert!(said.err.is_empty());
    }
    for option in ["--seed", "--seeds", "--format", "--trace", "--check-determinism", "--log", "--ledger", "--jobs"] {
        assert!(dir.simq(&["run", "--help"]).out.contains(option), "{option}");
    }
    assert!(dir.simq(&["--version"]).assert_status(0).out.starts_with("simq "));
    for arguments in [&[][..], &["rum"], &["run"], &["new"], &["run", "--sede", "1"], &["schema", "more"]] {
        let said = dir.simq(arguments);
        assert!(said.assert_status(2).out.is_empty() && !said.err.is_empty(), "{arguments:?}");
    }
    assert!(dir.simq(&["rum"]).err.contains("'run'"), "the nearest command");
}

#[cfg(unix)]
#[test]
fn a_directory_that_can_t_be_written_to_is_enough_to_run_in() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::with(GOOD);
    fs::set_permissions(dir.path(""), fs::Permissions::from_mode(0o555)).expect("permissions");
    dir.simq(&["run", "s.toml"]).assert_status(0);
    dir.simq(&["run", ".", "--seeds", "3", "--check-determinism"]).assert_status(0);
    if fs::write(dir.path("probe"), "").is_ok() {
        eprintln!("SKIPPED in part: permissions don't bind this user");
        return;
    }
    dir.simq(&["new", "x"]).assert_bad_input("./x.toml was not written: ", &["Permission denied"]);
    dir.simq(&["run", "s.toml", "--trace", "t.jsonl"]).assert_bad_input("t.jsonl: ", &["Permission denied"]);
}

/// No name in `/proc` can be created, whoever asks.
#[cfg(target_os = "linux")]
#[test]
fn a_place_where_nothing_can_be_created_is_told() {
    let dir = Dir::with(GOOD);
    dir.simq(&["new", "x", "--dir", "/proc"]).assert_bad_input("/proc/x.toml was not written: ", &[]);
    dir.simq(&["run", "s.toml", "--trace", "/proc/t.jsonl"]).assert_bad_input("/proc/t.jsonl: ", &["not written"]);
}

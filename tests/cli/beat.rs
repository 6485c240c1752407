//! `simq beat --dry-run`: the runs of a schedule, without running it.

use super::support::Dir;

const FILE: &str = r#"
timezone = "Europe/Berlin"

[beat_schedule.report]
task = "shop.report"
schedule = "0 2,14 * * *"

[beat_schedule.cleanup]
task = "shop.cleanup"
schedule = { minute = 30, hour = "*/12" }
timezone = "UTC"
"#;

const DAY: [&str; 6] = ["beat", "--dry-run", "--from", "2026-01-01", "--to", "2026-01-02"];

fn dir() -> Dir {
    let dir = Dir::new();
    dir.write("simq.toml", FILE);
    dir
}

fn day<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&DAY[..], more].concat()
}

#[test]
fn the_runs_of_a_day_are_listed_in_their_order_with_local_time_and_utc() {
    let said = dir().simq(&day(&["--config", "simq.toml"]));
    let found: Vec<Vec<&str>> =
        said.assert_status(0).out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        found,
        [
            ["cleanup", "2026-01-01T00:30:00+00:00", "2026-01-01T00:30:00Z"],
            ["report", "2026-01-01T02:00:00+01:00", "2026-01-01T01:00:00Z"],
            ["cleanup", "2026-01-01T12:30:00+00:00", "2026-01-01T12:30:00Z"],
            ["report", "2026-01-01T14:00:00+01:00", "2026-01-01T13:00:00Z"],
        ]
    );
    assert_eq!(said.err, "");
}

#[test]
fn one_entry_and_a_limit() {
    let dir = dir();
    let said = dir.simq(&day(&["--config", "simq.toml", "--entry", "report", "--limit", "1"]));
    assert_eq!(said.assert_status(0).out, "report  2026-01-01T02:00:00+01:00  2026-01-01T01:00:00Z\n");
    dir.simq(&day(&["--config", "simq.toml", "--entry", "reprt"])).assert_bad_input("", &["\"reprt\"", "\"report\"?"]);
}

/// The clock goes back from 3:00 to 2:00: Celery's algorithm skips a run of each hour.
#[test]
fn each_profile_lists_its_own_runs() {
    let dir = Dir::new();
    dir.write("simq.toml", "timezone = 'Europe/Berlin'\nbeat_schedule.a = { task = 't', schedule = '0 * * * *' }\n");
    let runs = |profile: &str| {
        let range = ["--from", "2026-10-24T22:00:00Z", "--to", "2026-10-25T22:00:00Z"];
        let said =
            dir.simq(&[&["beat", "--dry-run", "--config", "simq.toml", "--profile", profile], &range[..]].concat());
        said.assert_status(0).out.lines().count()
    };
    assert_eq!(runs("safe"), 24);
    assert_eq!(runs("celery"), 23);
}

/// As every command's: file, variables, flags.
#[test]
fn its_settings_come_from_everywhere() {
    let dir = dir();
    let said = dir.simq_with(
        &[("SIMQ_CONFIG", "simq.toml"), ("SIMQ_TIMEZONE", "America/New_York")],
        &day(&["--entry", "report", "--limit", "1"]),
    );
    assert_eq!(said.assert_status(0).out, "report  2026-01-01T02:00:00-05:00  2026-01-01T07:00:00Z\n");
    let entry = "beat_schedule={ a = { task = 't', schedule = '0 0 * * *' } }";
    assert_eq!(
        dir.simq(&day(&["--set", entry])).assert_status(0).out,
        "a  2026-01-02T00:00:00+00:00  2026-01-02T00:00:00Z\n"
    );
    let entry = "{ a = { task = 't', schedul = '0 0 * * *' } }";
    dir.simq_with(&[("SIMQ_BEAT_SCHEDULE", entry)], &DAY)
        .assert_bad_input("variable SIMQ_BEAT_SCHEDULE: beat_schedule.a.schedul: ", &["did you mean \"schedule\"?"]);
}

#[test]
fn whoever_reads_may_stop() {
    let dir = dir();
    dir.write("often.toml", "beat_schedule.a = { task = 't', schedule = 1 }\n");
    let range = ["--from", "2026-01-01", "--to", "2036-01-01"];
    let (line, status, err) = dir.first_line(&[&["beat", "--dry-run", "--config", "often.toml"], &range[..]].concat());
    assert!(line.starts_with("a  2026-01-01T00:00:01"), "{line}");
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let dir = Dir::new();
    for (text, place, says) in [
        ("[beat_schedule.a]\ntask = 't'\nschedule = { minute = 61 }\n", "3:23: ", "0-59"),
        ("[beat_schedule.a]\ntask = 't'\nschedul = 1\nschedule = 1\n", "3:1: ", "did you mean \"schedule\"?"),
        ("[beat_schedule.a]\nschedule = 1\n", "1:", "`task` is missing"),
        ("timezone = 'Europe/Berln'\nbeat_schedule.a = { task = 't', schedule = 1 }\n", "1:12: ", "Europe/Berlin"),
        ("\nbeat_schedul = {}\n", "2:1: ", "\"beat_schedule\"?"),
    ] {
        dir.write("bad.toml", text);
        dir.simq(&day(&["--config", "bad.toml"])).assert_bad_input(&format!("bad.toml:{place}"), &[says]);
    }
    dir.write("empty.toml", "timezone = 'UTC'\n");
    for arguments in [&day(&["--config", "empty.toml"])[..], &DAY] {
        dir.simq(arguments).assert_bad_input("beat_schedule has no entries", &["--config"]);
    }
}

#[test]
fn a_range_needs_two_times_in_their_order() {
    let dir = dir();
    let dry = ["beat", "--dry-run", "--config", "simq.toml"];
    let said = dir.simq(&[&dry[..], &["--from", "2026-01-02", "--to", "2026-01-01"]].concat());
    said.assert_bad_input("--from 2026-01-02", &["is after --to"]);
    dir.simq(&[&dry[..], &["--from", "today", "--to", "2026-01-01"]].concat())
        .assert_bad_input("--from: ", &["2026-01-01"]);
    let said = dir.simq(&dry);
    assert!(said.assert_status(2).err.contains("--from"), "{said:?}");
}

#[test]
fn what_lists_runs_is_for_a_dry_run() {
    let said = dir().simq(&["beat", "--config", "simq.toml", "--entry", "report"]);
    assert!(said.assert_status(2).err.contains("--dry-run"), "{said:?}");
}

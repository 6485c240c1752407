//! `simq config`: which value is in effect, and where it came from.

use super::support::{Dir, Said};
use std::collections::BTreeMap;

const FILE: &str = r#"
profile = "celery"
task_acks_late = true
worker_prefetch_multiplier = 8
result_expires = 60

[broker_transport_options]
confirm_publish = true
"#;

fn dir() -> Dir {
    let dir = Dir::new();
    dir.write("simq.toml", FILE);
    dir
}

/// Values and origins by name.
#[track_caller]
fn lines(said: &Said) -> BTreeMap<String, (String, String)> {
    said.assert_status(0);
    let parts = said.out.lines().map(|line| {
        let (setting, origin) = line.rsplit_once("  # ").unwrap_or_else(|| panic!("an origin: {line}"));
        let (name, value) = setting.split_once(" = ").unwrap_or_else(|| panic!("a value: {line}"));
        (name.to_owned(), (value.trim().to_owned(), origin.to_owned()))
    });
    parts.collect()
}

#[track_caller]
fn assert_line(said: &Said, name: &str, value: &str, origin: &str) {
    let found = lines(said).remove(name).unwrap_or_else(|| panic!("{name} is missing in {said:#?}"));
    assert_eq!((found.0.as_str(), found.1.as_str()), (value, origin), "{name}");
}

#[test]
fn a_later_source_wins_over_an_earlier_one() {
    let dir = dir();
    let variables = [("SIMQ_WORKER_PREFETCH_MULTIPLIER", "5"), ("SIMQ_TASK_TRACK_STARTED", "yes")];
    let said = dir.simq_with(&variables, &["config", "--config", "simq.toml", "--set", "task_track_started=off"]);
    assert_line(&said, "profile", "\"celery\"", "simq.toml:2");
    assert_line(&said, "task_publish_timeout", "\"none\"", "profile celery");
    assert_line(&said, "task_acks_late", "true", "simq.toml:3");
    assert_line(&said, "broker_transport_options.confirm_publish", "true", "simq.toml:8");
    assert_line(&said, "worker_prefetch_multiplier", "5", "variable SIMQ_WORKER_PREFETCH_MULTIPLIER");
    assert_line(&said, "task_track_started", "false", "flag --set");
    assert_eq!(said.err, "");
    let said = dir.simq(&["config", "--config", "simq.toml", "--set", "result_expires=1", "--set", "result_expires=2"]);
    assert_line(&said, "result_expires", "2.0", "flag --set");
}

#[test]
fn the_profile_is_chosen_by_the_last_source_that_names_one() {
    let dir = dir();
    let profile = |variables: &[(&str, &str)], arguments: &[&str]| {
        let said = dir.simq_with(variables, &[&["config", "profile"], arguments].concat());
        lines(&said).remove("profile").unwrap_or_default()
    };
    let is = |value: &str, origin: &str| (format!("{value:?}"), origin.to_owned());
    assert_eq!(profile(&[], &[]), is("safe", "default"));
    let (file, variable) = (["--config", "simq.toml"], [("SIMQ_PROFILE", "safe")]);
    assert_eq!(profile(&[], &file), is("celery", "simq.toml:2"));
    assert_eq!(profile(&variable, &file), is("safe", "variable SIMQ_PROFILE"));
    assert_eq!(profile(&variable, &[&file[..], &["--profile", "celery"]].concat()), is("celery", "flag --profile"));
    assert_eq!(profile(&[("SIMQ_CONFIG", "simq.toml")], &[]), is("celery", "simq.toml:2"));
}

#[test]
fn celery_s_own_variables_count() {
    let dir = Dir::new();
    let variables =
        [("CELERY_BROKER_URL", "amqp://rabbit//"), ("CELERY_RESULT_BACKEND", ""), ("REMAP_SIGTERM", "SIGQUIT")];
    let said = dir.simq_with(&variables, &["config"]);
    assert_line(&said, "broker_url", "\"amqp://rabbit//\"", "variable CELERY_BROKER_URL");
    assert_line(&said, "result_backend", "\"none\"", "profile safe");
    assert_line(&said, "worker_remap_sigterm", "true", "variable REMAP_SIGTERM");
}

#[test]
fn only_what_differs_from_the_profile_is_changed() {
    let dir = dir();
    let said = dir.simq(&["config", "--changed", "--config", "simq.toml", "--set", "worker_prefetch_multiplier=4"]);
    let names: Vec<String> = lines(&said).into_keys().collect();
    assert_eq!(names, ["broker_transport_options.confirm_publish", "profile", "result_expires", "task_acks_late"]);
    assert_eq!(dir.simq(&["config", "--changed"]).assert_status(0).out, "");
}

/// Names, families and patterns choose what is printed.
#[test]
fn names_and_patterns_choose() {
    let dir = Dir::new();
    let names = |arguments: &[&str]| -> Vec<String> {
        let said = dir.simq(&[&["config"], arguments].concat());
        lines(&said).into_keys().collect()
    };
    assert_eq!(names(&["task_acks_late"]), ["task_acks_late"]);
    assert_eq!(names(&["beat_sync_every", "*soft_time*"]), ["beat_sync_every", "task_soft_time_limit"]);
    let family = names(&["task_publish_retry_policy"]);
    assert!(family.len() > 3 && family.iter().all(|name| name.starts_with("task_publish_retry_policy.")), "{family:?}");
    dir.simq(&["config", "task_ack_late"])
        .assert_bad_input("there is no setting", &["did you mean \"task_acks_late\"?"]);
    dir.simq(&["config", "tusk_*"]).assert_bad_input("no setting matches \"tusk_*\"", &[]);
}

#[test]
fn a_typo_is_told_with_its_source_and_the_nearest_name() {
    let dir = Dir::new();
    dir.write("typo.toml", "timezone = 'UTC'\n\n[broker_transport_options]\nconfirm_publsh = true\n");
    dir.simq(&["config", "--config", "typo.toml"]).assert_bad_input(
        "typo.toml:4:1: ",
        &["did you mean \"broker_transport_options.confirm_publish\"?", "4 | confirm"],
    );
    dir.write("type.toml", "worker_prefetch_multiplier = 'many'\n");
    dir.simq(&["config", "--config", "type.toml"])
        .assert_bad_input("type.toml:1:30: ", &["\"worker_prefetch_multiplier\" must be a whole number"]);
    dir.write("old.toml", "CELERYD_CONCURRENCY = 4\n");
    dir.simq(&["config", "--config", "old.toml"])
        .assert_bad_input("old.toml:1:1: ", &["is called \"worker_concurrency\" now"]);
    dir.write("profile.toml", "profile = 'sfe'\n");
    dir.simq(&["config", "--config", "profile.toml"])
        .assert_bad_input("profile.toml:1:11: ", &["\"safe\" or \"celery\""]);
    dir.write("zone.toml", "timezone = 'Europe/Berln'\n");
    dir.simq(&["config", "--config", "zone.toml"]).assert_bad_input("zone.toml:1:12: ", &["Europe/Berlin"]);
    dir.simq(&["config", "--set", "timezone=Europe/Berln"]).assert_bad_input("--set: timezone: ", &["Europe/Berlin"]);
    dir.write("broken.toml", "timezone = 'UTC'\ntask_acks_late = \n");
    dir.simq(&["config", "--config", "broken.toml"]).assert_bad_input("broken.toml:2:", &[]);
    dir.simq(&["config", "--config", "none.toml"]).assert_bad_input("none.toml: can't be read", &["No such file"]);
    dir.simq(&["config", "--config", "."]).assert_bad_input(".: can't be read", &["directory"]);
    for (name, value, says) in [
        ("SIMQ_TASK_ACK_LATE", "1", "did you mean SIMQ_TASK_ACKS_LATE?"),
        ("SIMQ_TASK_ACKS_LATE", "maybe", "must be true or false"),
        ("SIMQ_PROFILE", "", "\"safe\" or \"celery\""),
        ("CELERY_BROKER_URL", "two words", "must be a URL"),
    ] {
        dir.simq_with(&[(name, value)], &["config"]).assert_bad_input(&format!("variable {name}: "), &[says]);
    }
    for (flag, starts, says) in [
        ("task_ack_late=1", "--set task_ack_late: ", "did you mean \"task_acks_late\"?"),
        ("task_acks_late=maybe", "--set task_acks_late: ", "must be true or false"),
        ("task_acks_late", "--set: ", "expected NAME=VALUE"),
        ("profile=safe", "--set profile: ", "--profile"),
    ] {
        dir.simq(&["config", "--set", flag]).assert_bad_input(starts, &[says]);
    }
    let said = dir.simq(&["config", "--profile", "sfe"]);
    assert!(said.assert_status(2).err.contains("'safe'"), "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let dir = Dir::new();
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let said = Said::of(dir.command(&["config"]).env("SIMQ_TIMEZONE", odd).output().expect("simq runs"));
    said.assert_bad_input("variable SIMQ_TIMEZONE: ", &["not UTF-8"]);
    dir.write("latin1.toml", b"timezone = 'UTC'\nbeat_schedule_filename = '\xe9'\n");
    dir.simq(&["config", "--config", "latin1.toml"]).assert_bad_input("latin1.toml:2:27: ", &["not UTF-8"]);
    let said = Said::of(dir.command(&["config"]).env("OTHER", odd).output().expect("simq runs"));
    said.assert_status(0);
}

#[test]
fn secrets_are_never_printed() {
    let dir = Dir::new();
    dir.write(
        "secrets.toml",
        r#"
        broker_url = "amqp://ada:hunter2@rabbit//;amqp://ada:hunter2@other//"
        result_backend = "redis://:hunter2@redis/0?ssl_password=hunter2"
        redis_password = "hunter2"
        broker_use_ssl = { keyfile_password = "hunter2" }
        broker_transport_options = { sentinel_kwargs = { password = "hunter2" } }
        beat_schedule.mail = { task = "mail", schedule = 60, kwargs = { password = "hunter2" } }
        "#,
    );
    let file = ["--config", "secrets.toml"];
    for arguments in
        [&[][..], &["--changed"], &["--json"], &["--explain", "broker_url"], &["--explain", "redis_password"]]
    {
        let said = dir.simq(&[&["config"], &file[..], arguments].concat());
        said.assert_status(0);
        assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{said:#?}");
        assert!(said.out.contains("********"), "{said:#?}");
    }
    let said = dir.simq(&["config", "--config", "secrets.toml", "broker_use_ssl"]);
    assert_line(&said, "broker_use_ssl", "\"********\"", "secrets.toml:5");
    let said = dir.simq_with(&[("CELERY_BROKER_URL", "amqp://a:hunter2@h// x")], &["config"]);
    said.assert_bad_input("variable CELERY_BROKER_URL: ", &[]);
    assert!(!said.err.contains("hunter2"));
}

#[test]
fn what_has_no_effect_is_told_on_standard_error() {
    let dir = Dir::new();
    let said =
        dir.simq(&["config", "--changed", "--set", "broker_heartbeat_checkrate=2", "--set", "worker_pool_putlocks=no"]);
    assert_eq!(
        said.assert_status(0).err,
        "simq: warning: broker_heartbeat_checkrate has no effect in simq yet: it comes with RabbitMQ\n\
         simq: warning: worker_pool_putlocks has no effect in simq: billiard\n"
    );
}

#[test]
fn json_has_a_line_for_each_setting() {
    let dir = dir();
    let said = dir.simq_with(&[("SIMQ_TIMEZONE", "UTC")], &["config", "--json", "--config", "simq.toml"]);
    let rows = said.assert_status(0).reports();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(rows.len(), dir.simq(&["config"]).out.lines().count());
    let (acks, zone, ssl) = (row("task_acks_late"), row("timezone"), row("broker_use_ssl"));
    assert_eq!(acks["value"], true);
    assert_eq!((&acks["default"], &acks["changed"], &acks["effect"]), (&false.into(), &true.into(), &"acts".into()));
    assert_eq!(acks["origin"], serde_json::json!({ "source": "file", "file": "simq.toml", "line": 3 }));
    assert_eq!(zone["origin"], serde_json::json!({ "source": "variable", "variable": "SIMQ_TIMEZONE" }));
    assert_eq!(ssl["origin"], serde_json::json!({ "source": "profile", "profile": "celery" }));
    assert!(row("task_time_limit")["value"].is_null());
}

/// So that what is in effect somewhere can be carried elsewhere.
#[test]
fn what_is_printed_is_a_file_of_settings() {
    let dir = dir();
    dir.write(
        "odd.toml",
        "beat_schedule_filename = \"a\\nb\\\"\\u007f\\\\\"\n[beat_schedule.\"a b\"]\ntask = \"t\"\nschedule = 1.5\n\
         kwargs = { at = 1979-05-27T07:32:00Z, list = [1, [true, { deep = \"x\\ny\" }]] }\n",
    );
    for arguments in [&["--config", "simq.toml"][..], &["--config", "odd.toml"], &["--profile", "celery"]] {
        let values = |said: &Said| lines(said).into_iter().map(|(name, (value, _))| (name, value)).collect::<Vec<_>>();
        let first = dir.simq(&[&["config"], arguments].concat());
        dir.write("again.toml", &first.out);
        assert_eq!(values(&first), values(&dir.simq(&["config", "--config", "again.toml"])));
    }
}

#[test]
fn one_setting_is_explained() {
    let dir = dir();
    let said = dir.simq(&["config", "--config", "simq.toml", "--explain", "broker_transport_options.confirm_publish"]);
    for line in [
        "takes     true or false",
        "safe      true",
        "celery    false",
        "variable  SIMQ_BROKER_TRANSPORT_OPTIONS__CONFIRM_PUBLISH",
        "effect    simq acts on it",
        "value     true",
        "from      simq.toml:8",
    ] {
        assert!(said.assert_status(0).out.lines().any(|found| found == line), "{line}\n{}", said.out);
    }
    dir.simq(&["config", "--explain", "task_ack_late"])
        .assert_bad_input("there is no setting", &["\"task_acks_late\""]);
}

#[test]
fn whoever_reads_may_stop() {
    let (line, status, err) = Dir::new().first_line(&["config"]);
    assert!(line.starts_with("profile = \"safe\""), "{line}");
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

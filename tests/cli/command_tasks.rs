//! Tasks that are programs: what they return, how they fail, and that nothing is left of them.

use super::queue::{Shop, until};
use std::process::Command;

const FILE: &str = r#"
[command_tasks."sh.count"]
program = "wc"
args = ["-c"]

[command_tasks."sh.name"]
program = "sh"
args = ["-c", 'printf "\"%s %s\"" "$SIMQ_TASK_NAME" "$WHO"']
env = { WHO = "ada" }

[command_tasks."sh.nothing"]
program = "true"

[command_tasks."sh.fails"]
program = "sh"
args = ["-c", "echo first >&2; echo 'no luck' >&2; exit 3"]

[command_tasks."sh.dies"]
program = "sh"
args = ["-c", "kill -SEGV $$"]

[command_tasks."sh.garbage"]
program = "echo"
args = ["neither this"]

[command_tasks."sh.floods"]
program = "yes"
max_output = 1000

[command_tasks."sh.missing"]
program = "./no-such-program"

[command_tasks."sh.late"]
program = "sh"
args = ["-c", "sleep 7001 & sleep 7002"]
time_limit = 1

[command_tasks."sh.polite"]
program = "sh"
args = ["-c", "trap 'echo 7; exit 0' TERM; sleep 7003 & wait"]
soft_time_limit = 1

[command_tasks."sh.interrupted"]
program = "sh"
args = ["-c", "sleep 7004"]
soft_time_limit = 1

[command_tasks."sh.long"]
program = "sh"
args = ["-c", "sleep 7005 & sleep 7006"]

[command_tasks."sh.revoked"]
program = "sh"
args = ["-c", "sleep 7007 & sleep 7008"]
"#;

fn shop() -> Shop {
    let shop = Shop::new();
    shop.dir.write("simq.toml", FILE);
    shop
}

/// Whether a program with these arguments runs.
fn runs(what: &str) -> bool {
    let found = Command::new("pgrep").args(["-f", "-x", what]).output().expect("pgrep runs");
    found.status.success()
}

#[test]
fn a_program_returns_what_it_prints() {
    let shop = shop();
    let worker = shop.start(&["worker", "--config", "simq.toml", "-c", "4"]);
    for (task, args, value) in [
        ("sh.count", "[1,2]", "26\n"),
        ("sh.name", "[]", "\"sh.name ada\"\n"),
        ("sh.nothing", "[]", "null\n"),
        ("sh.polite", "[]", "7\n"),
    ] {
        let said = shop.simq(&["call", task, "--args", args, "-w"]);
        assert_eq!(said.assert_status(0).out, value, "{task}: {}", said.err);
    }
    worker.signal("-TERM");
    worker.ended().assert_status(0);
    assert!(!runs("sleep 7003"), "what it had started went with it");
}

#[test]
fn a_program_that_fails_says_how() {
    let shop = shop();
    let worker = shop.start(&["worker", "--config", "simq.toml", "-c", "4"]);
    for (task, parts) in [
        ("sh.fails", &["CommandFailed(\"exit status 3: no luck\")", "first\nno luck"][..]),
        ("sh.dies", &["CommandFailed(\"signal 11\")"]),
        ("sh.garbage", &["InvalidOutput(\"standard output is not JSON", "neither this"]),
        ("sh.floods", &["OutputTooLarge(\"wrote more than 1000 bytes"]),
        ("sh.missing", &["./no-such-program can't be started: No such file"]),
        ("sh.late", &["TimeLimitExceeded(1)"]),
        ("sh.interrupted", &["SoftTimeLimitExceeded()"]),
    ] {
        let said = shop.simq(&["call", task, "-w"]);
        for part in parts {
            assert!(said.assert_status(1).err.contains(part), "{task}: {part}\n{}", said.err);
        }
    }
    until("all is gone", || !["7001", "7002", "7004"].iter().any(|number| runs(&format!("sleep {number}"))));
    worker.signal("-TERM");
    worker.ended().assert_status(0);
}

/// A cold shutdown, and a kill that no program can see coming.
#[test]
fn no_program_outlives_its_worker() {
    let shop = shop();
    for signal in ["-QUIT", "-KILL"] {
        let worker = shop.start(&["worker", "--config", "simq.toml", "--set", "broker_transport_options.lease=1"]);
        if signal == "-QUIT" {
            shop.call(&["sh.long"]);
        }
        until("it runs", || runs("sleep 7005") && runs("sleep 7006"));
        worker.signal(signal);
        drop(worker.ended());
        until("it is gone", || !runs("sleep 7005") && !runs("sleep 7006"));
    }
}

#[test]
fn a_revoke_that_terminates_kills_the_program() {
    let shop = shop();
    let worker = shop.start(&["worker", "--config", "simq.toml"]);
    let id = shop.call(&["sh.revoked"]);
    until("it runs", || runs("sleep 7007") && runs("sleep 7008"));
    let mut settings = simq::Settings::new(simq::Profile::Safe);
    for (name, value) in [("broker_url", shop.redis.url(0)), ("result_backend", shop.redis.url(1))] {
        settings.set_text(name, &value).expect("a setting");
    }
    let app = simq::App::with_settings("client", settings);
    let running = app.connect().expect("it starts");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        app.revoke(&[id.as_str().into()], true).await.expect("it is published");
        running.shutdown().await;
    });
    until("it is gone", || !runs("sleep 7007") && !runs("sleep 7008"));
    until("it is told", || shop.state(&id) == "REVOKED");
    worker.signal("-TERM");
    worker.ended().assert_status(0);
}

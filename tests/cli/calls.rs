//! `simq worker`, `simq call`, `simq result`, `simq status`, `simq purge`: a task's way there and back.

use super::queue::{Shop, until};
use super::support::Dir;

#[test]
fn a_task_goes_to_a_worker_and_its_result_comes_back() {
    let shop = Shop::new();
    let worker = shop.start(&["worker", "-c", "2", "-n", "w1@here"]);
    let said = shop.simq(&["call", "simq.add", "--args", "[4, 6]", "--wait"]);
    assert_eq!((said.assert_status(0).out.as_str(), said.err.as_str()), ("10\n", ""));
    let said = shop.simq(&["call", "simq.add", "-k", r#"{"x": 1.5, "y": 2}"#, "--timeout", "60"]);
    assert_eq!(said.assert_status(0).out, "3.5\n");
    let said = shop.simq(&["call", "simq.echo", "-a", "[1]", "-k", r#"{"a": "é"}"#, "-w"]);
    assert_eq!(said.assert_status(0).out, "{\"args\":[1],\"kwargs\":{\"a\":\"é\"}}\n");

    let failed = shop.simq(&["call", "simq.fail", "-a", "[\"no luck\"]", "-w"]);
    assert_eq!(failed.assert_status(1).out, "");
    for part in ["FAILURE", "Exception(\"no luck\")", "Traceback (most recent call last):", "w1@here"] {
        assert!(failed.err.contains(part), "{part}\n{}", failed.err);
    }
    let id = shop.call(&["simq.fail", "--task-id", "mine"]);
    assert_eq!(id, "mine");
    let said = shop.simq(&["result", &id, "--wait", "60"]);
    assert!(said.assert_status(1).out.starts_with("id         mine\nstate      FAILURE\n"), "{said:#?}");
    assert!(said.out.contains("Traceback"));
    let said = shop.simq(&["result", "mine", "--format", "json"]);
    let meta: serde_json::Value = serde_json::from_str(&said.assert_status(1).out).expect("JSON");
    assert_eq!((&meta["status"], &meta["task_id"]), (&"FAILURE".into(), &"mine".into()));

    worker.signal("-TERM");
    let ended = worker.ended();
    for part in ["w1@here  simq", "broker       redis://", "queues       celery\n", "simq.add, simq.echo"] {
        assert!(ended.assert_status(0).out.contains(part), "{part}\n{}", ended.out);
    }
}

#[test]
fn a_result_that_is_not_there_is_told_from_one_that_is() {
    let shop = Shop::new();
    let said = shop.simq(&["result", "nobody"]);
    assert_eq!(said.assert_status(3).out, "id         nobody\nstate      PENDING\n");
    let said = shop.simq(&["call", "simq.add", "-a", "[1, 2]", "--timeout", "0.2"]);
    assert!(said.assert_status(3).err.contains("no result of"), "{said:#?}");
    let mut connection = shop.redis.connection();
    redis::cmd("SELECT").arg(1).exec(&mut connection).expect("a database");
    redis::cmd("SET").arg("celery-task-meta-odd").arg("junk").exec(&mut connection).expect("a key");
    let said = shop.simq(&["result", "odd"]);
    assert!(said.status != Some(0) && said.out.contains("ContentDisallowed"), "{said:#?}");
}

#[test]
fn queues_are_counted_and_emptied() {
    let shop = Shop::new();
    for queue in ["a", "a", "b"] {
        shop.call(&["simq.add", "--queue", queue, "--priority", "6"]);
    }
    shop.call(&["simq.add"]);
    let said = shop.simq(&["status", "a", "b", "celery", "none", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&said.assert_status(0).out).expect("JSON");
    let ready: Vec<_> = status["queues"].as_array().expect("queues").iter().map(|queue| &queue["ready"]).collect();
    assert_eq!(ready, [2, 1, 1, 0]);
    assert_eq!((&status["unacked"], &status["consumers"]), (&0.into(), &0.into()));

    shop.simq(&["purge", "a"]).assert_bad_input("what is purged is gone", &["--force"]);
    assert_eq!(
        shop.simq(&["purge", "a", "b", "-f"]).assert_status(0).out,
        "a: 2 messages deleted\nb: 1 message deleted\n"
    );
    assert_eq!(shop.simq(&["purge", "--force"]).assert_status(0).out, "celery: 1 message deleted\n");
    let said = shop.simq(&["status"]);
    assert!(said.assert_status(0).out.contains("celery       0 waiting\ncelery.dead  0 waiting\n"), "{}", said.out);
    let (line, status, err) = {
        let broker = shop.redis.url(0);
        shop.dir.first_line(&["status", "--broker", &broker])
    };
    assert!(line.starts_with("broker "), "{line}");
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

#[test]
fn a_terminal_is_asked_before_a_purge() {
    let shop = Shop::new();
    shop.call(&["simq.add"]);
    for (answer, left) in [("n", 1), ("y", 0)] {
        let shell = format!("{} purge --broker {}", env!("CARGO_BIN_EXE_simq"), shop.redis.url(0));
        let mut script = std::process::Command::new("sh");
        let typed = format!("(sleep 1; echo {answer}) | script -qec '{shell}' /dev/null");
        let Ok(output) = script.args(["-c", &typed]).current_dir(shop.dir.path("")).output() else { return };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.is_empty() {
            eprintln!("SKIPPED: there is no terminal without script(1)");
            return;
        }
        assert!(text.contains("Delete all messages in celery? [y/N]"), "{text}");
        let count: u32 = redis::cmd("LLEN").arg("celery").query(&mut shop.redis.connection()).expect("a length");
        assert_eq!(count, left, "{answer}: {text}");
    }
}

#[test]
fn a_beat_publishes_what_is_due_beside_a_worker_or_alone() {
    let shop = Shop::new();
    shop.dir.write(
        "simq.toml",
        "[beat_schedule.often]\ntask = 'simq.echo'\nschedule = 0.2\noptions = { queue = 'ticks' }\n",
    );
    let length = || -> u32 { redis::cmd("LLEN").arg("ticks").query(&mut shop.redis.connection()).expect("a length") };
    for arguments in [&["beat", "--config", "simq.toml"][..], &["worker", "-B", "--config", "simq.toml"]] {
        let process = shop.start(arguments);
        let before = length();
        until("it ticks", || length() >= before + 2);
        process.signal("-TERM");
        assert!(process.ended().assert_status(0).out.contains("schedule     often\n"));
    }
    assert!(shop.dir.path("beat-schedule.json").is_file());
}

#[test]
fn what_a_call_says_must_be_right() {
    let dir = Dir::new();
    let call = |arguments: &[&str]| dir.simq(&[&["call", "t", "--broker", "redis://127.0.0.1:1"], arguments].concat());
    call(&["-a", "[1"]).assert_bad_input("--args: ", &["JSON array", "[4, 6]"]);
    call(&["-a", "{}"]).assert_bad_input("--args: expected a JSON array", &[]);
    call(&["-k", "[]"]).assert_bad_input("--kwargs: expected a JSON object", &[]);
    for arguments in [&["--eta", "soon"][..], &["--countdown=-1"], &["--expires", "x"], &["--priority", "256"]] {
        assert!(call(arguments).assert_status(2).err.contains("error: invalid value"), "{arguments:?}");
    }
}

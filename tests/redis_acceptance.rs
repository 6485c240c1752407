//! The hand-made messages of the capture (`golden/redis_acceptance.jsonl`) in a list of a real Redis, byte for byte: a worker
//! runs what Celery runs, puts the rest among the dead letters, and lives on where Celery crashes or loses them.
#![allow(clippy::disallowed_methods, reason = "a real server, real time")]

mod servers;

use serde_json::{Value, json};
use servers::Redis;
use simq::{App, Profile, Settings, TaskContext};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// What simq makes of a row where that is not what Celery makes of it.
fn differs(case: &str) -> Option<&'static str> {
    match case {
        // Celery loses them: it has popped them, and its acks need what is missing.
        "without_delivery_info" | "without_delivery_tag" => Some("SUCCESS"),
        // Celery takes the keys of an object for arguments.
        "body_args_object" => Some("DEAD"),
        _ => None,
    }
}

fn bytes(message: &Value) -> String {
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
}

struct Looking(redis::Connection);

impl Looking {
    fn at<T: redis::FromRedisValue>(&mut self, command: &str, key: &str) -> T {
        redis::cmd(command).arg(key).query(&mut self.0).expect("an answer")
    }

    fn dead_letters(&mut self) -> usize {
        self.at("LLEN", "celery.dead")
    }

    /// Waits until the row has come to its end: the state that is stored, or DEAD.
    fn end(&mut self, id: &str, dead_before: usize) -> String {
        for _ in 0..400 {
            if self.dead_letters() > dead_before {
                return "DEAD".to_owned();
            }
            let meta: Option<String> = self.at("GET", &format!("celery-task-meta-{id}"));
            let meta = meta.and_then(|meta| serde_json::from_str::<Value>(&meta).ok());
            if let Some(status) = meta.and_then(|meta| Some(meta["status"].as_str()?.to_owned())) {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        "NOTHING".to_owned()
    }
}

#[test]
fn every_captured_message_is_run_or_a_dead_letter_and_the_worker_lives() {
    let redis = Redis::start();
    let mut settings = Settings::new(Profile::Safe);
    settings.set_text("broker_url", &redis.url(0)).expect("a setting");
    settings.set_text("result_backend", &redis.url(0)).expect("a setting");
    settings.worker_return_unknown = None;
    let app = App::with_settings("proj", settings);
    let add = app.task("proj.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().expect("it starts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut looking = Looking(redis.connection());
    let (mut rows, mut wrong) = (0, Vec::new());
    for row in include_str!("golden/redis_acceptance.jsonl").lines() {
        let row: Value = serde_json::from_str(row).expect("JSON");
        let case = row["case"].as_str().expect("a case");
        let message = &row["message"];
        let id = [&message["headers"]["id"], &message["properties"]["correlation_id"]];
        let id = id.iter().find_map(|id| id.as_str()).unwrap_or("none").to_owned();
        let before = looking.dead_letters();
        redis::cmd("LPUSH").arg("celery").arg(bytes(message)).exec(&mut looking.0).expect("it is pushed");
        let expected = differs(case).unwrap_or_else(|| row["state"].as_str().unwrap_or("DEAD"));
        let mut end = looking.end(&id, before);
        if case == "unknown_task" && end == "DEAD" {
            // Both: its caller is told, and the message is kept.
            end = looking.end(&id, usize::MAX);
        }
        if end != expected {
            wrong.push(format!("{case}: expected {expected}, found {end}"));
        }
        let probe = runtime.block_on(async { add.delay((1, 1)).await?.get(SOON).await });
        assert_eq!(probe, Ok(2), "the worker has not survived {case}");
        rows += 1;
    }
    runtime.block_on(running.shutdown());
    assert_eq!((rows, wrong), (42, Vec::<String>::new()));
    let held: i64 = looking.at("HLEN", "unacked");
    assert_eq!((held, looking.at::<i64>("LLEN", "celery")), (0, 0));
    assert_eq!(json!(looking.at::<i64>("ZCARD", "unacked_index")), json!(0));
}

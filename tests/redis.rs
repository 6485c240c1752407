//! A real Redis: tasks go through it and come back, and nothing is left behind.
#![allow(clippy::disallowed_methods, reason = "real servers, real time")]

mod servers;

use servers::Redis;
use simq::{App, Profile, Settings, TaskContext};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn settings(redis: &Redis, profile: Profile) -> Settings {
    let mut settings = Settings::new(profile);
    settings.set_text("broker_url", &redis.url(0)).expect("a setting");
    settings.set_text("result_backend", &redis.url(1)).expect("a setting");
    settings
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

#[test]
fn tasks_go_there_and_back_in_both_profiles() {
    for profile in [Profile::Safe, Profile::Celery] {
        let redis = Redis::start();
        let app = App::with_settings("demo", settings(&redis, profile));
        let add = app.task("tasks.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
        let running = app.start().expect("it starts");
        block_on(async {
            let calls: Vec<_> = {
                let mut calls = Vec::new();
                for number in 0..200 {
                    calls.push(add.delay((number, 1)).await.expect("it is published"));
                }
                calls
            };
            for (number, call) in calls.into_iter().enumerate() {
                assert_eq!(call.get(PATIENCE).await.expect("a result"), number as i64 + 1, "{profile:?}");
            }
            running.shutdown().await;
        });
        let mut connection = redis.connection();
        let left: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys");
        let left: Vec<&String> =
            left.iter().filter(|key| !key.starts_with("_kombu.binding") && *key != "unacked_mutex").collect();
        assert!(left.is_empty(), "{profile:?}: {left:?}");
    }
}

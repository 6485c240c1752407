//! A real Redis: tasks go through it and come back, and nothing is left behind.
#![allow(clippy::disallowed_methods, reason = "real servers, real time")]

#[path = "servers/running.rs"]
mod running;
mod servers;

use running::{block_on, start};
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

/// A server that stands still for a while is a server again: the worker goes on, and nobody had to restart it.
#[test]
fn a_server_that_stood_still_is_served_again() {
    let redis = Redis::start();
    let mut settings = settings(&redis, Profile::Safe);
    settings.set_text("broker_transport_options.socket_timeout", "1").expect("a setting");
    settings.set_text("broker_connection_timeout", "1").expect("a setting");
    let (_app, running, add) = start(settings);
    block_on(async {
        assert_eq!(add.delay((1, 1)).await.expect("published").get(PATIENCE).await.expect("a result"), 2);
        redis.signal("-STOP");
        std::thread::sleep(Duration::from_secs(4));
        redis.signal("-CONT");
        assert_eq!(add.delay((2, 2)).await.expect("published").get(PATIENCE).await.expect("a result"), 4);
        running.shutdown().await;
    });
}

/// All connections are cut again and again while tasks run: all come back.
#[test]
fn cut_connections_lose_nothing() {
    let redis = Redis::start();
    let (_app, running, add) = start(settings(&redis, Profile::Safe));
    block_on(async {
        let mut calls = Vec::new();
        for number in 0..100 {
            if number % 20 == 10 {
                redis::cmd("CLIENT")
                    .arg("KILL")
                    .arg("TYPE")
                    .arg("normal")
                    .arg("SKIPME")
                    .arg("yes")
                    .exec(&mut redis.connection())
                    .expect("killed");
            }
            // A publish whose connection is cut is tried again.
            calls.push(add.delay((number, 1)).await.expect("it is published"));
        }
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.get(Duration::from_secs(90)).await.expect("a result"), number as i64 + 1);
        }
        running.shutdown().await;
    });
}

#[test]
fn a_key_of_another_type_is_told_and_left_alone() {
    let redis = Redis::start();
    redis::cmd("SET").arg("celery").arg("not a queue").exec(&mut redis.connection()).expect("set");
    let mut settings = settings(&redis, Profile::Safe);
    settings.task_publish_timeout = Some(3.0);
    let (_app, running, add) = start(settings);
    block_on(async {
        let error = add.delay((1, 1)).await.unwrap_err().to_string();
        assert!(error.contains("WRONGTYPE"), "{error}");
        running.shutdown().await;
    });
    let there: String = redis::cmd("GET").arg("celery").query(&mut redis.connection()).expect("it is there");
    assert_eq!(there, "not a queue");
}

#[test]
fn a_full_server_refuses_and_says_so() {
    let redis = Redis::start_with(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    let mut settings = settings(&redis, Profile::Safe);
    settings.task_publish_timeout = Some(3.0);
    let (_app, running, add) = start(settings);
    block_on(async {
        let error = add.delay((1, 1)).await.unwrap_err().to_string();
        assert!(error.contains("OOM"), "{error}");
        running.shutdown().await;
    });
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let redis = Redis::start_with(&["--requirepass", "secret"]);
    for (url, why) in [
        (redis.url(0), "NOAUTH"),
        (format!("redis://:wrong@127.0.0.1:{}/0", redis.port), "WRONGPASS"),
        (format!("redis://127.0.0.1:{}/0", servers::free_port()), "refused"),
    ] {
        let mut settings = settings(&redis, Profile::Safe);
        settings.set_text("broker_url", &url).expect("a setting");
        settings.task_publish_timeout = Some(5.0);
        let (_app, running, add) = start(settings);
        block_on(async {
            let error = add.delay((1, 1)).await.unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("wrong@"), "{error}");
            running.shutdown().await;
        });
    }
}

/// A program that only calls, beside one that works; it needs no worker of its own, and can't reach an embedded queue.
#[test]
fn a_client_calls_what_others_run() {
    let redis = Redis::start();
    let (_app, running, _) = start(settings(&redis, Profile::Safe));
    let client = App::with_settings("client", settings(&redis, Profile::Safe));
    let add = client.remote::<(i64, i64), i64>("tasks.add");
    let connected = client.connect().expect("it starts");
    assert!(client.connect().is_err(), "it is connected already");
    block_on(async {
        assert_eq!(add.delay((4, 6)).await.expect("it is published").get(PATIENCE).await, Ok(10));
        connected.shutdown().await;
        running.shutdown().await;
    });
    let error = App::new("alone").connect().unwrap_err().to_string();
    assert!(error.contains("broker_url") && error.contains("expected redis://"), "{error}");
}

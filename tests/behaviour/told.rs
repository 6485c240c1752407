//! Rows whose story a client tells: revokes, rate limits, automatic retries. They were observed on Redis or on RabbitMQ
//! and concern neither.

use super::{event, values};
use serde_json::Value;
use simq::events::State;
use simq::scenario::testkit::{Client, Cluster};
use simq::settings::{Profile, RateLimit, Settings};
use simq::{App, AsyncResult, CallOptions, TaskContext, TaskError, TaskOptions};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The application of a row: one task, `main`.
fn app(row: &Value) -> App {
    let state = event(row).contains("statedb").then(|| "worker.state".to_owned());
    let settings = Settings { worker_state_db: state, task_track_started: true, ..Settings::new(Profile::Celery) };
    let app = App::with_settings("row", settings);
    let fails = event(row).starts_with("autoretry");
    let takes = seconds(if event(row).contains("terminate") { 30.0 } else { 0.01 });
    let options = TaskOptions {
        acks_late: row["acks_late"].as_bool(),
        reject_on_worker_lost: row["reject_on_worker_lost"].as_bool(),
        rate_limit: row["task_options"]["rate_limit"].as_str().and_then(|limit| RateLimit::parse(limit).ok()),
        autoretry_for: if fails { vec!["ValueError".to_owned()] } else { Vec::new() },
        retry_backoff: 1.0,
        retry_backoff_max: Some(seconds(3.0)),
        retry_jitter: Some(false),
        max_retries: Some(Some(4)),
        ..TaskOptions::default()
    };
    app.task_with("main", options, move |ctx: TaskContext, (): ()| async move {
        ctx.sleep(takes).await;
        if fails { Err(TaskError::failure("ValueError", "x")) } else { Ok(1) }
    });
    app
}

/// Calls, revokes, and waits until all is over. A row of automatic retries was cut off after its fourth try.
async fn script(event: &str, client: &Client) -> AsyncResult<Value> {
    let id: Arc<str> = "main".into();
    let countdown = event.contains("eta").then(|| seconds(20.0));
    let options = CallOptions { task_id: Some(id.clone()), countdown, ..CallOptions::default() };
    client.sleep(seconds(1.0)).await;
    if event == "revoked_before_published" {
        client.app.revoke(&[id], false).await.expect("published");
        client.sleep(seconds(1.0)).await;
    }
    let call = client.app.remote::<(), Value>("main").apply_async((), options).await.expect("published");
    client.sleep(seconds(2.0)).await;
    if event.contains("terminate") || event.contains("eta") {
        call.revoke(event.contains("terminate")).await.expect("published");
        client.sleep(seconds(1.0)).await;
        assert_eq!(call.state().await, Ok(State::Revoked), "state_after_revoke");
    }
    client.sleep(seconds(if event.starts_with("autoretry") { 5.0 } else { 60.0 })).await;
    call
}

/// Executions, the state, and what stands beside it.
fn story(row: &Value, seed: u64) -> (u64, State, Value) {
    let (apps, told) = (row.clone(), Arc::new(Mutex::new(None)));
    let mut cluster = Cluster::new(move || app(&apps)).seed(seed);
    if event(row).contains("restart") {
        cluster = cluster.kill_at(seconds(5.0), "w1").restart_at(seconds(6.0), "w1");
    }
    let (event, tell) = (event(row).to_owned(), told.clone());
    let summary = cluster.run(move |client| {
        let (event, tell) = (event.clone(), tell.clone());
        async move {
            let call = script(&event, &client).await;
            let seen = (call.state().await.expect("a state"), call.info().await.expect("its info"));
            *tell.lock().expect("one thread") = Some(seen);
            if event.starts_with("autoretry") {
                call.revoke(false).await.expect("published");
            }
        }
    });
    let (state, info) = told.lock().expect("one thread").take().expect("the script came to its end");
    (summary.executions, state, info)
}

#[test]
fn revokes_and_automatic_retries() {
    let rows = values().filter(|row| row["group"] == "revoke" || event(row).starts_with("autoretry"));
    let mut replayed = 0;
    for row in rows {
        for seed in 1..=5 {
            let (executions, state, info) = story(&row, seed);
            assert_eq!(row["executions"].as_u64(), Some(executions), "{row}");
            assert_eq!(row["final_state"].as_str(), Some(state.name()), "{row}");
            for key in ["exc_type", "exc_message", "exc_module"] {
                assert_eq!(row["result"][key], info[key], "{row}");
            }
        }
        replayed += 1;
    }
    assert_eq!(replayed, 9);
}

#[test]
fn rate_limits() {
    for row in values().filter(|row| row["group"] == "rate_limit") {
        let (apps, done) = (row.clone(), Arc::new(Mutex::new(Vec::new())));
        let tell = done.clone();
        Cluster::new(move || app(&apps)).run(move |client| {
            let tell = tell.clone();
            async move {
                let main = client.app.remote::<(), Value>("main");
                let mut calls = Vec::new();
                for _ in 0..6 {
                    calls.push(main.delay(()).await.unwrap());
                }
                for call in calls {
                    call.get(seconds(60.0)).await.unwrap();
                    tell.lock().unwrap().push(client.now().as_secs_f64());
                }
            }
        });
        let done = done.lock().unwrap();
        let offsets: Vec<f64> =
            row["exec_offsets_s"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        assert_eq!(done.len(), offsets.len());
        for (at, offset) in done.iter().zip(offsets) {
            assert!((at - done[0] - offset).abs() < 0.1, "{} s, Celery {offset} s", at - done[0]);
        }
    }
}

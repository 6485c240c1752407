//! One script of operations, whichever broker and result store are below: the embedded ones, Redis and
//! RabbitMQ for real and simulated. All arms must see the same.
#![allow(clippy::disallowed_methods, reason = "some arms are real")]

#[path = "servers/running.rs"]
mod running;
mod servers;

use serde_json::{Value, json};
use simq::events::State;
use simq::testkit::Cluster;
use simq::{App, CallOptions, Error, Profile, Settings, TaskContext, TaskError, TaskOptions};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn app(settings: Settings) -> App {
    let app = App::with_settings("adapters", settings);
    app.task("add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    app.task("fail", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::failure("ValueError", "boom")) });
    app.task("flags", |ctx: TaskContext, (): ()| async move {
        let info = ctx.delivery_info();
        Ok(json!({ "redelivered": info.redelivered, "exchange": *info.exchange, "key": *info.routing_key }))
    });
    // Returned once, and then it says what it sees.
    app.task("bounce", |ctx: TaskContext, (): ()| async move {
        if ctx.delivery_info().redelivered {
            Ok("came back".to_owned())
        } else {
            Err(TaskError::reject("not yet", true))
        }
    });
    app.task("spurn", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::reject("never", false)) });
    app.task("again", |ctx: TaskContext, (times,): (u32,)| async move {
        if ctx.retries() < times { Err(TaskError::retry_in(Duration::from_millis(50))) } else { Ok(ctx.retries()) }
    });
    app.task("progress", |ctx: TaskContext, (): ()| async move {
        ctx.update_state("PROGRESS", json!({ "half": true })).await?;
        ctx.sleep(Duration::from_millis(300)).await;
        Ok("done".to_owned())
    });
    app.task_with(
        "quiet",
        TaskOptions { ignore_result: Some(true), ..TaskOptions::default() },
        |_: TaskContext, (): ()| async move { Ok(()) },
    );
    app
}

/// What a script saw, in order.
type Seen = Vec<(&'static str, Value)>;

async fn script(app: App) -> Result<Seen, Error> {
    let mut seen = Seen::new();
    let add = app.remote::<(i64, i64), i64>("add");
    seen.push(("a sum", json!(add.delay((4, 6)).await?.get(PATIENCE).await?)));

    let mut calls = Vec::new();
    for number in 0..50 {
        calls.push(add.delay((number, 1)).await?);
    }
    let mut sums = Vec::new();
    for call in &calls {
        sums.push(call.get(PATIENCE).await?);
    }
    seen.push(("many sums", json!(sums)));

    let failed = app.remote::<(), ()>("fail").delay(()).await?;
    seen.push(("a failure", json!(failed.get(PATIENCE).await.expect_err("it fails").to_string())));
    seen.push(("its state", json!(failed.state().await?.name())));

    let flags = app.remote::<(), Value>("flags");
    seen.push(("flags of a first delivery", flags.delay(()).await?.get(PATIENCE).await?));
    let bounced = app.remote::<(), String>("bounce").delay(()).await?;
    seen.push(("after a requeue", json!(bounced.get(PATIENCE).await?)));
    let spurned = app.remote::<(), ()>("spurn").delay(()).await?;
    seen.push(("after a reject", json!(spurned.get(PATIENCE).await.expect_err("it fails").to_string())));
    let again = app.remote::<(u32,), u32>("again").delay((2,)).await?;
    seen.push(("after two retries", json!(again.get(PATIENCE).await?)));

    let later = CallOptions { countdown: Some(Duration::from_millis(200)), ..CallOptions::default() };
    seen.push(("after a countdown", json!(add.apply_async((1, 1), later).await?.get(PATIENCE).await?)));
    let expired = CallOptions {
        expires: Some(Duration::from_millis(1)),
        countdown: Some(Duration::from_millis(100)),
        ..CallOptions::default()
    };
    let expired = add.apply_async((1, 1), expired).await?;
    seen.push(("expired", json!(expired.get(PATIENCE).await.is_err())));
    seen.push(("its state", json!(expired.state().await?.name())));

    let progress = app.remote::<(), String>("progress").delay(()).await?;
    let mut changes = progress.changes();
    let mut states = Vec::new();
    while let Some(meta) = changes.next().await {
        states.push(meta.status());
        if meta.state.is_ready() {
            break;
        }
    }
    states.retain(|status| status != "PENDING");
    seen.push(("changes", json!(states)));

    let known = add.delay((2, 2)).await?;
    known.get(PATIENCE).await?;
    known.forget().await?;
    seen.push(("forgotten", json!(known.state().await? == State::Pending)));
    app.remote::<(), ()>("quiet").delay(()).await?;
    Ok(seen)
}

fn replying(mut settings: Settings) -> Settings {
    settings.set_text("result_backend", "rpc://").expect("a setting");
    settings
}

fn real(settings: Settings) -> Seen {
    let app = app(settings);
    let running = app.start().expect("it starts");
    running::block_on(async {
        let seen = script(app).await.expect("the script runs");
        running.shutdown().await;
        seen
    })
}

fn simulated(prepare: impl Fn(Cluster) -> Cluster, seed: u64) -> Seen {
    let cluster = prepare(Cluster::new(|| app(Settings::new(Profile::Safe)))).workers(1, 2).seed(seed);
    seen_in(cluster)
}

fn seen_in(cluster: Cluster) -> Seen {
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Seen::new()));
    let told = seen.clone();
    let summary = cluster.run(move |client| {
        let told = told.clone();
        async move {
            let seen = script(client.app.clone()).await.expect("the script runs");
            *told.borrow_mut() = seen;
        }
    });
    assert_eq!((summary.lost, summary.stuck, summary.unsettled), (0, 0, 0), "{summary:?}");
    seen.take()
}

#[test]
fn every_broker_and_store_is_seen_alike() {
    let expected = simulated(|cluster| cluster, 1);
    assert!(expected.len() > 10, "{expected:?}");
    for seed in 1..=20 {
        assert_eq!(simulated(Cluster::on_redis, seed), expected, "simulated Redis, seed {seed}");
        assert_eq!(simulated(Cluster::on_rabbitmq, seed), expected, "simulated RabbitMQ, seed {seed}");
    }
    assert_eq!(real(Settings::new(Profile::Safe)), expected, "embedded");
    let redis = servers::Redis::start();
    let mut settings = Settings::new(Profile::Safe);
    for (name, database) in [("broker_url", 0), ("result_backend", 1)] {
        settings.set_text(name, &redis.url(database)).expect("a setting");
    }
    assert_eq!(real(settings), expected, "Redis");
    let rabbit = servers::Rabbit::start();
    let mut settings = Settings::new(Profile::Safe);
    settings.set_text("broker_url", &rabbit.url()).expect("a setting");
    assert_eq!(real(settings.clone()), expected, "RabbitMQ");

    // Results over the broker, whichever it is.
    for seed in 1..=10 {
        let cluster = || Cluster::new(|| app(replying(Settings::new(Profile::Safe)))).workers(1, 2).seed(seed);
        assert_eq!(seen_in(cluster()), expected, "rpc://, seed {seed}");
        assert_eq!(seen_in(cluster().on_redis()), expected, "rpc:// over simulated Redis, seed {seed}");
    }
    assert_eq!(real(replying(settings)), expected, "rpc:// over RabbitMQ");
}

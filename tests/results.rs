//! Results as callers see them: states, progress, families of calls, forgetting. In the simulated cluster and for real.

use serde_json::{Value, json};
use simq::events::State;
use simq::scenario::testkit::Cluster;
use simq::settings::{Profile, Settings};
use simq::{App, CallOptions, Error, Kwargs, TaskContext, TaskError, TaskOptions};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);

fn app() -> App {
    let app = App::new("results");
    app.task("import", |ctx: TaskContext, (rows,): (u64,)| async move {
        for done in 1..rows {
            ctx.sleep(Duration::from_secs(1)).await;
            ctx.update_state("PROGRESS", json!({ "done": done, "of": rows })).await?;
        }
        Ok(rows)
    });
    app.task("double", |_: TaskContext, (x,): (i64,)| async move { Ok(2 * x) });
    let double = app.remote::<(i64,), i64>("double");
    app.task("parent", move |_: TaskContext, (x,): (i64,)| {
        let double = double.clone();
        async move { Ok(double.delay((x,)).await?.id().to_string()) }
    });
    app.task("who_is_my_parent", |ctx: TaskContext, (): ()| async move {
        Ok((ctx.root_id().to_owned(), ctx.parent_id().map(str::to_owned)))
    });
    let asked = app.remote::<(), (String, Option<String>)>("who_is_my_parent");
    app.task("asks", move |_: TaskContext, (): ()| {
        let asked = asked.clone();
        async move { Ok(asked.delay(()).await?.get(LONG).await?) }
    });
    app.task("ignore", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::Ignore) });
    let options = TaskOptions { parameters: vec!["x".into(), "y".into()], ..TaskOptions::default() };
    app.task_with("add", options, |_: TaskContext, (x, y): (i64, Option<i64>)| async move { Ok(x + y.unwrap_or(10)) });
    app
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Named {
    x: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<i64>,
}

#[test]
fn progress_is_seen_by_followers_and_by_those_who_look() {
    let report = Cluster::new(app).run(|client| async move {
        let import = client.app.remote::<(u64,), u64>("import");
        let call = import.delay((4,)).await.unwrap();
        let mut changes = call.changes();
        client.sleep(Duration::from_millis(1500)).await;
        assert_eq!(call.info().await.unwrap(), json!({ "done": 1, "of": 4 }));
        assert_eq!(call.state().await, Ok(State::Custom));
        assert_eq!(call.meta().await.unwrap().map(|meta| meta.status()), Some("PROGRESS".to_owned()));
        assert!(!call.ready().await.unwrap());
        let mut seen = Vec::new();
        while let Some(meta) = changes.next().await {
            let result: Value = serde_json::from_str(meta.result().unwrap().get()).unwrap();
            seen.push((meta.status(), result["done"].as_u64()));
        }
        let progress = |done| ("PROGRESS".to_owned(), Some(done));
        assert_eq!(seen, [progress(1), progress(2), progress(3), ("SUCCESS".to_owned(), None)]);
        assert_eq!(call.get(LONG).await, Ok(4));
        assert!(call.successful().await.unwrap() && !call.failed().await.unwrap());
    });
    assert_eq!((report.succeeded, report.lost), (1, 0));
}

#[test]
fn a_follower_reads_on_after_a_lost_connection_and_hears_nothing_twice() {
    let partition = simq_sim::Fault::Partition {
        between: ["producer".into(), "backend".into()],
        both: true,
        lasting: Some(Duration::from_secs(30)),
    };
    Cluster::new(app).fault_at(Duration::from_millis(1500), partition).run(|client| async move {
        let import = client.app.remote::<(u64,), u64>("import");
        let call = import.delay((60,)).await.unwrap();
        let mut changes = call.changes();
        let mut seen = Vec::new();
        while let Some(meta) = changes.next().await {
            seen.push(meta);
        }
        assert_eq!(seen.last().map(|meta| meta.state), Some(State::Success));
        assert!(seen.len() > 20 && seen.len() < 60, "some are missed: {}", seen.len());
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
    });
}

#[test]
fn calls_of_a_task_are_its_children_and_know_their_parent() {
    Cluster::new(app).workers(2, 1).run(|client| async move {
        let parent = client.app.remote::<(i64,), String>("parent").delay((4,)).await.unwrap();
        let child = parent.get(LONG).await.unwrap();
        let meta = parent.meta().await.unwrap().unwrap();
        assert_eq!(meta.children(), [child.as_str()]);
        let child = client.app.result::<i64>(&child).unwrap();
        assert_eq!(child.get(LONG).await, Ok(8));
        assert_eq!(child.meta().await.unwrap().unwrap().parent_id().as_deref(), Some(&**parent.id()));

        let asks = client.app.remote::<(), (String, Option<String>)>("asks").delay(()).await.unwrap();
        let id = asks.id().to_string();
        assert_eq!(asks.get(LONG).await, Ok((id.clone(), Some(id))));
    });
}

#[test]
fn a_forgotten_result_is_as_one_that_never_was() {
    Cluster::new(app).run(|client| async move {
        let call = client.app.remote::<(i64,), i64>("double").delay((4,)).await.unwrap();
        assert_eq!(call.get(LONG).await, Ok(8));
        call.forget().await.unwrap();
        assert_eq!(call.state().await, Ok(State::Pending));
        assert_eq!(call.info().await, Ok(Value::Null));
        assert_eq!(call.get(Duration::from_secs(5)).await, Err(Error::Timeout(Duration::from_secs(5))));
    });
}

#[test]
fn nobody_waits_for_a_task_that_asked_to_be_ignored() {
    Cluster::new(app).run(|client| async move {
        let call = client.app.remote::<(), ()>("ignore").delay(()).await.unwrap();
        assert_eq!(call.get(LONG).await, Err(Error::NoResult(State::Ignored)));
        assert!(client.now() < Duration::from_secs(60));
    });
}

#[test]
fn arguments_go_by_position_or_by_name() {
    Cluster::new(app).run(|client| async move {
        let by_position = client.app.remote::<(i64, i64), i64>("add");
        let by_name = client.app.remote::<Kwargs<Named>, i64>("add");
        assert_eq!(by_position.delay((4, 6)).await.unwrap().get(LONG).await, Ok(10));
        assert_eq!(by_name.delay(Kwargs(Named { x: 4, y: Some(6) })).await.unwrap().get(LONG).await, Ok(10));
        assert_eq!(by_name.delay(Kwargs(Named { x: 4, y: None })).await.unwrap().get(LONG).await, Ok(14));
        let wrong = client.app.remote::<Kwargs<Value>, i64>("add").delay(Kwargs(json!({ "z": 1 }))).await.unwrap();
        let error = wrong.get(LONG).await.unwrap_err().to_string();
        assert!(error.contains("add() got an unexpected keyword argument 'z'"), "{error}");
    });
}

#[test]
fn headers_stamps_and_a_shadow_travel_and_a_bad_state_name_is_refused() {
    let app = || {
        let app = App::new("results");
        app.task("headers", |ctx: TaskContext, (): ()| async move {
            assert!(ctx.update_state("", ()).await.is_err());
            assert!(ctx.update_state("PENDING", ()).await.is_err());
            assert!(ctx.update_state(&"x".repeat(65), ()).await.is_err());
            Ok(ctx.headers().get("tenant").cloned().unwrap_or_default())
        });
        app
    };
    Cluster::new(app).run(|client| async move {
        let mut options = CallOptions { shadow: Some("shown".into()), ..CallOptions::default() };
        options.headers.set("tenant", "blue");
        options.headers.set("task", "not.this.one");
        options.stamps.insert("team".into(), "red".into());
        let call = client.app.remote::<(), Value>("headers").apply_async((), options).await.unwrap();
        assert_eq!(call.get(LONG).await, Ok(json!("blue")));
    });
}

/// A result is stored before its message is acked. With the store gone for good, only `result_backend_max_retries` lets a
/// worker go on without it.
#[test]
fn a_message_waits_unacked_for_its_result_as_long_as_the_result_is_tried() {
    for (max_retries, stuck) in [(None, 1), (Some(3), 0)] {
        let settings = Settings { result_backend_max_retries: max_retries, ..Settings::new(Profile::Safe) };
        let app = move || {
            let app = App::with_settings("results", settings.clone());
            app.task("double", |_: TaskContext, (x,): (i64,)| async move { Ok(2 * x) });
            app
        };
        let cluster = Cluster::new(app).kill_at(Duration::from_secs(1), "backend").limit(Duration::from_secs(120));
        let report = cluster.run(|client| async move {
            client.sleep(Duration::from_secs(2)).await;
            client.app.remote::<(i64,), i64>("double").delay((4,)).await.unwrap();
        });
        assert_eq!((report.executions, report.succeeded), (1, 1));
        assert_eq!(report.unsettled, stuck, "{max_retries:?}");
    }
}

//! A user's own application in the simulated cluster: real task functions, virtual time.
#![allow(clippy::disallowed_methods, reason = "user code sleeps through tokio, and the test looks at the real clock")]

use simq::message::Message;
use simq::scenario::testkit::Cluster;
use simq::settings::{Profile, Settings};
use simq::{App, CallOptions, TaskContext, TaskError, TaskOptions};
use simq_sim::{Fault, Point, Trigger};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(86_400);

fn app() -> App {
    app_with(Settings::new(Profile::Safe))
}

fn app_with(settings: Settings) -> App {
    let app = App::with_settings("shop", settings);
    let _ = app.task("order.ship", |_: TaskContext, (id,): (u32,)| async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok(format!("shipped {id}"))
    });
    let stubborn = TaskOptions { max_retries: Some(Some(50)), ..TaskOptions::default() };
    let _ = app.task_with("mail.send", stubborn, |ctx: TaskContext, (): ()| async move {
        if ctx.retries() < 24 { Err(TaskError::retry_in(Duration::from_secs(3600))) } else { Ok(ctx.retries()) }
    });
    let _ = app.task("order.place", |ctx: TaskContext, (id,): (u32,)| async move {
        let ship = ctx.app().remote::<(u32,), String>("order.ship");
        ship.delay((id,)).await?;
        Ok(())
    });
    app
}

#[test]
fn a_day_of_hourly_retries_takes_no_time() {
    let started = Instant::now();
    let summary = Cluster::new(app).limit(DAY * 2).run(|client| async move {
        let mail = client.app.remote::<(), u32>("mail.send");
        assert_eq!(mail.delay(()).await.unwrap().get(DAY * 2).await, Ok(24));
        assert!(client.now() >= DAY && client.now() < DAY + Duration::from_secs(60));
    });
    assert_eq!((summary.lost, summary.executions), (0, 25));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn an_hour_of_tokio_s_sleep_survives_the_death_of_its_worker() {
    let summary =
        Cluster::new(app).workers(2, 1).limit(DAY).kill_at(Duration::from_secs(1800), "w1").run(|client| async move {
            let place = client.app.remote::<(u32,), String>("order.ship");
            let calls = [place.delay((1,)).await.unwrap(), place.delay((2,)).await.unwrap()];
            for (id, call) in (1..).zip(calls) {
                assert_eq!(call.get(DAY).await.unwrap(), format!("shipped {id}"));
            }
        });
    assert_eq!((summary.lost, summary.duplicated, summary.executions), (0, 0, 3));
    // Two at once until half past, then one after the other.
    assert!(summary.virtual_time > Duration::from_secs(7200));
}

#[test]
fn a_task_whose_worker_dies_between_result_and_ack_runs_twice_unless_somebody_asks_what_was_done() {
    for (deduplicate, duplicated) in [(false, 1), (true, 0)] {
        let settings = Settings { worker_deduplicate_successful_tasks: deduplicate, ..Settings::new(Profile::Safe) };
        let (process, effect) = ("w1".to_owned(), Some("basic.ack".to_owned()));
        let before_ack = Trigger { process, point: Point::Before, effect, nth: 1 };
        let cluster = Cluster::new(move || app_with(settings.clone())).workers(2, 1).limit(DAY);
        let summary = cluster.fault_on(before_ack, Fault::Kill { process: "w1".into() }).run(|client| async move {
            let place = client.app.remote::<(u32,), ()>("order.place");
            for id in 0..4 {
                place.delay((id,)).await.unwrap();
            }
        });
        assert_eq!((summary.lost, summary.duplicated), (0, duplicated));
    }
}

fn quick() -> App {
    let app = App::new("shop");
    let _ = app.task("order.note", |_: TaskContext, (_,): (u32,)| async move { Ok(()) });
    app
}

/// The one way to look into a queue, whichever broker it is of.
#[test]
fn messages_are_put_into_a_queue_and_taken_out_of_it_on_every_broker() {
    let cluster = || Cluster::new(quick);
    for (broker, cluster) in
        [("embedded", cluster()), ("Redis", cluster().on_redis()), ("RabbitMQ", cluster().on_rabbitmq())]
    {
        let summary = cluster.run(|client| async move {
            assert!(client.take("nobody").await?.is_empty());
            let place = client.app.remote::<(u32,), ()>("order.note");
            let mut sent = Vec::new();
            for id in 0..5 {
                let options = CallOptions { queue: Some("nobody".into()), ..CallOptions::default() };
                sent.push(place.apply_async((id,), options).await?.id().to_string());
            }
            let taken = client.take("nobody").await?;
            let ids: Vec<&str> = taken.iter().filter_map(|message| message.headers.get("id")?.as_str()).collect();
            assert_eq!(ids, sent);
            assert!(client.take("nobody").await?.is_empty());
            // To the worker after all.
            for message in taken {
                client.publish("celery", Message::clone(&message)).await?;
            }
            for id in sent {
                client.app.result::<()>(&id)?.get(DAY).await?;
            }
            Ok::<(), simq::Error>(())
        });
        assert_eq!((summary.succeeded, summary.lost, summary.unsettled), (5, 0, 0), "{broker}: {summary:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| {
        Cluster::new(app).seed(seed).workers(2, 2).run(|client| async move {
            let ship = client.app.remote::<(u32,), String>("order.ship");
            for id in 0..6 {
                ship.delay((id,)).await.unwrap();
            }
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).trace_hash, run(2).trace_hash);
}

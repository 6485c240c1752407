//! What a worker does not run, or not yet: rate limits, revokes, what has succeeded before.

use simq::events::State;
use simq::scenario::testkit::Cluster;
use simq::settings::{Profile, RateLimit, Settings};
use simq::{App, CallOptions, Error, TaskContext, TaskOptions};
use simq_sim::{Fault, Point, Trigger};
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn settings(profile: Profile) -> Settings {
    Settings { worker_state_db: Some("worker.state".to_owned()), ..Settings::new(profile) }
}

fn app(settings: Settings) -> App {
    let app = App::with_settings("screening", settings);
    let limited = |limit| TaskOptions { rate_limit: RateLimit::parse(limit).ok(), ..TaskOptions::default() };
    app.task_with("limited", limited("2/s"), |_: TaskContext, (): ()| async move { Ok(()) });
    app.task("free", |_: TaskContext, (): ()| async move { Ok(()) });
    app.task("slow", |ctx: TaskContext, (): ()| async move {
        ctx.sleep(seconds(60)).await;
        Ok(())
    });
    app
}

fn countdown(seconds: u64) -> CallOptions {
    CallOptions { countdown: Some(Duration::from_secs(seconds)), ..CallOptions::default() }
}

/// The wire sheet, section 7: six tasks at `2/s` begin at 0, 0.5, 1, ... seconds.
#[test]
fn a_limited_task_begins_as_often_as_it_may() {
    Cluster::new(|| app(settings(Profile::Safe))).run(|client| async move {
        let limited = client.app.remote::<(), ()>("limited");
        let mut calls = Vec::new();
        for _ in 0..6 {
            calls.push(limited.delay(()).await.unwrap());
        }
        for (number, call) in calls.iter().enumerate() {
            call.get(LONG).await.unwrap();
            let (now, due) = (client.now().as_millis() as u64, number as u64 * 500);
            assert!((due..due + 100).contains(&now), "number {number} was done at {now} ms");
        }
    });
}

#[test]
fn others_get_past_those_that_wait_for_their_rate_limit_in_safe_and_not_in_celery() {
    for (profile, waits) in [(Profile::Safe, false), (Profile::Celery, true)] {
        Cluster::new(move || app(settings(profile))).run(move |client| async move {
            let limited = client.app.remote::<(), ()>("limited");
            for _ in 0..40 {
                limited.delay(()).await.unwrap();
            }
            client.app.remote::<(), ()>("free").delay(()).await.unwrap().get(LONG).await.unwrap();
            assert_eq!(client.now() > seconds(10), waits, "{profile:?}: {:?}", client.now());
        });
    }
}

#[test]
fn a_revoked_task_that_waits_is_not_run() {
    for profile in [Profile::Safe, Profile::Celery] {
        let report = Cluster::new(move || app(settings(profile))).run(|client| async move {
            let free = client.app.remote::<(), ()>("free");
            let call = free.apply_async((), countdown(10)).await.unwrap();
            client.sleep(seconds(1)).await;
            call.revoke(false).await.unwrap();
            assert_eq!(call.get(seconds(30)).await, Err(Error::Revoked("revoked".into())));
        });
        assert_eq!(report.executions, 0, "{profile:?}");
    }
}

#[test]
fn a_running_task_is_killed_only_if_it_is_to_be() {
    for (terminate, executions, state) in [(false, 1, State::Success), (true, 1, State::Revoked)] {
        let report = Cluster::new(|| app(settings(Profile::Safe))).run(move |client| async move {
            let call = client.app.remote::<(), ()>("slow").delay(()).await.unwrap();
            client.sleep(seconds(5)).await;
            call.revoke(terminate).await.unwrap();
            client.sleep(seconds(100)).await;
            assert_eq!(call.state().await, Ok(state), "terminate: {terminate}");
            if terminate {
                assert_eq!(call.get(LONG).await, Err(Error::Revoked("terminated".into())));
            }
        });
        assert_eq!(report.executions, executions);
    }
}

/// F086: the message comes again, to a worker that was started anew: the file `worker_state_db` still knows.
#[test]
fn a_revoke_outlives_a_restart_of_the_worker_that_heard_it() {
    let forgetful = |profile| Settings { worker_state_db: None, ..settings(profile) };
    for (settings, executions) in [(settings(Profile::Celery), 0), (forgetful(Profile::Celery), 1)] {
        let apps = settings.clone();
        let cluster = Cluster::new(move || app(apps.clone())).kill_at(seconds(10), "w1").restart_at(seconds(12), "w1");
        let report = cluster.run(|client| async move {
            let options = CallOptions { task_id: Some(Arc::from("one")), ..CallOptions::default() };
            let free = client.app.remote::<(), ()>("free");
            client.sleep(seconds(1)).await;
            client.app.revoke(&[Arc::from("one")], false).await.unwrap();
            client.sleep(seconds(20)).await;
            free.apply_async((), options).await.unwrap();
        });
        assert_eq!(report.executions, executions, "{:?}", settings.worker_state_db);
    }
}

/// F086, the other half: nobody was there to hear it.
#[test]
fn a_revoke_that_no_worker_heard_is_kept_by_the_backend() {
    for (profile, executions) in [(Profile::Safe, 0), (Profile::Celery, 1)] {
        let cluster = Cluster::new(move || app(settings(profile)));
        let report = cluster.kill_at(seconds(5), "w1").restart_at(seconds(20), "w1").run(|client| async move {
            let free = client.app.remote::<(), ()>("free");
            let call = free.apply_async((), countdown(60)).await.unwrap();
            client.sleep(seconds(10)).await;
            call.revoke(false).await.unwrap();
            client.sleep(seconds(120)).await;
        });
        assert_eq!(report.executions, executions, "{profile:?}");
    }
}

/// The worker is cut off from the broker when the task has run and before its ack: the message comes again.
#[test]
fn a_task_that_has_succeeded_is_not_run_again_when_its_message_comes_again() {
    for (profile, executions) in [(Profile::Safe, 1), (Profile::Celery, 2)] {
        let settings = Settings { task_acks_late: true, ..settings(profile) };
        for kill in [false, true] {
            let settings = settings.clone();
            let (process, effect) = ("w1".to_owned(), Some("basic.ack".to_owned()));
            let before_ack = Trigger { process, point: Point::Before, effect, nth: 1 };
            let fault = if kill {
                Fault::Kill { process: "w1".into() }
            } else {
                Fault::Reset { between: ["w1".into(), "broker".into()] }
            };
            let mut cluster = Cluster::new(move || app(settings.clone())).fault_on(before_ack, fault);
            if kill {
                cluster = cluster.restart_at(seconds(30), "w1");
            }
            let report = cluster.run(|client| async move {
                let call = client.app.remote::<(), ()>("free").delay(()).await.unwrap();
                call.get(LONG).await.unwrap();
                client.sleep(seconds(60)).await;
                assert_eq!(call.state().await, Ok(State::Success));
            });
            assert_eq!((report.executions, report.stuck), (executions, 0), "{profile:?}, kill: {kill}");
        }
    }
}

#[test]
fn two_calls_of_one_id_run_once() {
    let report = Cluster::new(|| app(settings(Profile::Safe))).workers(1, 4).run(|client| async move {
        let slow = client.app.remote::<(), ()>("slow");
        let options = CallOptions { task_id: Some(Arc::from("one")), ..CallOptions::default() };
        for _ in 0..3 {
            slow.apply_async((), options.clone()).await.unwrap();
        }
        client.app.result::<()>("one").unwrap().get(LONG).await.unwrap();
    });
    assert_eq!((report.executions, report.stuck), (1, 0));
}

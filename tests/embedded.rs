//! The embedded queue for real: real clock, real threads, nothing installed.

#![allow(clippy::disallowed_methods, reason = "the real world is what is tested")]

use simq::events::State;
use simq::settings::{Profile, Settings};
use simq::{App, CallOptions, Error, TaskContext, TaskError, TaskOptions};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);

/// Calls need no particular runtime: this one has no timers at all.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[test]
fn a_call_comes_back_with_its_type() {
    let app = App::new("test");
    let add = app.task("tasks.add", |_ctx: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let greet = app.task("tasks.greet", |ctx: TaskContext, (name,): (String,)| async move {
        Ok(format!("hello {name}, try {}", ctx.retries()))
    });
    let running = app.start().expect("it starts");
    block_on(async {
        assert_eq!(add.delay((4, 6)).await.unwrap().get(SOON).await, Ok(10));
        assert_eq!(greet.delay(("Ada".into(),)).await.unwrap().get(SOON).await.unwrap(), "hello Ada, try 0");
        running.shutdown().await;
    });
}

#[test]
fn a_call_before_the_start_and_a_second_start_are_errors() {
    let app = App::new("test");
    let add = app.task("add", |_: TaskContext, (x,): (i64,)| async move { Ok(x) });
    assert_eq!(block_on(add.delay((1,))).err(), Some(Error::NotStarted));
    let running = app.start().expect("it starts");
    assert_eq!(app.start().err(), Some(Error::AlreadyStarted));
    block_on(running.shutdown());
}

#[test]
fn a_failure_tells_its_type_and_a_panic_is_one() {
    let app = App::new("test");
    let parse = app.task("parse", |_: TaskContext, (text,): (String,)| async move { Ok(text.parse::<i64>()?) });
    let panics = app.task("panics", |_: TaskContext, (): ()| async move {
        assert!(std::hint::black_box(false), "out of luck");
        Ok(())
    });
    let running = app.start().expect("it starts");
    block_on(async {
        let failure = match parse.delay(("seven".into(),)).await.unwrap().get(SOON).await {
            Err(Error::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        };
        assert_eq!((failure.exc_type.as_str(), failure.module.as_str()), ("ParseIntError", "core.num.error"));
        let panic = panics.delay(()).await.unwrap().get(SOON).await.unwrap_err().to_string();
        assert!(panic.contains("Panic") && panic.contains("out of luck"), "{panic}");
        assert_eq!(parse.delay(("7".into(),)).await.unwrap().get(SOON).await, Ok(7), "the worker lives on");
        running.shutdown().await;
    });
}

#[test]
fn wrong_arguments_are_a_type_error() {
    let app = App::new("test");
    let _ = app.task("add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let wrong = app.remote::<(String,), i64>("add");
    let running = app.start().expect("it starts");
    block_on(async {
        let error = wrong.delay(("four".into(),)).await.unwrap().get(SOON).await.unwrap_err().to_string();
        assert!(error.contains("TypeError"), "{error}");
        running.shutdown().await;
    });
}

#[test]
fn a_task_can_ask_for_retries_and_gets_as_many_as_it_may() {
    let app = App::new("test");
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let options = TaskOptions { max_retries: Some(Some(2)), ..TaskOptions::default() };
    let flaky = app.task_with("flaky", options, move |ctx: TaskContext, (good_at,): (u32,)| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if ctx.retries() < good_at {
                Err(TaskError::retry_in(Duration::from_millis(20)))
            } else {
                Ok(ctx.retries())
            }
        }
    });
    let running = app.start().expect("it starts");
    block_on(async {
        assert_eq!(flaky.delay((2,)).await.unwrap().get(SOON).await, Ok(2));
        assert_eq!(tries.swap(0, Ordering::SeqCst), 3);
        let error = flaky.delay((9,)).await.unwrap().get(SOON).await.unwrap_err().to_string();
        assert!(error.contains("MaxRetriesExceededError"), "{error}");
        assert_eq!(tries.load(Ordering::SeqCst), 3);
        running.shutdown().await;
    });
}

#[test]
fn named_errors_are_retried_by_themselves() {
    let app = App::new("test");
    let options = TaskOptions {
        autoretry_for: vec!["ParseIntError".into()],
        default_retry_delay: Some(Duration::from_millis(10)),
        ..TaskOptions::default()
    };
    let parse = app.task_with("parse", options, |ctx: TaskContext, (): ()| async move {
        let text = if ctx.retries() == 0 { "x" } else { "5" };
        Ok(text.parse::<i64>()?)
    });
    let running = app.start().expect("it starts");
    assert_eq!(block_on(async { parse.delay(()).await.unwrap().get(SOON).await }), Ok(5));
    block_on(running.shutdown());
}

#[test]
fn reject_and_ignore_do_what_they_say() {
    let app = App::new("test");
    let reject =
        app.task("reject", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::reject("no", false)) });
    let again = app.task("again", |ctx: TaskContext, (): ()| async move {
        if ctx.redelivered() { Ok("second time".to_owned()) } else { Err(TaskError::reject("later", true)) }
    });
    let ignore = app.task("ignore", |_: TaskContext, (): ()| async move { Err::<(), _>(TaskError::Ignore) });
    let running = app.start().expect("it starts");
    block_on(async {
        let error = reject.delay(()).await.unwrap().get(SOON).await.unwrap_err().to_string();
        assert!(error.contains("Reject"), "{error}");
        assert_eq!(again.delay(()).await.unwrap().get(SOON).await.unwrap(), "second time");
        let nothing = ignore.delay(()).await.unwrap().get(SOON).await;
        assert_eq!(nothing, Err(Error::NoResult(State::Ignored)));
        running.shutdown().await;
    });
}

#[test]
fn time_limits_interrupt_and_kill() {
    let app = App::with_settings("test", Settings { task_acks_on_timeout: Some(true), ..Settings::new(Profile::Safe) });
    let soft = TaskOptions { soft_time_limit: Some(Duration::from_millis(50)), ..TaskOptions::default() };
    let hard = TaskOptions { time_limit: Some(Duration::from_millis(50)), ..TaskOptions::default() };
    let slow = |ctx: TaskContext, (): ()| async move {
        ctx.sleep(Duration::from_secs(60)).await;
        Ok(())
    };
    let interrupted = app.task_with("interrupted", soft.clone(), slow);
    let killed = app.task_with("killed", hard, slow);
    let tidy = app.task_with("tidy", soft, |ctx: TaskContext, (): ()| async move {
        ctx.soft_time_limit_exceeded().await;
        Ok("cleaned up".to_owned())
    });
    let running = app.start().expect("it starts");
    block_on(async {
        let error = interrupted.delay(()).await.unwrap().get(SOON).await.unwrap_err().to_string();
        assert!(error.contains("SoftTimeLimitExceeded"), "{error}");
        let error = killed.delay(()).await.unwrap().get(SOON).await.unwrap_err().to_string();
        assert!(error.contains("TimeLimitExceeded"), "{error}");
        assert_eq!(tidy.delay(()).await.unwrap().get(SOON).await.unwrap(), "cleaned up");
        running.shutdown().await;
    });
}

#[test]
fn a_countdown_waits_and_an_expired_call_is_revoked() {
    let app = App::new("test");
    let now = app.task("now", |_: TaskContext, (): ()| async move { Ok(()) });
    let running = app.start().expect("it starts");
    block_on(async {
        let called = Instant::now();
        let later = CallOptions { countdown: Some(Duration::from_millis(150)), ..CallOptions::default() };
        now.apply_async((), later).await.unwrap().get(SOON).await.unwrap();
        assert!(called.elapsed() >= Duration::from_millis(145));
        let late = CallOptions {
            countdown: Some(Duration::from_millis(100)),
            expires: Some(Duration::from_millis(30)),
            ..CallOptions::default()
        };
        let revoked = now.apply_async((), late).await.unwrap().get(SOON).await;
        assert!(matches!(revoked, Err(Error::Revoked(_))), "{revoked:?}");
        running.shutdown().await;
    });
}

#[test]
fn a_task_can_call_another() {
    let app = App::new("test");
    let double = app.task("double", |_: TaskContext, (x,): (i64,)| async move { Ok(2 * x) });
    let outer = app.task("outer", move |_: TaskContext, (x,): (i64,)| {
        let double = double.clone();
        async move {
            let called = double.delay((x,)).await?;
            Ok(called.get(SOON).await? + 1)
        }
    });
    let running = app.start().expect("it starts");
    assert_eq!(block_on(async { outer.delay((20,)).await.unwrap().get(SOON).await }), Ok(41));
    block_on(running.shutdown());
}

#[test]
fn a_shutdown_waits_for_what_runs() {
    let app = App::new("test");
    let done = Arc::new(AtomicU32::new(0));
    let told = done.clone();
    let slow = app.task("slow", move |ctx: TaskContext, (): ()| {
        let told = told.clone();
        async move {
            ctx.sleep(Duration::from_millis(300)).await;
            told.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let running = app.start().expect("it starts");
    block_on(async {
        let _called = slow.delay(()).await.unwrap();
        std::thread::sleep(Duration::from_millis(100));
        running.shutdown().await;
    });
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[test]
fn results_for_which_there_is_no_room_are_forgotten_oldest_first_also_in_a_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        embedded_directory: Some(directory.path().to_string_lossy().into_owned()),
        embedded_max_result_bytes: 10_000,
        worker_deduplicate_successful_tasks: false,
        ..Settings::new(Profile::Safe)
    };
    let text = "0123456789".repeat(20);
    let start = || {
        let app = App::with_settings("test", settings.clone());
        let echo = app.task("echo", |_: TaskContext, (text,): (String,)| async move { Ok(text) });
        let running = app.start().expect("it starts");
        (app, echo, running)
    };
    let mut ids = Vec::new();
    let (_, echo, running) = start();
    block_on(async {
        for _ in 0..100 {
            let call = echo.delay((text.clone(),)).await.unwrap();
            assert_eq!(call.get(SOON).await.as_ref(), Ok(&text));
            ids.push(call.id().clone());
        }
        running.shutdown().await;
    });
    let (app, _, running) = start();
    let mut states = Vec::new();
    block_on(async {
        for id in &ids {
            states.push(app.result::<String>(id).unwrap().state().await.unwrap());
        }
        running.shutdown().await;
    });
    let forgotten = states.iter().take_while(|state| **state == State::Pending).count();
    assert!((60..90).contains(&forgotten), "{forgotten} of 100 are forgotten");
    assert!(states[forgotten..].iter().all(|state| *state == State::Success), "{states:?}");
}

//! A real RabbitMQ: tasks go through it and come back.
#![allow(clippy::disallowed_methods, reason = "real servers, real time")]

#[path = "servers/running.rs"]
mod running;
mod servers;

use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use running::{block_on, start};
use servers::Rabbit;
use simq::{App, CallOptions, Profile, Settings, TaskContext, TaskError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn settings(url: &str, profile: Profile) -> Settings {
    let mut settings = Settings::new(profile);
    settings.set_text("broker_url", url).expect("a setting");
    settings
}

/// One node for all: it takes seconds to start.
#[test]
fn a_private_node() {
    let rabbit = Rabbit::start();
    tasks_go_there_and_back_in_both_profiles(&rabbit);
    rejected_messages_come_back_or_are_dead_letters(&rabbit);
    priorities_and_countdowns_hold(&rabbit);
    a_queue_with_other_arguments_is_used_as_it_is(&rabbit);
    a_queue_of_another_type_is_consumed_from(&rabbit);
    what_comes_back_to_a_classic_queue_is_counted(&rabbit);
    what_comes_back_runs_also_where_it_can_not_be_counted(&rabbit);
    closed_connections_lose_nothing(&rabbit);
    who_is_not_let_in_is_told_why(&rabbit);
    the_command_says_what_waits(&rabbit);
}

fn the_command_says_what_waits(rabbit: &Rabbit) {
    let status = |queues: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_simq"));
        command.args(["status", "--json", "--broker", &rabbit.url()]).args(queues);
        let output = command.output().expect("simq runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let (_app, running, add) = start(settings(&rabbit.url(), Profile::Safe));
    block_on(async {
        let waits = CallOptions { queue: Some("nobody".into()), ..CallOptions::default() };
        add.apply_async((1, 2), waits).await.expect("published");
        let found = status(&["nobody", "missing", "celery"]);
        assert_eq!((&found["queues"][0]["ready"], &found["queues"][0]["consumers"]), (&1.into(), &0.into()), "{found}");
        assert!(found["queues"][1]["error"].as_str().is_some_and(|why| why.contains("no queue 'missing'")), "{found}");
        assert_eq!(found["queues"][2]["consumers"], 1, "{found}");
        running.shutdown().await;
    });
}

fn tasks_go_there_and_back_in_both_profiles(rabbit: &Rabbit) {
    for profile in [Profile::Safe, Profile::Celery] {
        let (_app, running, add) = start(settings(&rabbit.url(), profile));
        block_on(async {
            let mut calls = Vec::new();
            for number in 0..200 {
                calls.push(add.delay((number, 1)).await.expect("it is published"));
            }
            for (number, call) in calls.into_iter().enumerate() {
                assert_eq!(call.get(PATIENCE).await.expect("a result"), number as i64 + 1, "{profile:?}");
            }
            running.shutdown().await;
        });
        let queues = rabbit.queues(&["durable", "arguments", "messages"]);
        assert!(queues.contains(&["celery", "true", "[]", "0"].map(str::to_owned).to_vec()), "{profile:?}: {queues:?}");
    }
}

/// A channel of the test's own.
async fn channel(rabbit: &Rabbit) -> (lapin::Connection, lapin::Channel) {
    let properties = lapin::ConnectionProperties::default();
    let connection = lapin::Connection::connect(&rabbit.url(), properties).await.expect("RabbitMQ answers");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

fn rejected_messages_come_back_or_are_dead_letters(rabbit: &Rabbit) {
    let app = App::with_settings("demo", settings(&rabbit.url(), Profile::Safe));
    let read = app.task("read", |ctx: TaskContext, (order,): (String,)| async move {
        match order.as_str() {
            "early" if !ctx.delivery_info().redelivered => Err(TaskError::reject("not yet", true)),
            "torn" => Err(TaskError::reject("it can't be read", false)),
            _ => Ok(order),
        }
    });
    let running = app.start().expect("it starts");
    block_on(async {
        let early = read.delay(("early".into(),)).await.expect("published");
        assert_eq!(early.get(PATIENCE).await.expect("it came back"), "early");
        let torn = read.delay(("torn".into(),)).await.expect("published");
        torn.get(PATIENCE).await.expect_err("it was rejected");
        running.shutdown().await;
        let (_connection, channel) = channel(rabbit).await;
        let dead = channel.basic_get("celery.dead".into(), BasicGetOptions { no_ack: true }).await.expect("a queue");
        let dead = dead.expect("a dead letter").delivery;
        assert!(String::from_utf8_lossy(&dead.data).contains("torn"));
        let headers = dead.properties.headers().clone().expect("headers");
        let reason = headers.inner().get("x-first-death-reason").expect("a reason");
        assert_eq!(reason, &AMQPValue::LongString("rejected".into()));
        let left = channel.basic_get("celery".into(), BasicGetOptions { no_ack: true }).await.expect("a queue");
        assert!(left.is_none(), "{left:?}");
    });
}

fn priorities_and_countdowns_hold(rabbit: &Rabbit) {
    let mut settings = settings(&rabbit.url(), Profile::Safe);
    settings.task_queue_max_priority = Some(9);
    settings.task_default_queue = "ranked".to_owned();
    settings.task_dead_letter_queue = None;
    let (_app, running, add) = start(settings);
    block_on(async {
        let (_connection, channel) = channel(rabbit).await;
        for priority in [0, 9, 5] {
            // Nobody consumes from it.
            let options =
                CallOptions { queue: Some("waiting".into()), priority: Some(priority), ..CallOptions::default() };
            add.apply_async((i64::from(priority), 0), options).await.expect("published");
        }
        for priority in [9, 5, 0] {
            let next = channel.basic_get("waiting".into(), BasicGetOptions { no_ack: true }).await.expect("a queue");
            assert_eq!(*next.expect("a message").delivery.properties.priority(), Some(priority));
        }
        let started = std::time::Instant::now();
        let later = CallOptions { countdown: Some(Duration::from_secs(1)), ..CallOptions::default() };
        let call = add.apply_async((1, 1), later).await.expect("published");
        assert_eq!(call.get(PATIENCE).await.expect("a result"), 2);
        assert!(started.elapsed() >= Duration::from_secs(1));
        running.shutdown().await;
    });
}

/// Whoever declared it first has said what it is: RabbitMQ answers another declaration with 406.
fn a_queue_with_other_arguments_is_used_as_it_is(rabbit: &Rabbit) {
    block_on(async {
        let (_connection, channel) = channel(rabbit).await;
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(1000));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare("odd".into(), options, arguments).await.expect("declared");
    });
    let mut settings = settings(&rabbit.url(), Profile::Safe);
    settings.task_default_queue = "odd".to_owned();
    let (_app, running, add) = start(settings);
    block_on(async {
        assert_eq!(add.delay((1, 1)).await.expect("published").get(PATIENCE).await.expect("a result"), 2);
        running.shutdown().await;
    });
}

/// Settings say classic and the queue is a quorum queue, or the other way round. Where the refusal names another argument,
/// a 540 tells.
fn a_queue_of_another_type_is_consumed_from(rabbit: &Rabbit) {
    let text = |text: &str| AMQPValue::LongString(text.into());
    for (queue, arguments, ours) in [
        ("foreign-quorum", vec![("x-queue-type", text("quorum"))], "classic"),
        ("foreign-long", vec![("x-queue-type", text("quorum")), ("x-max-length", AMQPValue::LongInt(1000))], "classic"),
        ("foreign-classic", vec![], "quorum"),
        ("foreign-explicit", vec![("x-queue-type", text("classic"))], "quorum"),
    ] {
        block_on(async {
            let (_connection, channel) = channel(rabbit).await;
            let mut table = FieldTable::default();
            for (name, value) in arguments {
                table.insert(name.into(), value);
            }
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(queue.into(), options, table).await.expect("declared");
        });
        let mut settings = settings(&rabbit.url(), Profile::Safe);
        settings.task_default_queue = queue.to_owned();
        settings.set_text("task_default_queue_type", ours).expect("a setting");
        let (_app, running, add) = start(settings);
        block_on(async {
            let get = async |number| {
                let call = add.delay((number, 1)).await.expect("it is published");
                assert_eq!(call.get(PATIENCE).await.expect("a result"), number + 1, "{queue}");
            };
            get(1).await;
            if queue == "foreign-long" {
                // The next connection is made with what is known.
                rabbit.control(&["close_all_connections", "a test"]);
                get(2).await;
            }
            running.shutdown().await;
        });
    }
}

fn returning(settings: Settings, times: u32) -> (simq::Running, simq::Task<(), u32>, Arc<AtomicU32>) {
    let app = App::with_settings("demo", settings);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let task = app.task("returned", move |_: TaskContext, (): ()| {
        let run = counted.fetch_add(1, Ordering::SeqCst) + 1;
        async move { if run <= times { Err(TaskError::reject("again", true)) } else { Ok(run) } }
    });
    (app.start().expect("it starts"), task, runs)
}

fn tallies(rabbit: &Rabbit) -> Vec<Vec<String>> {
    let mut queues = rabbit.queues(&["messages"]);
    queues.retain(|row| row[0].contains(".returned."));
    queues
}

async fn dead_letter(rabbit: &Rabbit) -> String {
    let (_connection, channel) = channel(rabbit).await;
    for _ in 0..600 {
        let dead = channel.basic_get("celery.dead".into(), BasicGetOptions { no_ack: true }).await.expect("a queue");
        if let Some(dead) = dead {
            let headers = dead.delivery.properties.headers().clone().expect("headers");
            match headers.inner().get("x-first-death-reason") {
                Some(AMQPValue::LongString(reason)) => return String::from_utf8_lossy(reason.as_bytes()).into_owned(),
                other => panic!("no reason: {other:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no dead letter");
}

/// A classic queue does not count; after so many returns the message is a dead letter all the same.
fn what_comes_back_to_a_classic_queue_is_counted(rabbit: &Rabbit) {
    let limited = |limit| Settings { task_delivery_limit: Some(limit), ..settings(&rabbit.url(), Profile::Safe) };
    let (running, task, runs) = returning(limited(3), u32::MAX);
    block_on(async {
        task.delay(()).await.expect("it is published");
        assert_eq!(dead_letter(rabbit).await, "rejected", "a worker knows the last try");
        running.shutdown().await;
    });
    assert_eq!((runs.load(Ordering::SeqCst), tallies(rabbit)), (4, Vec::new()));

    // What does not come back too often runs, and nothing of the count is left.
    let (running, task, _) = returning(limited(3), 3);
    block_on(async {
        assert_eq!(task.delay(()).await.expect("it is published").get(PATIENCE).await.expect("a result"), 4);
        running.shutdown().await;
    });
    assert_eq!(tallies(rabbit), Vec::<Vec<String>>::new());

    // What takes its worker's connection with it.
    let app = App::with_settings("demo", limited(1));
    let runs = Arc::new(AtomicU32::new(0));
    let begun = runs.clone();
    let task = app.task("deadly", move |ctx: TaskContext, (): ()| {
        begun.fetch_add(1, Ordering::SeqCst);
        async move {
            ctx.sleep(Duration::from_secs(3600)).await;
            Ok(())
        }
    });
    let running = app.start().expect("it starts");
    block_on(async {
        task.delay(()).await.expect("it is published");
        for run in 1..=2 {
            while runs.load(Ordering::SeqCst) < run {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            rabbit.control(&["close_all_connections", "a test"]);
        }
        assert_eq!(dead_letter(rabbit).await, "delivery_limit");
        running.shutdown().await;
    });
    assert_eq!((runs.load(Ordering::SeqCst), tallies(rabbit)), (2, Vec::new()));
}

/// Nobody else's business: who may declare task queues only has no delivery limit.
fn what_comes_back_runs_also_where_it_can_not_be_counted(rabbit: &Rabbit) {
    rabbit.control(&["add_user", "limited", "limited"]);
    let own = r"^(celery|celery\.dead|.*pidbox|celeryev.*|reply.*)$";
    rabbit.control(&["set_permissions", "limited", own, ".*", ".*"]);
    let url = rabbit.url().replace("guest:guest", "limited:limited");
    let mut settings = settings(&url, Profile::Safe);
    settings.task_delivery_limit = Some(2);
    let (running, task, _) = returning(settings, 4);
    block_on(async {
        assert_eq!(task.delay(()).await.expect("it is published").get(PATIENCE).await.expect("a result"), 5);
        running.shutdown().await;
    });
}

/// All connections are closed again and again while tasks run: all come back.
fn closed_connections_lose_nothing(rabbit: &Rabbit) {
    let (_app, running, add) = start(settings(&rabbit.url(), Profile::Safe));
    block_on(async {
        let mut calls = Vec::new();
        for number in 0..100 {
            if number % 40 == 10 {
                rabbit.control(&["close_all_connections", "a test"]);
            }
            calls.push(add.delay((number, 1)).await.expect("it is published"));
        }
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.get(Duration::from_secs(90)).await.expect("a result"), number as i64 + 1);
        }
        running.shutdown().await;
    });
}

fn who_is_not_let_in_is_told_why(rabbit: &Rabbit) {
    let at = |user: &str, port: u16, vhost: &str| format!("amqp://{user}@127.0.0.1:{port}/{vhost}");
    for (url, why) in [
        (at("guest:wrong", rabbit.port, "/"), "ACCESS_REFUSED"),
        (at("guest:guest", rabbit.port, "nowhere"), "nowhere"),
        (at("guest:guest", servers::free_port(), "/"), "refused"),
    ] {
        let mut settings = settings(&url, Profile::Safe);
        settings.task_publish_timeout = Some(5.0);
        let (_app, running, add) = start(settings);
        block_on(async {
            let error = add.delay((1, 1)).await.expect_err("nobody is let in").to_string();
            assert!(error.contains(why) && !error.contains("wrong@"), "{error}");
            running.shutdown().await;
        });
    }
}

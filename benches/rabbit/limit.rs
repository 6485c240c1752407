//! The limit: loops of lapin's that do nothing with the tasks whose messages they carry.

use super::processes::own_cpu_micros;
use super::rounds::{self, Limit};
use super::running::block_on;
use super::server::{Observer, Server, Wire, site};
use super::table::Measured;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use std::time::Instant;

/// Messages that are under way, or unacked, at most.
const WINDOW: usize = 1_000;
/// Deliveries that one ack covers.
const BATCH: usize = 100;

/// Consumes what simq has published, with acks of a hundred at once, and stores as many results at once where they are kept.
pub(super) fn drains(ignore_result: bool) -> Vec<Limit> {
    let name = format!("bare loop, acks of {BATCH}");
    let drain = move |server: &Server, tasks: usize| {
        rounds::fill(server, tasks, ignore_result).expect("tasks to drain");
        let results = (!ignore_result).then(|| server.results());
        measured(server, tasks, async |channel| empty(channel, tasks, results).await)
    };
    vec![Limit { name, slow: false, run: Box::new(drain) }]
}

/// Publishes a message of simq's again and again, with confirms.
pub(super) fn publishes() -> Vec<Limit> {
    let publish = |name: &str, slow: bool, under_way: usize| Limit {
        name: name.into(),
        slow,
        run: Box::new(move |server, tasks| publish(server, tasks, under_way)),
    };
    vec![
        publish("bare loop, 1000 confirms under way", false, WINDOW),
        publish("bare loop, confirm by confirm", true, 1),
    ]
}

fn publish(server: &Server, tasks: usize, under_way: usize) -> Measured {
    rounds::fill(server, 1, false).expect("a message");
    measured(server, tasks, async |channel| {
        let options = BasicGetOptions { no_ack: true };
        let got = channel.basic_get("celery".into(), options).await.expect("an answer").expect("a message");
        fill(channel, &got.delivery, tasks, under_way).await;
    })
}

/// A channel of its own, on one thread.
fn run<T>(server: &Server, work: impl AsyncFnOnce(&lapin::Channel) -> T) -> T {
    block_on(async {
        let properties = lapin::ConnectionProperties::default();
        let connection = lapin::Connection::connect(&site(server).broker, properties).await.expect("RabbitMQ answers");
        let channel = connection.create_channel().await.expect("a channel");
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare("celery".into(), options, Default::default()).await.expect("declared");
        work(&channel).await
    })
}

/// What this process and the node do meanwhile.
fn measured(server: &Server, tasks: usize, work: impl AsyncFnOnce(&lapin::Channel)) -> Measured {
    let mut observer = Observer::new(server, Wire::Kombu);
    run(server, async |channel| {
        let before = observer.reset();
        let (started, cpu) = (Instant::now(), own_cpu_micros());
        work(channel).await;
        let (seconds, cpu_micros) = (started.elapsed().as_secs_f64(), own_cpu_micros() - cpu);
        (before, seconds, cpu_micros)
    })
    .finish(tasks, &mut observer)
}

trait Finish {
    fn finish(self, tasks: usize, observer: &mut Observer) -> Measured;
}

impl Finish for (super::server::Served, f64, f64) {
    fn finish(self, tasks: usize, observer: &mut Observer) -> Measured {
        let (before, seconds, cpu_micros) = self;
        let served = observer.served();
        let server_micros = served.cpu_micros - before.cpu_micros;
        Measured { tasks: tasks as f64, seconds, cpu_micros, server_micros, commands: None, mib: None }
    }
}

async fn fill(channel: &lapin::Channel, message: &Delivery, tasks: usize, under_way: usize) {
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let mut confirms = std::collections::VecDeque::new();
    for _ in 0..tasks {
        let (options, properties) = (BasicPublishOptions::default(), message.properties.clone());
        let publish = channel.basic_publish("".into(), "celery".into(), options, &message.data, properties);
        confirms.push_back(publish.await.expect("written"));
        if confirms.len() >= under_way
            && let Some(oldest) = confirms.pop_front()
        {
            oldest.await.expect("confirmed");
        }
    }
    for confirm in confirms {
        confirm.await.expect("confirmed");
    }
}

async fn empty(channel: &lapin::Channel, tasks: usize, mut results: Option<redis::Connection>) {
    let window = u16::try_from(WINDOW).expect("a window");
    channel.basic_qos(window, BasicQosOptions::default()).await.expect("a window");
    let consume =
        channel.basic_consume("celery".into(), "bare".into(), BasicConsumeOptions::default(), Default::default());
    let mut deliveries = consume.await.expect("a consumer");
    for number in 1..=tasks {
        let delivery = deliveries.next().await.expect("a delivery").expect("a delivery");
        if number % BATCH != 0 && number != tasks {
            continue;
        }
        if let Some(connection) = &mut results {
            let mut pipe = redis::pipe();
            for one in number.saturating_sub(BATCH)..number {
                let (id, result) = (format!("celery-task-meta-{one}"), r#"{"status": "SUCCESS", "result": 3}"#);
                pipe.cmd("SETEX").arg(&id).arg(86_400).arg(result).ignore();
                pipe.cmd("PUBLISH").arg(&id).arg(result).ignore();
            }
            pipe.exec(connection).expect("redis answers");
        }
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions { multiple: true }).await.expect("acked");
    }
}

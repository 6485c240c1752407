//! Alarms: the node's memory is low, or its disk is full, or so it is told.

use super::real::connection;
use crate::servers::Rabbit;
use futures_util::StreamExt;
use simq::broker::amqp::{ChannelId, Engine, Event, Method, Movement, Output, QueueOptions, RabbitConfig};
use simq::message::Message;
use std::sync::Arc;
use std::time::Duration;

/// During an alarm, whoever publishes is told so and is not heard any more; others go on.
pub(crate) fn compare(rabbit: &Rabbit) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (why, alarms) in
        [("low on memory", &[&MEMORY][..]), ("low on disk", &[&DISK]), ("low on disk & memory", &[&MEMORY, &DISK])]
    {
        runtime.block_on(real(rabbit, why, alarms));
        simulated(why);
    }
}

/// What begins an alarm, and what ends it.
type Alarm = [[&'static str; 2]; 2];
const MEMORY: Alarm = [["set_vm_memory_high_watermark", "0.0000001"], ["set_vm_memory_high_watermark", "0.4"]];
const DISK: Alarm = [["set_disk_free_limit", "1000000000000000"], ["set_disk_free_limit", "1000000"]];

fn simulated(why: &str) {
    let (mut engine, mut said) = (Engine::rabbit(RabbitConfig::default()), Told::default());
    let (publisher, reader) = (engine.open(), engine.open());
    let second = engine.open_channel(publisher, 2).expect("a connection");
    let declare = |queue: &str| Method::QueueDeclare {
        queue: queue.into(),
        passive: false,
        options: QueueOptions { durable: true, ..QueueOptions::default() },
    };
    let get = || Method::Get { queue: "alarmed".into(), no_ack: true };
    engine.apply(publisher, declare("alarmed"), 0, &mut said);
    engine.set_alarm(Some(why.into()), 0, &mut said);
    let publish = Method::Publish {
        exchange: "".into(),
        routing_key: "alarmed".into(),
        mandatory: false,
        message: Arc::new(Message { body: b"m".as_slice().into(), ..Message::default() }),
    };
    for (ch, method) in [(publisher, publish), (second, declare("alarmed")), (reader, get())] {
        engine.apply(ch, method, 0, &mut said);
    }
    engine.set_alarm(None, 0, &mut said);
    engine.apply(reader, get(), 0, &mut said);
    let told: Vec<&str> = said
        .0
        .iter()
        .map(|event| match event {
            Event::Blocked { why } => &**why,
            Event::Unblocked => "unblocked",
            Event::GetEmpty => "empty",
            Event::QueueDeclared { messages: 1, .. } => "declared with one",
            Event::Delivered(_) => "got",
            _ => "",
        })
        .collect();
    assert_eq!(told, ["", why, "empty", "unblocked", "declared with one", "got"]);
}

/// The same as a real node does it.
async fn real(rabbit: &Rabbit, reason: &str, alarms: &[&Alarm]) {
    let (publishing, reading) = (connection(&rabbit.url()).await, connection(&rabbit.url()).await);
    let mut events = Box::pin(publishing.events_listener());
    let (publisher, second) = (publishing.create_channel().await, publishing.create_channel().await);
    let (publisher, second) = (publisher.expect("a channel"), second.expect("a channel"));
    let reader = reading.create_channel().await.expect("a channel");
    let durable = lapin::options::QueueDeclareOptions { durable: true, ..Default::default() };
    publisher.queue_declare("alarmed".into(), durable, Default::default()).await.expect("declared");
    alarms.iter().for_each(|[begins, _]| drop(rabbit.control(begins)));
    let publish = publisher.basic_publish("".into(), "alarmed".into(), Default::default(), b"m", Default::default());
    publish.await.expect("written");
    loop {
        match events.next().await {
            Some(lapin::Event::ConnectionBlocked(why)) => break assert_eq!(why, reason),
            Some(_) => {}
            None => panic!("the connection is gone"),
        }
    }
    let mut declared = Box::pin(second.queue_declare("alarmed".into(), durable, Default::default()));
    let short = Duration::from_millis(300);
    assert!(tokio::time::timeout(short, &mut declared).await.is_err(), "a blocked connection is not heard");
    let no_ack = lapin::options::BasicGetOptions { no_ack: true };
    assert!(reader.basic_get("alarmed".into(), no_ack).await.expect("an answer").is_none());
    alarms.iter().for_each(|[_, ends]| drop(rabbit.control(ends)));
    while !matches!(events.next().await, Some(lapin::Event::ConnectionUnblocked)) {}
    assert_eq!(declared.await.expect("declared").message_count(), 1);
    assert!(reader.basic_get("alarmed".into(), no_ack).await.expect("an answer").is_some());
    reader.queue_delete("alarmed".into(), Default::default()).await.expect("deleted");
}

#[derive(Default)]
struct Told(Vec<Event>);

impl Output for Told {
    fn send(&mut self, _: ChannelId, event: Event) {
        self.0.push(event);
    }

    fn moved(&mut self, _: Movement<'_>) {}
}

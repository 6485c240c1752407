//! The embedded broker's engine with many messages in one queue, no world around it.

use crate::measure::{Error, Figures, Stretch, memory};
use serde_json::value::RawValue;
use simq::broker::amqp::{ChannelId, Engine, Event, Method, Movement, Name, Output, QueueOptions};
use simq::message::{TaskMessage, Timestamp};
use std::sync::Arc;

/// A client that acks at once.
#[derive(Default)]
struct Client {
    delivered: Vec<u64>,
}

impl Output for Client {
    fn send(&mut self, _: ChannelId, event: Event) {
        if let Event::Delivered(delivery) = event {
            self.delivered.push(delivery.tag);
        }
    }

    fn moved(&mut self, _: Movement<'_>) {}
}

/// Messages as a producer writes them: a UUID, a name, two numbers.
pub(crate) fn queued(messages: u64) -> Result<Figures, Error> {
    let (mut engine, mut client) = (Engine::default(), Client::default());
    let channel = engine.open();
    let queue = Name::from("celery");
    let options = QueueOptions { durable: true, ..QueueOptions::default() };
    engine.apply(channel, Method::QueueDeclare { queue: queue.clone(), passive: false, options }, 0, &mut client);
    let before = memory("VmRSS")?;
    let stretch = Stretch::begin()?;
    for number in 0..messages {
        let message = Arc::new(message(number)?);
        let publish =
            Method::Publish { exchange: Name::from(""), routing_key: queue.clone(), mandatory: false, message };
        engine.apply(channel, publish, number, &mut client);
    }
    let (published, _) = stretch.end()?;
    let held = memory("VmRSS")? - before;
    let stretch = Stretch::begin()?;
    engine.apply(channel, Method::Qos { prefetch: 100 }, messages, &mut client);
    let consume = Method::Consume { queue, consumer: Name::from("c"), no_ack: false };
    engine.apply(channel, consume, messages, &mut client);
    let mut acked = 0;
    while !client.delivered.is_empty() {
        for tag in std::mem::take(&mut client.delivered) {
            engine.apply(channel, Method::Ack { tag, multiple: false }, messages, &mut client);
            acked += 1;
        }
    }
    if acked != messages {
        return Err(format!("{acked} of {messages} were acked").into());
    }
    let (drained, _) = stretch.end()?;
    let mut figures = Figures::default();
    figures.add("bytes per queued message", held / messages as f64);
    figures.add("MiB in all", held / f64::from(1 << 20));
    figures.add("ns of CPU to write and publish", published * 1e9 / messages as f64);
    figures.add("ns of CPU to deliver and ack", drained * 1e9 / messages as f64);
    Ok(figures)
}

fn message(number: u64) -> Result<simq::message::Message, Error> {
    let id = format!("{:08x}-1f2e-4d3c-8b5a-{number:012x}", number.wrapping_mul(2_654_435_761) as u32);
    let args = RawValue::from_string(format!("[{number}, 2]"))?;
    let mut task = TaskMessage::new(id.into(), "tasks.add".into(), args, RawValue::from_string("{}".to_owned())?);
    task.origin = Some("gen@embedded".into());
    Ok(task.encode(Timestamp::from_micros(0))?)
}

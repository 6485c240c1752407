//! The streams of lapin's consumers, as one.

use super::content;
use crate::env::amqp::{ChannelNumber, Delivery, Name, Said};
use futures_core::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

struct Consumer {
    channel: ChannelNumber,
    name: Name,
    /// By its own client: its end is no news.
    cancelled: bool,
    stream: lapin::Consumer,
    names: Names,
}

/// The names of the last delivery: most have the same.
#[derive(Default)]
struct Names {
    exchange: Option<Name>,
    routing_key: Option<Name>,
}

#[derive(Default)]
pub(super) struct Consumers {
    all: Vec<Consumer>,
    /// Who is asked first.
    turn: usize,
}

impl Consumers {
    pub(super) fn add(&mut self, channel: ChannelNumber, name: Name, stream: lapin::Consumer) {
        self.all.push(Consumer { channel, name, cancelled: false, stream, names: Names::default() });
    }

    pub(super) fn cancel(&mut self, channel: ChannelNumber, name: &str) {
        let meant = |consumer: &&mut Consumer| consumer.channel == channel && *consumer.name == *name;
        self.all.iter_mut().filter(meant).for_each(|consumer| consumer.cancelled = true);
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Said, (ChannelNumber, lapin::Error)>> {
        let mut asked = 0;
        while asked < self.all.len() {
            let turn = (self.turn + asked) % self.all.len();
            let consumer = &mut self.all[turn];
            match Pin::new(&mut consumer.stream).poll_next(cx) {
                Poll::Pending => asked += 1,
                Poll::Ready(Some(Ok(delivery))) => {
                    self.turn = turn + 1;
                    return Poll::Ready(Ok(Said::Delivered(consumer.channel, consumer.read(delivery))));
                }
                Poll::Ready(Some(Err(error))) => {
                    let ended = self.all.swap_remove(turn);
                    return Poll::Ready(Err((ended.channel, error)));
                }
                Poll::Ready(None) => {
                    let Consumer { channel, name, cancelled, .. } = self.all.swap_remove(turn);
                    if !cancelled {
                        return Poll::Ready(Ok(Said::Cancelled(channel, name)));
                    }
                }
            }
        }
        Poll::Pending
    }
}

impl Consumer {
    fn read(&mut self, delivery: lapin::message::Delivery) -> Delivery {
        let exchange = kept(&mut self.names.exchange, delivery.exchange.as_str());
        let routing_key = kept(&mut self.names.routing_key, delivery.routing_key.as_str());
        read(self.name.clone(), exchange, routing_key, delivery)
    }
}

/// The last name, if it is this one.
fn kept(last: &mut Option<Name>, text: &str) -> Name {
    match last {
        Some(last) if **last == *text => last.clone(),
        _ => last.insert(text.into()).clone(),
    }
}

fn read(consumer: Name, exchange: Name, routing_key: Name, delivery: lapin::message::Delivery) -> Delivery {
    let lapin::message::Delivery { delivery_tag: tag, redelivered, properties, data, .. } = delivery;
    let (message, returned) = content::message(&properties, data);
    Delivery { consumer, tag, redelivered, exchange, routing_key, returned, message: Arc::new(message) }
}

/// What was asked for.
pub(super) fn got(delivery: lapin::message::Delivery) -> Delivery {
    let (exchange, routing_key) = (delivery.exchange.as_str().into(), delivery.routing_key.as_str().into());
    read("".into(), exchange, routing_key, delivery)
}

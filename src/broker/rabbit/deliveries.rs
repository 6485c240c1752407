//! What the server delivers: handed over in its order, counted before where its queue does not count, or a dead letter.

use super::shell::{Consumer, Shell};
use crate::broker::amqp::{Delivery, Event, Name};
use crate::env::amqp;
use crate::message::Message;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// A delivery that is not settled.
pub(super) struct Held {
    pub(super) queue: Name,
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
    pub(super) message: Arc<Message>,
}

struct Arrived {
    held: Held,
    delivery: amqp::Delivery,
    /// How often it has come back; `None` while it is being counted.
    count: Option<u32>,
}

/// Deliveries behind one that is being counted: none overtakes another.
#[derive(Default)]
pub(super) struct Line(VecDeque<Arrived>);

impl Line {
    fn counted(&mut self, tag: amqp::DeliveryTag, count: u32) {
        let meant = self.0.iter_mut().find(|arrived| arrived.delivery.tag == tag);
        meant.into_iter().for_each(|arrived| arrived.count = Some(count));
    }

    fn next(&mut self) -> Option<(Held, amqp::Delivery, u32)> {
        let count = self.0.front()?.count?;
        self.0.pop_front().map(|Arrived { held, delivery, .. }| (held, delivery, count))
    }
}

impl Shell {
    /// A message for a consumer.
    pub(super) fn delivered(self: &Rc<Self>, delivery: amqp::Delivery) {
        let consumers = self.consumers.borrow();
        let Some(Consumer { queue, no_ack }) = consumers.get(&delivery.consumer) else {
            return tracing::warn!(consumer = %delivery.consumer, "a message for nobody");
        };
        self.deliver(queue, *no_ack, delivery);
    }

    /// A message of `queue`.
    pub(super) fn deliver(self: &Rc<Self>, queue: &Name, no_ack: bool, delivery: amqp::Delivery) {
        // A classic queue only says whether there was a delivery before.
        let count = delivery.returned.unwrap_or(u32::from(delivery.redelivered));
        if no_ack {
            self.acks.borrow_mut().settled(delivery.tag);
            return self.say_delivered(delivery, count);
        }
        let held = Held {
            queue: queue.clone(),
            exchange: delivery.exchange.clone(),
            routing_key: delivery.routing_key.clone(),
            message: delivery.message.clone(),
        };
        let is_uncounted = delivery.returned.is_none() && delivery.redelivered;
        let tally = if is_uncounted { self.tally_of(&held) } else { None };
        if tally.is_none() && self.line.borrow().0.is_empty() {
            return self.pass_on(held, delivery, count);
        }
        let tag = delivery.tag;
        let known = tally.is_none().then_some(count);
        self.line.borrow_mut().0.push_back(Arrived { held, delivery, count: known });
        if let Some(tally) = tally {
            self.begin_count(tag, &tally);
            let shell = self.clone();
            self.env.spawn(async move {
                let count = shell.count(&tally).await.unwrap_or(count);
                shell.line.borrow_mut().counted(tag, count);
                shell.advance();
            });
        }
    }

    fn advance(self: &Rc<Self>) {
        while let Some((held, delivery, count)) = self.next_in_line() {
            self.pass_on(held, delivery, count);
        }
    }

    fn next_in_line(&self) -> Option<(Held, amqp::Delivery, u32)> {
        self.line.borrow_mut().next()
    }

    fn pass_on(self: &Rc<Self>, held: Held, delivery: amqp::Delivery, count: u32) {
        if self.policy.is_worn_out(&held.queue, count)
            && let Some(to) = self.policy.dead_letters_of(&held.queue)
        {
            let to = to.clone();
            return self.bury(delivery.tag, held, to, "delivery_limit");
        }
        self.held.borrow_mut().insert(delivery.tag, held);
        self.say_delivered(delivery, count);
    }

    fn say_delivered(&self, delivery: amqp::Delivery, delivery_count: u32) {
        let amqp::Delivery { consumer, tag, redelivered, exchange, routing_key, message, .. } = delivery;
        self.say(Event::Delivered(Delivery {
            consumer,
            tag,
            redelivered,
            exchange,
            routing_key,
            delivery_count,
            message,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_overtakes_one_that_is_being_counted() {
        let arrived = |tag, count: Option<u32>| Arrived {
            held: Held {
                queue: "celery".into(),
                exchange: "".into(),
                routing_key: "celery".into(),
                message: Arc::default(),
            },
            delivery: amqp::Delivery {
                consumer: "celery".into(),
                tag,
                redelivered: count.is_none(),
                exchange: "".into(),
                routing_key: "celery".into(),
                returned: None,
                message: Arc::default(),
            },
            count,
        };
        let mut line = Line([arrived(1, None), arrived(2, Some(0)), arrived(3, None), arrived(4, Some(0))].into());
        line.counted(3, 2);
        assert!(line.next().is_none());
        line.counted(1, 5);
        let passed: Vec<_> =
            std::iter::from_fn(|| line.next()).map(|(_, delivery, count)| (delivery.tag, count)).collect();
        assert_eq!(passed, [(1, 5), (2, 0), (3, 2), (4, 0)]);
    }
}

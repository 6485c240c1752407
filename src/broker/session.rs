//! One live connection to the broker: what was sent on it and what it still owes.

use super::amqp::{Event, Method, Name, QueueOptions};
use super::frame::{FromServer, ToServer};
use super::{Epoch, PublishError, Reply, Settle, Settlement};
use crate::env::{Instant, Link};
use crate::message::Message;
use crate::settings::Settings;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// A publish that waits for its confirm.
struct Unconfirmed {
    seq: u64,
    queue: Name,
    reply: Reply<Result<(), PublishError>>,
}

/// State of one connection. Dropped with it: nothing here survives into the next.
pub(super) struct Session {
    link: Link<ToServer, FromServer>,
    pub(super) epoch: Epoch,
    confirms: bool,
    published: u64,
    unconfirmed: VecDeque<Unconfirmed>,
    declared: BTreeSet<Name>,
    /// When the broker was last heard.
    pub(super) heard: Instant,
}

impl Session {
    pub(super) fn new(link: Link<ToServer, FromServer>, epoch: Epoch, confirms: bool, now: Instant) -> Self {
        let session = Session {
            link,
            epoch,
            confirms,
            published: 0,
            unconfirmed: VecDeque::new(),
            declared: BTreeSet::new(),
            heard: now,
        };
        if confirms {
            session.send(Method::ConfirmSelect);
        }
        session
    }

    fn send(&self, method: Method) {
        self.link.send(ToServer::Method(method));
    }

    /// Declares a queue, once per connection, and the dead-letter queue that it points to.
    fn declare(&mut self, queue: &Name, settings: &Settings) {
        if self.declared.contains(queue) {
            return;
        }
        self.declared.insert(queue.clone());
        let dead_letters = settings.task_dead_letter_queue.as_deref();
        let is_dead_letter_queue = dead_letters == Some(&**queue);
        let options = QueueOptions {
            durable: true,
            max_priority: settings.task_queue_max_priority.map(|max| u8::try_from(max).unwrap_or(u8::MAX)),
            ..QueueOptions::default()
        };
        let options = match dead_letters {
            Some(dead_letters) if !is_dead_letter_queue => QueueOptions {
                delivery_limit: settings.task_delivery_limit,
                dead_letter_exchange: Some("".into()),
                dead_letter_routing_key: Some(dead_letters.into()),
                ..options
            },
            // A dead letter is never returned to be worked on, so it needs no limit.
            _ if is_dead_letter_queue => options,
            _ => QueueOptions { delivery_limit: settings.task_delivery_limit, ..options },
        };
        if let Some(dead_letters) = dead_letters.filter(|_| !is_dead_letter_queue) {
            self.declare(&dead_letters.into(), settings);
        }
        self.send(Method::QueueDeclare { queue: queue.clone(), passive: false, options });
    }

    pub(super) fn publish(
        &mut self,
        queue: Name,
        message: Arc<Message>,
        reply: Reply<Result<(), PublishError>>,
        settings: &Settings,
    ) {
        self.declare(&queue, settings);
        let routing_key = queue.clone();
        self.send(Method::Publish { exchange: default_exchange(), routing_key, mandatory: false, message });
        self.published += 1;
        if self.confirms {
            self.unconfirmed.push_back(Unconfirmed { seq: self.published, queue, reply });
        } else {
            // Without confirms a publish is done when it is written: Celery's default, and its hazard.
            reply(Ok(()));
        }
    }

    pub(super) fn consume(&mut self, queues: &[Name], prefetch: u32, settings: &Settings) {
        queues.iter().for_each(|queue| self.declare(queue, settings));
        self.send(Method::Qos { prefetch });
        for queue in queues {
            self.send(Method::Consume { queue: queue.clone(), consumer: queue.clone(), no_ack: false });
        }
    }

    pub(super) fn set_prefetch(&self, prefetch: u32) {
        self.send(Method::Qos { prefetch });
    }

    pub(super) fn cancel(&self, queues: &[Name]) {
        queues.iter().for_each(|queue| self.send(Method::Cancel { consumer: queue.clone() }));
    }

    pub(super) fn settle(&self, settle: &Settle) {
        let (tag, multiple) = (settle.tag, false);
        self.send(match settle.how {
            Settlement::Ack => Method::Ack { tag, multiple },
            Settlement::Discard => Method::Nack { tag, multiple, requeue: false },
            Settlement::Release => Method::Release { tag },
            Settlement::Requeue => Method::Nack { tag, multiple, requeue: true },
        });
    }

    pub(super) fn heartbeat(&self) {
        self.link.send(ToServer::Heartbeat);
    }

    pub(super) fn close(&self) {
        self.link.close();
    }

    /// Takes note of what concerns publishes; returns what doesn't.
    pub(super) fn hear(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Confirmed { seq, multiple } => {
                self.confirmed(seq, multiple);
                None
            }
            Event::Refused { seq } => {
                if let Some(at) = self.unconfirmed.iter().position(|waiting| waiting.seq == seq)
                    && let Some(waiting) = self.unconfirmed.remove(at)
                {
                    (waiting.reply)(Err(PublishError::Refused(waiting.queue.to_string())));
                }
                None
            }
            other => Some(other),
        }
    }

    fn confirmed(&mut self, seq: u64, multiple: bool) {
        if multiple {
            while self.unconfirmed.front().is_some_and(|waiting| waiting.seq <= seq) {
                self.unconfirmed.pop_front().into_iter().for_each(|waiting| (waiting.reply)(Ok(())));
            }
        } else if let Some(at) = self.unconfirmed.iter().position(|waiting| waiting.seq == seq) {
            self.unconfirmed.remove(at).into_iter().for_each(|waiting| (waiting.reply)(Ok(())));
        }
    }

    /// The connection is gone: nobody knows what became of the unconfirmed.
    pub(super) fn lost(self) {
        for waiting in self.unconfirmed {
            (waiting.reply)(Err(PublishError::ConnectionLost));
        }
    }
}

fn default_exchange() -> Name {
    thread_local! {
        static EMPTY: Name = "".into();
    }
    EMPTY.with(Name::clone)
}

//! One live connection to the broker: what was sent on it and what it still owes.

use super::amqp::{Event, Method, Name, QueueOptions, Refusal};
use super::entities::{Entities, Source, Target, task_queue};
use super::frame::{FromServer, ToServer};
use super::{Epoch, PublishError, Reply, Settle, Settlement};
use crate::env::{Env, Instant, Link};
use crate::message::Message;
use crate::planted::{Fault as Planted, planted};
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
    /// Since when there has been something to confirm.
    owed: Instant,
    /// A publish was returned; the next confirm is of it.
    returned: Option<PublishError>,
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
            owed: now,
            returned: None,
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

    /// Declares what is needed, once per connection.
    fn declare(&mut self, entities: &Entities, settings: &Settings) {
        match entities {
            Entities::Queue(queue) => self.declare_queue(queue, settings),
            Entities::Both(both) => both.iter().for_each(|entities| self.declare(entities, settings)),
            Entities::These(name, _) if self.declared.contains(name) => {}
            Entities::These(name, methods) => {
                self.declared.insert(name.clone());
                methods.iter().for_each(|method| self.send(method.clone()));
            }
        }
    }

    /// Declares a task queue, and the dead-letter queue that it points to.
    fn declare_queue(&mut self, queue: &Name, settings: &Settings) {
        if self.declared.contains(queue) {
            return;
        }
        self.declared.insert(queue.clone());
        let dead_letters = settings.task_dead_letter_queue.as_deref();
        if let Some(dead_letters) = dead_letters.filter(|dead_letters| **dead_letters != **queue) {
            self.declare_queue(&dead_letters.into(), settings);
        }
        let options = task_queue(queue, QueueOptions::default(), settings);
        self.send(Method::QueueDeclare { queue: queue.clone(), passive: false, options });
    }

    pub(super) fn publish(
        &mut self,
        to: Target,
        message: Arc<Message>,
        reply: Reply<Result<(), PublishError>>,
        settings: &Settings,
        env: &Env,
    ) {
        self.declare(&to.entities, settings);
        let mandatory = settings.task_publish_mandatory && self.confirms && !to.broadcast;
        let Target { exchange, routing_key, .. } = to;
        let queue = routing_key.clone();
        self.send(Method::Publish { exchange, routing_key, mandatory, message });
        self.published += 1;
        if self.confirms {
            if self.unconfirmed.is_empty() {
                self.owed = env.now();
            }
            self.unconfirmed.push_back(Unconfirmed { seq: self.published, queue, reply });
        } else {
            // Without confirms a publish is done when it is written: Celery's default, and its hazard.
            reply(Ok(()));
        }
    }

    pub(super) fn consume(&mut self, sources: &[Source], prefetch: u32, settings: &Settings) {
        sources.iter().for_each(|source| self.declare(&source.entities, settings));
        self.send(Method::Qos { prefetch });
        for Source { queue, no_ack, .. } in sources {
            self.send(Method::Consume { queue: queue.clone(), consumer: queue.clone(), no_ack: *no_ack });
        }
    }

    pub(super) fn set_prefetch(&self, prefetch: u32) {
        self.send(Method::Qos { prefetch });
    }

    pub(super) fn cancel(&self, sources: &[Source]) {
        sources.iter().for_each(|source| self.send(Method::Cancel { consumer: source.queue.clone() }));
    }

    pub(super) fn settle(&self, settle: &Settle) {
        let (tag, multiple) = (settle.tag, planted(Planted::AckMultiple));
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

    /// Says that nothing more will be said.
    pub(super) fn finish(&self) {
        self.link.send(ToServer::Close);
    }

    pub(super) fn close(&self) {
        self.link.close();
    }

    /// Since when the broker has been silent though it owes a confirm.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        (!self.unconfirmed.is_empty()).then_some(self.owed.max(self.heard))
    }

    /// Takes note of what concerns publishes; returns what doesn't.
    pub(super) fn hear(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Confirmed { seq, multiple } => {
                self.confirmed(seq, multiple);
                None
            }
            // Its confirm follows.
            Event::Returned { exchange, routing_key, .. } => {
                self.returned =
                    Some(PublishError::Unroutable { exchange: exchange.to_string(), key: routing_key.to_string() });
                None
            }
            Event::Refused { seq, why } => {
                if let Some(at) = self.unconfirmed.iter().position(|waiting| waiting.seq == seq)
                    && let Some(waiting) = self.unconfirmed.remove(at)
                {
                    (waiting.reply)(Err(match why {
                        Refusal::QueueFull => PublishError::Refused(waiting.queue.to_string()),
                        Refusal::StoreFull => PublishError::StoreFull,
                        Refusal::Said(why) => PublishError::ServerRefused(why.to_string()),
                    }));
                }
                None
            }
            other => Some(other),
        }
    }

    fn confirmed(&mut self, seq: u64, multiple: bool) {
        if planted(Planted::ConfirmTakenForTheNext) {
            self.unconfirmed
                .iter()
                .position(|waiting| waiting.seq == seq + 1)
                .and_then(|at| self.unconfirmed.remove(at))
                .into_iter()
                .for_each(|waiting| (waiting.reply)(Ok(())));
        }
        if multiple {
            while self.unconfirmed.front().is_some_and(|waiting| waiting.seq <= seq) {
                self.unconfirmed.pop_front().into_iter().for_each(|waiting| (waiting.reply)(Ok(())));
            }
        } else if let Some(at) = self.unconfirmed.iter().position(|waiting| waiting.seq == seq) {
            let result = self.returned.take().map_or(Ok(()), Err);
            self.unconfirmed.remove(at).into_iter().for_each(|waiting| (waiting.reply)(result.clone()));
        }
    }

    /// The connection is gone: nobody knows what became of the unconfirmed.
    pub(super) fn lost(self) {
        for waiting in self.unconfirmed {
            if planted(Planted::ConfirmAssumedOnLoss) {
                (waiting.reply)(Ok(()));
                continue;
            }
            (waiting.reply)(Err(PublishError::ConnectionLost));
        }
    }
}

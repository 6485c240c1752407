//! Dead letters: where a message goes that leaves its queue without an ack, and what is written on it.
//!
//! RabbitMQ's rules. The message is published again to the queue's dead letter exchange, with the history of its
//! deaths in the header `x-death`, the latest first, one entry for each queue and reason. A queue is not given a
//! message that already died there, unless a client's rejection is among the deaths since: without that rule an
//! automatic cycle (expire, return, expire, ...) would never end. What a client wrote into `x-death` itself is
//! overwritten and not believed, as since RabbitMQ 4. An engine that is a RabbitMQ 3.10 believes it ([`super::death_header`]).

use super::output::DeathReason;
use super::queue::QueueId;
use super::stored::{Origin, StoredMessage};
use super::{Engine, Movement, Name, Output, Overflow, death_header};
use crate::message::Message;
use serde_json::{Map, Value};
use std::sync::Arc;

/// One entry of `x-death`.
#[derive(Clone, Debug)]
pub(super) struct Death {
    pub(super) queue: Name,
    pub(super) reason: DeathReason,
    pub(super) count: u64,
    /// Seconds; of the first death with this queue and reason.
    pub(super) time: u64,
    pub(super) origin: Origin,
    /// The message's own time to live, which it loses with its first death.
    pub(super) original_expiration: Option<u64>,
}

/// A message on its way from a queue to that queue's dead letter exchange.
#[derive(Clone, Debug)]
pub(super) struct Departure {
    pub(super) queue: Name,
    pub(super) exchange: Name,
    /// `None`: the message's own.
    pub(super) routing_key: Option<Name>,
    pub(super) message: StoredMessage,
    pub(super) reason: DeathReason,
    /// Whether it was in the queue, and not refused by it.
    pub(super) was_queued: bool,
    /// The queue that keeps it until others have taken it; see [`super::letters`].
    pub(super) kept_by: Option<QueueId>,
}

impl Engine {
    /// Publishes a departed message to its dead letter exchange.
    pub(super) fn dead_letter(&mut self, departure: Departure, now: u64, out: &mut impl Output) {
        let Departure { queue, exchange, routing_key, message: old, reason, was_queued, kept_by } = departure;
        if let Some(keeper) = kept_by {
            return self.keep_letter(keeper, old, reason, now, out);
        }
        let routing_key = routing_key.unwrap_or_else(|| old.origin.routing_key.clone());
        let (message, deaths) = self.with_death(&old, &queue, reason, now);
        let message = Arc::new(message);

        let mut targets = Vec::new();
        // An unknown dead letter exchange is no error: the message is lost.
        let _ = self.route(&exchange, &routing_key, &message, &mut targets);
        self.break_cycles(&message, deaths.as_deref(), reason, &mut targets);
        let origin = Origin { exchange, routing_key };
        let refused = self.split_refusing(None, &message, &origin, &mut targets);
        let names: Vec<Name> = targets.iter().filter_map(|id| Some(self.queues.get(id.0)?.name.clone())).collect();
        if was_queued {
            out.moved(Movement::DeadLettered { queue: &queue, message: &old.message, reason, to: &names });
        }

        let deaths = deaths.map(Arc::new);
        self.refuse(&refused, &message, out);
        for target in targets {
            self.enqueue(target, message.clone(), origin.clone(), deaths.clone(), now, out);
        }
    }

    /// Takes queues out of `targets` that the message came from without a client's doing.
    pub(super) fn break_cycles(
        &self,
        message: &Message,
        deaths: Option<&[Death]>,
        reason: DeathReason,
        targets: &mut Vec<QueueId>,
    ) {
        if reason == DeathReason::Rejected {
            return;
        }
        targets.retain(|target| {
            let Some(target) = self.queues.get(target.0) else { return true };
            match deaths {
                Some(deaths) => !closes_cycle(&target.name, deaths),
                None => !death_header::closes_cycle(&target.name, &message.headers),
            }
        });
    }

    /// The message as it is published to the dead letter exchange, and its history where that is kept beside it.
    pub(super) fn with_death(
        &self,
        old: &StoredMessage,
        queue: &Name,
        reason: DeathReason,
        now: u64,
    ) -> (Message, Option<Vec<Death>>) {
        if self.rabbit.is_none() {
            let deaths = record_death(old, queue, reason, now);
            return (with_deaths(&old.message, &deaths), Some(deaths));
        }
        let mut message = (*old.message).clone();
        let death = record_new(old, queue, reason, now);
        message.properties.expiration = None;
        death_header::record(&mut message.headers, death.to_value());
        (message, None)
    }

    /// A queue with `reject-publish-dlx` did not take a message.
    pub(super) fn dead_letter_refused(&mut self, id: QueueId, message: &Arc<Message>, origin: &Origin) {
        let Some(queue) = self.queues.get(id.0) else { return };
        let exchange = queue.options.dead_letter_exchange.clone();
        let Some(exchange) =
            exchange.filter(|_| queue.options.overflow == Overflow::RejectPublishDeadLetter && !queue.away)
        else {
            return;
        };
        let message = StoredMessage::new(message.clone(), origin.clone());
        let (queue, routing_key) = (queue.name.clone(), queue.options.dead_letter_routing_key.clone());
        let reason = DeathReason::MaxLength;
        let (was_queued, kept_by) = (false, None);
        self.departures.push_back(Departure { queue, exchange, routing_key, message, reason, was_queued, kept_by });
    }
}

fn record_new(message: &StoredMessage, queue: &Name, reason: DeathReason, now: u64) -> Death {
    Death {
        queue: queue.clone(),
        reason,
        count: 1,
        time: now / 1_000_000_000,
        origin: message.origin.clone(),
        original_expiration: message.message.properties.expiration,
    }
}

/// The history of `message` with one more death.
fn record_death(message: &StoredMessage, queue: &Name, reason: DeathReason, now: u64) -> Vec<Death> {
    let mut deaths = message.deaths.as_deref().cloned().unwrap_or_default();
    let known = deaths.iter().position(|death| death.queue == *queue && death.reason == reason);
    let latest = match known {
        Some(at) => {
            let mut death = deaths.remove(at);
            death.count += 1;
            death
        }
        None => record_new(message, queue, reason, now),
    };
    deaths.insert(0, latest);
    deaths
}

/// Whether the message died in `target` before and no client rejected it since then (or then).
fn closes_cycle(target: &Name, deaths: &[Death]) -> bool {
    match deaths.iter().position(|death| death.queue == *target) {
        None => false,
        Some(at) => deaths[..=at].iter().all(|death| death.reason != DeathReason::Rejected),
    }
}

/// The message as it is published to the dead letter exchange.
fn with_deaths(message: &Message, deaths: &[Death]) -> Message {
    let mut message = message.clone();
    message.properties.expiration = None;
    if let [first] = deaths
        && first.count == 1
    {
        message.headers.set("x-first-death-exchange", &*first.origin.exchange);
        message.headers.set("x-first-death-queue", &*first.queue);
        message.headers.set("x-first-death-reason", first.reason.as_str());
    }
    message.headers.set("x-death", deaths.iter().map(Death::to_value).collect::<Vec<Value>>());
    message
}

impl Death {
    fn to_value(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("count".into(), self.count.into());
        entry.insert("reason".into(), self.reason.as_str().into());
        entry.insert("queue".into(), (&*self.queue).into());
        entry.insert("time".into(), self.time.into());
        entry.insert("exchange".into(), (&*self.origin.exchange).into());
        entry.insert("routing-keys".into(), vec![Value::from(&*self.origin.routing_key)].into());
        if let Some(expiration) = self.original_expiration {
            entry.insert("original-expiration".into(), expiration.to_string().into());
        }
        entry.into()
    }
}

//! What classic queues return, counted.
//!
//! A quorum queue says how often it has returned a message; a classic queue says no more than that it has. So a worker that
//! is given a message again leaves a mark of that in a queue beside, the message's tally, before it hands the message over;
//! declaring the tally tells how many marks there are. After `task_delivery_limit` returns the message is a dead letter.
//! The message itself is not touched and keeps its place, and Celery's workers see nothing of it.
//!
//! - A tally is there while a message is on its way again, and deleted with its ack. Those that are left behind expire.
//! - What is not due yet has not been begun, and is not counted.
//! - Where there is no tally (declaring one is not allowed, the broker is short of memory, it answers late, too many
//!   messages come back at once) the message is handed over uncounted: counting never costs a message, and a message that
//!   kills workers is the first in line, so it is counted the next time.

use super::deliveries::Held;
use super::shell::{Shell, TALLIES};
use crate::broker::amqp::{DeliveryTag, Name};
use crate::env::amqp::{AmqpError, Reply, Request};
use crate::message::{DeliveryMode, Message, Properties, Table, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// AMQP's code for what a user may not do.
const ACCESS_REFUSED: u16 = 403;
/// Tallies of one connection at most.
const MOST: usize = 100;
/// How long a tally outlives its last mark, milliseconds.
const KEPT: u64 = 24 * 3_600_000;
/// How long a message may wait to be counted.
const LIMIT: Duration = Duration::from_secs(5);

/// What became of a delivery.
#[derive(Clone, Copy)]
pub(super) enum Settled {
    /// It is not delivered again.
    ForGood,
    /// It comes back.
    Returned,
    /// It comes back, and nobody has begun it.
    Untouched,
}

/// What is counted on a connection.
#[derive(Default)]
pub(super) struct Tallies {
    /// By the deliveries that were counted.
    of: BTreeMap<DeliveryTag, Name>,
    /// Their channel, once it is open: what is refused costs it, and the next tally opens another.
    channel: Rc<OnceCell<()>>,
    /// The server does not let this client declare them.
    refused: bool,
}

/// The tally of a message of `queue`: of this attempt, whose message is a new one.
fn name(queue: &str, message: &Message) -> Option<Name> {
    let id = message.properties.correlation_id.as_deref()?;
    let retries = message.headers.get("retries").and_then(Value::as_u64).unwrap_or_default();
    let name = format!("{queue}.returned.{id}.{retries}");
    // AMQP has no room for a longer one.
    (name.len() <= 255).then(|| name.into())
}

fn declaration(queue: Name) -> Request {
    let mut arguments = Table::default();
    arguments.set("x-queue-type", "classic");
    arguments.set("x-expires", KEPT);
    Request::DeclareQueue { queue, passive: false, durable: true, exclusive: false, auto_delete: false, arguments }
}

fn mark() -> Message {
    let properties = Properties { delivery_mode: DeliveryMode::Transient, ..Properties::default() };
    Message { properties, ..Message::default() }
}

impl Shell {
    /// The tally in which to count a message that has come back to a classic queue; `None`: it is not counted.
    pub(super) fn tally_of(&self, held: &Held) -> Option<Name> {
        let eta = held.message.headers.get("eta").and_then(Value::as_str);
        let is_due = eta.and_then(|eta| Timestamp::parse(eta).ok()).is_none_or(|eta| eta <= self.env.wall());
        let tallies = self.tallies.borrow();
        let can = !tallies.refused && tallies.of.len() < MOST && self.blocked.borrow().is_none();
        let wanted = can && is_due && self.policy.counts_returns(&held.queue);
        wanted.then(|| name(&held.queue, &held.message)).flatten()
    }

    /// A delivery is about to be counted.
    pub(super) fn begin_count(&self, tag: DeliveryTag, tally: &Name) {
        self.tallies.borrow_mut().of.insert(tag, tally.clone());
    }

    /// Counts a delivery; tells how often it has come back.
    pub(super) async fn count(&self, tally: &Name) -> Option<u32> {
        let counted = self.env.timeout(LIMIT, self.leave_mark(tally)).await;
        let why = match counted {
            Ok(Ok(count)) => return Some(count),
            Ok(Err(why)) => why,
            Err(_) => format!("no answer within {LIMIT:?}"),
        };
        if self.connection.is_open() && !self.tallies.borrow().refused {
            tracing::warn!(%tally, why, "a message that came back is not counted");
        }
        None
    }

    async fn leave_mark(&self, tally: &Name) -> Result<u32, String> {
        let channel = self.tallies.borrow().channel.clone();
        let open = async || self.connection.ask(TALLIES, Request::OpenChannel).await.map(drop);
        channel.get_or_try_init(open).await.map_err(|error| error.to_string())?;
        let declared = self.connection.ask(TALLIES, declaration(tally.clone())).await;
        let Reply::Declared { messages, .. } = declared.map_err(|error| self.no_tally(error))? else {
            return Err("the server does not say how many marks there are".to_owned());
        };
        self.publish_safely(tally, mark()).await?;
        Ok(messages.saturating_add(1))
    }

    fn no_tally(&self, error: AmqpError) -> String {
        let why = error.to_string();
        if matches!(error, AmqpError::Closed { code: ACCESS_REFUSED, .. }) {
            let known = std::mem::replace(&mut self.tallies.borrow_mut().refused, true);
            if !known {
                tracing::warn!(why, "classic queues have no delivery limit: this user may not declare tallies");
            }
        }
        why
    }

    /// The server has closed their channel.
    pub(super) fn tallies_closed(&self) {
        self.tallies.borrow_mut().channel = Rc::default();
    }

    /// A delivery is settled.
    pub(super) fn uncount(self: &Rc<Self>, tag: DeliveryTag, why: Settled) {
        let Some(tally) = self.tallies.borrow_mut().of.remove(&tag) else { return };
        let request = match why {
            Settled::ForGood => Request::DeleteQueue(tally),
            Settled::Untouched => Request::Get { queue: tally, no_ack: true },
            Settled::Returned => return,
        };
        let shell = self.clone();
        // Where it fails the tally expires.
        self.env.spawn(async move { drop(shell.connection.ask(TALLIES, request).await) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_has_a_tally_of_its_own() {
        let mut message = Message::default();
        assert_eq!(name("celery", &message), None);
        message.properties.correlation_id = Some("id".into());
        assert_eq!(name("celery", &message).as_deref(), Some("celery.returned.id.0"));
        message.headers.set("retries", 2);
        assert_eq!(name("celery", &message).as_deref(), Some("celery.returned.id.2"));
        assert_eq!(name(&"q".repeat(250), &message), None);
    }
}

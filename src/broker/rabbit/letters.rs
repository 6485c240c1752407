//! Dead letters: published to their queue and confirmed there before the original is acked.
//!
//! A crash between the two leaves both, a failure the original: a dead letter may be there twice, and is never lost.

use super::deliveries::Held;
use super::shell::{LETTERS, Shell};
use super::tallies::Settled;
use crate::broker::amqp::DeliveryTag;
use crate::env::amqp::Method;
use crate::message::Message;
use crate::planted::{Fault as Planted, planted};
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Dead letters and marks under way, by the numbers of their publishes.
#[derive(Default)]
pub(super) struct Letters {
    published: u64,
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    queue: Arc<str>,
    id: Option<Arc<str>>,
    returned: bool,
    told: oneshot::Sender<Result<(), String>>,
}

impl Letters {
    /// Nobody consumes from a queue of that name.
    pub(super) fn returned(&mut self, queue: &str, id: Option<&str>) {
        let meant =
            |waiting: &&mut Waiting| !waiting.returned && *waiting.queue == *queue && waiting.id.as_deref() == id;
        self.waiting.values_mut().find(meant).into_iter().for_each(|waiting| waiting.returned = true);
    }

    pub(super) fn confirmed(&mut self, tag: u64, multiple: bool, taken: bool) {
        let later = self.waiting.split_off(&(tag + 1));
        let mut done = std::mem::replace(&mut self.waiting, later);
        if !multiple {
            let last = done.remove(&tag);
            self.waiting.append(&mut done);
            done.extend(last.map(|last| (tag, last)));
        }
        for waiting in done.into_values() {
            let result = match (taken, waiting.returned) {
                (true, false) => Ok(()),
                (true, true) => Err("the queue does not exist".to_owned()),
                (false, _) => Err("the server refused it".to_owned()),
            };
            // Whoever waited may be gone with the connection.
            let _ = waiting.told.send(result);
        }
    }
}

impl Shell {
    /// Makes a dead letter of a delivery, in the background.
    pub(super) fn bury(self: &Rc<Self>, tag: DeliveryTag, held: Held, to: Arc<str>, reason: &'static str) {
        self.burying.set(self.burying.get() + 1);
        let shell = self.clone();
        self.env.spawn(async move {
            let is_early = planted(Planted::AckBeforeDeadLetter);
            if is_early {
                shell.acks.borrow_mut().ack(tag);
                shell.flush();
            }
            let seconds = shell.env.wall().as_micros() / 1_000_000;
            match shell.publish_safely(&to, dead(&held, reason, seconds)).await {
                Ok(()) if is_early => {}
                Ok(()) => {
                    shell.acks.borrow_mut().ack(tag);
                    shell.flush();
                    shell.uncount(tag, Settled::ForGood);
                }
                // It comes back when this connection ends.
                Err(why) => tracing::error!(queue = %held.queue, %to, why, "no dead letter; the message stays unacked"),
            }
            shell.burying.set(shell.burying.get() - 1);
            shell.idle.notify_one();
        });
    }

    /// Publishes to a queue; completes when it is safe there.
    pub(super) async fn publish_safely(&self, to: &Arc<str>, message: Message) -> Result<(), String> {
        let message = Arc::new(message);
        let id = message.properties.correlation_id.clone();
        let method = Method::Publish { exchange: "".into(), routing_key: to.clone(), mandatory: true, message };
        let (told, answer) = oneshot::channel();
        self.connection.write(LETTERS, method).map_err(|error| error.to_string())?;
        {
            let mut letters = self.letters.borrow_mut();
            letters.published += 1;
            let tag = letters.published;
            letters.waiting.insert(tag, Waiting { queue: to.clone(), id, returned: false, told });
        }
        answer.await.unwrap_or_else(|_| Err("the connection is gone".to_owned()))
    }
}

/// The same message as a dead letter, with RabbitMQ's headers of a first death.
fn dead(held: &Held, reason: &str, seconds: i64) -> Message {
    let Held { queue, exchange, routing_key, message } = held;
    let mut dead = Message::clone(message);
    // It died: it is not to die of old age as well.
    dead.properties.expiration = None;
    for (name, value) in [
        ("x-first-death-exchange", json!(**exchange)),
        ("x-first-death-queue", json!(**queue)),
        ("x-first-death-reason", json!(reason)),
        (
            "x-death",
            json!([{
                "count": 1, "reason": reason, "queue": **queue, "time": seconds, "exchange": **exchange,
                "routing-keys": [**routing_key],
            }]),
        ),
    ] {
        dead.headers.set(name, value);
    }
    dead
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(letters: &mut Letters, id: &str) -> oneshot::Receiver<Result<(), String>> {
        let (told, answer) = oneshot::channel();
        letters.published += 1;
        let waiting = Waiting { queue: "dead".into(), id: Some(id.into()), returned: false, told };
        letters.waiting.insert(letters.published, waiting);
        answer
    }

    #[test]
    fn confirms_reach_their_letters_only() {
        let mut letters = Letters::default();
        let mut answers: Vec<_> = ["a", "b", "c", "d"].map(|id| waiting(&mut letters, id)).into();
        letters.returned("dead", Some("b"));
        letters.confirmed(3, false, false);
        letters.confirmed(2, true, true);
        let told: Vec<_> = answers.iter_mut().map(|answer| answer.try_recv().ok().map(|told| told.is_ok())).collect();
        assert_eq!(told, [Some(true), Some(false), Some(false), None]);
        assert_eq!(letters.waiting.len(), 1);
    }
}

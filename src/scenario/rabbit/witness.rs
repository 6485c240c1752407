//! What the engine's movements mean for tasks, for the ledger.
//!
//! A dead letter of the adapter's is two steps to the server: a publish with the headers of a death, and an ack. The
//! second is told as what it is.

use crate::broker::amqp::{DropReason, Movement};
use crate::broker::server::{task_id, what};
use crate::env::Env;
use crate::events::{Event, What};
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Witness {
    /// Published as dead letters: the task, its queue, and why; their originals are still there.
    buried: Vec<(Arc<str>, String, DropReason)>,
}

impl Witness {
    pub(super) fn see(&mut self, movement: Movement<'_>, env: &Env) {
        let (message, mut what) = what(movement);
        // A mark in a tally is no task.
        if message.body.is_empty() && message.headers.is_empty() {
            return;
        }
        let id = task_id(message);
        match movement {
            Movement::Queued { queue, .. } => {
                let header = |name: &str| message.headers.get(name).and_then(|value| value.as_str());
                if let (Some(from), Some(why)) = (header("x-first-death-queue"), header("x-first-death-reason"))
                    && *from != **queue
                {
                    let why = if why == "rejected" { DropReason::Rejected } else { DropReason::DeliveryLimit };
                    self.buried.push((id.into(), from.to_owned(), why));
                }
            }
            Movement::Acked { queue, .. } => {
                let meant = |(buried, from, _): &(Arc<str>, String, DropReason)| **buried == *id && **from == **queue;
                if let Some(at) = self.buried.iter().position(meant) {
                    what = What::DeadLettered { queue, why: self.buried.remove(at).2 };
                }
            }
            _ => {}
        }
        env.emit(&Event { id, what });
    }
}

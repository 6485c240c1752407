//! Where a run could have gone another way: choices whose other outcome would be seen by somebody.
//!
//! Processes share nothing but messages. So it makes no difference which of two ready tasks of different processes runs
//! first, nor which of two messages to different processes arrives first: such choices commute, and of the orders that
//! come out the same only one needs a run (Mazurkiewicz traces; Godefroid, "Partial-order methods", 1996). What is left
//! are two tasks of one process, and two messages to one process on different connections, each of which keeps its own
//! order.

use crate::process::ProcessId;

/// Another outcome of one choice, as a pin (see [`crate::Pins`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Position of the choice among all choices of the run.
    pub position: u64,
    /// What to pin.
    pub pin: Pin,
}

/// One pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The choice of that number among ready tasks falls on that rank.
    Task {
        /// Which choice, from 0.
        number: u64,
        /// By how long they had waited.
        rank: u64,
    },
    /// The message of that number travels that much longer.
    Delay {
        /// Which message, from 0.
        number: u64,
        /// Nanoseconds.
        nanos: u64,
    },
}

struct Message {
    position: u64,
    number: u64,
    to: ProcessId,
    link: u64,
    at: u64,
    most: u64,
}

/// Notes alternatives while a run goes on.
#[derive(Default)]
pub(crate) struct Alternatives {
    position: u64,
    tasks: Vec<Alternative>,
    messages: Vec<Message>,
}

impl Alternatives {
    /// A choice among tasks of these processes, by how long they had waited.
    pub(crate) fn task(&mut self, number: u64, owners: &[Option<ProcessId>]) {
        let position = self.next();
        for (rank, owner) in owners.iter().enumerate().skip(1) {
            if owner.is_some() && owners[..rank].contains(owner) {
                self.tasks.push(Alternative { position, pin: Pin::Task { number, rank: rank as u64 } });
            }
        }
    }

    /// A message that arrives at `at`, and could arrive up to `most` later.
    pub(crate) fn message(&mut self, number: u64, to: ProcessId, link: u64, at: u64, most: u64) {
        let position = self.next();
        self.messages.push(Message { position, number, to, link, at, most });
    }

    fn next(&mut self) -> u64 {
        self.position += 1;
        self.position - 1
    }

    /// All of them, in the order of their choices.
    pub(crate) fn all(&self) -> Vec<Alternative> {
        let mut by_arrival: Vec<&Message> = self.messages.iter().collect();
        by_arrival.sort_by_key(|message| (message.to, message.at, message.position));
        let mut all = self.tasks.clone();
        for (index, message) in by_arrival.iter().enumerate() {
            let latest = message.at.saturating_add(message.most);
            let later = by_arrival[index + 1..].iter().take_while(|other| other.to == message.to && other.at <= latest);
            if later.into_iter().any(|other| other.link != message.link) {
                let pin = Pin::Delay { number: message.number, nanos: message.most };
                all.push(Alternative { position: message.position, pin });
            }
        }
        all.sort_by_key(|alternative| alternative.position);
        all
    }
}

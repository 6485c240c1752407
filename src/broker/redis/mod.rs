//! Redis as a broker, on kombu's keys: Celery's processes and simq's share queues.
//!
//! A connection to Redis is presented as one to an AMQP broker, as kombu does for Celery: the broker actor sends methods
//! over a link, and here a virtual channel turns them into commands. Acks are therefore client-side code, and all of it is
//! here.
//!
//! A message is in a list, or, delivered and not acked, in the hash `unacked` with its time in `unacked_index`. Whoever
//! looks into that index restores what is overdue, whoever held it. A worker that consumes with `atomic`:
//!
//! - moves messages from list to hash in one step (`scripts/take.lua`), so that none is ever in neither;
//! - records each under a key of its own, which nobody else's ack can mean, and which tells the sweeps of simq that its
//!   holder renews it: after `lease` seconds without, it is restored;
//! - renews what it holds by the server's clock, so that no sweep of Celery's finds it overdue while it lives;
//! - is told by the server when an empty queue gets a message (client-side caching: it has just "read" the lists), and
//!   needs no blocking pop.
//!
//! | file | holds |
//! |---|---|
//! | `channel` and its parts | the virtual channel, a pure state machine |
//! | `layout`, `envelope` and `wire`, `topic`, `policy` | keys, messages, patterns, settings |
//! | `scripts` | what is done as one step |
//! | `shell` | the connection |
//! | `inspect` | a look at queues from outside |

mod channel;
mod envelope;
#[cfg(test)]
mod golden_tests;
mod inspect;
mod layout;
mod policy;
mod publishing;
mod scripts;
mod settling;
mod shell;
mod sweeping;
mod taking;
mod topic;
mod wire;

pub(super) use inspect::inspect;
pub(super) use shell::{Before, connect};

/// The scripts by their names as effects.
#[cfg(feature = "sim")]
pub(crate) fn scripts() -> [(&'static str, crate::redis::Script); 4] {
    scripts::Scripts::named()
}

/// What the keys of simq's records in `unacked` begin with.
const OWN: &str = "simq:";

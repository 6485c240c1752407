//! The embedded broker: an AMQP-0-9-1-like server as a pure state machine.
//!
//! [`Engine`] takes [`Method`]s and the time, and answers into an [`Output`]: [`Event`]s for the clients and
//! [`Movement`]s for whoever keeps a ledger. It has no clock, no I/O, no randomness and no threads, so that the same
//! calls give the same answers everywhere; a connection in front of it is all that a server needs, real or simulated.
//! Its behaviour is RabbitMQ's: classic queues, with the delivery limit of quorum queues. As [`Engine::rabbit`] it is a
//! RabbitMQ 3.10 for the simulated cluster, quorum queues and all, and `tests/rabbit_conformance.rs` compares it with a
//! real node; the module `rabbit` says what is mirrored and what is not.

mod arguments;
mod bindings;
mod change;
mod channel;
mod connection;
mod consumers;
mod consuming;
mod dead_letter;
mod death_header;
mod dispatch;
mod engine;
mod error;
mod exchange;
mod groups;
mod headers;
mod inspect;
mod kept;
mod kept_options;
mod letters;
mod line;
#[cfg_attr(not(feature = "sim"), allow(dead_code, reason = "only a simulated disk loses what it has not synced"))]
mod lost;
#[allow(missing_docs, reason = "fields carry the names of AMQP; each variant says what they mean")]
mod method;
mod names;
mod output;
mod packed;
mod publishing;
mod queue;
mod quorum;
mod rabbit;
#[allow(missing_docs, reason = "fields carry the names of AMQP; each variant says what they mean")]
mod rare;
mod ready;
mod recovery;
mod restart;
mod settling;
mod slots;
mod stored;
mod topic;
mod topology;
mod unacked;

pub use change::Change;
pub use channel::ChannelId;
pub use engine::Engine;
pub use inspect::{QueueStats, ReadyMessage, UnackedMessage};
#[cfg(feature = "sim")]
pub(crate) use lost::Undo;
pub use method::{
    Delivery, DeliveryTag, Event, ExchangeKind, Method, Name, Overflow, QueueOptions, Refusal, closes_connection,
};
pub use output::{DeathReason, DropReason, Movement, Output};
pub use rabbit::RabbitConfig;
pub use rare::{Binding, ConsumeOptions, Destination, Rare};
pub(crate) use recovery::Recovery;

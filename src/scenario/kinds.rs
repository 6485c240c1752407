//! What can go wrong, by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The faults.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// SIGKILL; the kernel closes the connections.
    Kill,
    /// The machine is gone: nobody is told.
    PowerOff,
    /// Start the process again.
    Restart,
    /// SIGKILL by the kernel, out of memory: of the process, or of a pool child with `child`.
    OutOfMemory,
    /// SIGKILL to one pool child.
    KillChild,
    /// SIGSTOP.
    Pause,
    /// SIGCONT.
    Resume,
    /// A signal, perhaps with SIGKILL after a grace period.
    Signal,
    /// Reset all connections between two hosts.
    Reset,
    /// All connections between two hosts go silent; neither side is told.
    HalfOpen,
    /// Nothing gets through between two hosts.
    Partition,
    /// The partition is over.
    Heal,
    /// Messages between two hosts take longer.
    Latency,
    /// A host takes one message per `pace` from each connection.
    SlowConsumer,
    /// At an effect: the peer acts on the message, but its answer is lost and the connection with it.
    LoseReply,
    /// At an effect that publishes: the message arrives twice.
    Duplicate,
    /// The wall clock of a host jumps, and stays so.
    ClockStep,
    /// The disk of a dead process is emptied.
    WipeDisk,
    /// The RabbitMQ on the host `broker` is short of memory: it takes no messages.
    MemoryAlarm,
    /// The disk of the RabbitMQ on the host `broker` is full: it takes no messages.
    DiskAlarm,
    /// The node of the RabbitMQ cluster behind the host `broker` dies that clients are connected to; the others go on.
    FailOver,
    /// A message with a body that nobody can read is put into a queue.
    Poison,
}

/// Signals.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
pub(crate) enum SignalName {
    /// Warm shutdown.
    #[serde(rename = "SIGTERM")]
    Term,
    /// Warm shutdown, cold when repeated.
    #[serde(rename = "SIGINT")]
    Int,
    /// Cold shutdown.
    #[serde(rename = "SIGQUIT")]
    Quit,
}

impl Kind {
    /// The kind of that name.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        Kind::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name)).ok()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

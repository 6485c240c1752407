//! Faults in words, and how long they go on.

use super::Fault;
use crate::process::Signal;
use std::fmt;
use std::time::Duration;

impl Fault {
    /// How long after it strikes it still has something in store: the end of what lasts, a kill after a grace period, the
    /// second half of a [`Fault::Then`].
    pub fn aftermath(&self) -> Duration {
        match self {
            Fault::Pause { lasting, .. }
            | Fault::Partition { lasting, .. }
            | Fault::Latency { lasting, .. }
            | Fault::SlowConsumer { lasting, .. }
            | Fault::Signal { grace: lasting, .. } => lasting.unwrap_or_default(),
            Fault::Then { first, after, next } => first.aftermath().max(after.saturating_add(next.aftermath())),
            _ => Duration::ZERO,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Kill { process } => write!(f, "kill {process}"),
            Fault::Vanish { process } => write!(f, "power off {process}"),
            Fault::Restart { process } => write!(f, "restart {process}"),
            Fault::WipeDisk { process } => write!(f, "wipe the disk of {process}"),
            Fault::Pause { process, .. } => write!(f, "pause {process}"),
            Fault::Resume { process } => write!(f, "resume {process}"),
            Fault::Signal { process, signal: Signal::Custom(what), .. } => write!(f, "{what} of {process}"),
            Fault::Signal { process, signal, .. } => write!(f, "signal {signal:?} to {process}"),
            Fault::KillChild { process, .. } => write!(f, "kill a child of {process}"),
            Fault::OutOfMemory { process, child: false } => write!(f, "out of memory: kill {process}"),
            Fault::OutOfMemory { process, child: true } => write!(f, "out of memory: kill a child of {process}"),
            Fault::Reset { between: [a, b] } => write!(f, "reset {a} - {b}"),
            Fault::HalfOpen { between: [a, b] } => write!(f, "half-open {a} - {b}"),
            Fault::Partition { between: [a, b], both: true, .. } => write!(f, "partition {a} | {b}"),
            Fault::Partition { between: [a, b], both: false, .. } => write!(f, "partition {a} -> {b}"),
            Fault::Heal { between: [a, b] } => write!(f, "heal {a} - {b}"),
            Fault::Latency { between: [a, b], base, .. } => write!(f, "latency {base:?} {a} - {b}"),
            Fault::SlowConsumer { process, pace, .. } => write!(f, "{process} takes a message per {pace:?}"),
            Fault::StepClock { process, by_nanos } => {
                write!(f, "clock of {process} steps {:+.3} s", *by_nanos as f64 / 1e9)
            }
            Fault::Then { first, after, next } => write!(f, "{first}, and {after:?} later {next}"),
            Fault::LoseReply => f.write_str("lose the reply"),
            Fault::Duplicate => f.write_str("duplicate the message"),
        }
    }
}

//! Faults that struck, as the signature of a failure tells them: what, and to which part of the cluster. `w1` or `w7` makes
//! no difference.

use crate::scenario::cluster::{BACKEND, BROKER, Plan};
use crate::scenario::ledger::Nanos;
use crate::scenario::redis::{REPLICA, SENTINEL};
use simq_sim::{Fault, Signal};
use std::time::Duration;

/// A fault and whom it struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Struck {
    kind: &'static str,
    /// Processes. Of a fault that acts on a message, its sender; until that is known, nobody.
    pub(super) victims: Vec<String>,
    pub(super) at: Nanos,
    /// As long as it holds.
    pub(super) until: Nanos,
}

impl Struck {
    /// A fault that struck at this time, where it took the life of one child of a process that is given.
    pub(super) fn of(fault: &Fault, at: Nanos, child: Option<&str>) -> Struck {
        let one = |process: &str| vec![process.to_owned()];
        let child_of = |process: &str| one(child.unwrap_or(process));
        let for_good = |lasting: Option<Duration>| match lasting {
            Some(lasting) => at.saturating_add(Nanos::try_from(lasting.as_nanos()).unwrap_or(Nanos::MAX)),
            None => Nanos::MAX,
        };
        let (kind, victims, until) = match fault {
            Fault::Then { first, .. } => return Struck::of(first, at, child),
            Fault::Kill { process } => ("kill", one(process), at),
            Fault::Vanish { process } => ("power_off", one(process), at),
            Fault::Restart { process } => ("restart", one(process), at),
            Fault::WipeDisk { process } => ("wipe_disk", one(process), at),
            Fault::Pause { process, lasting } => ("pause", one(process), for_good(*lasting)),
            Fault::Resume { process } => ("resume", one(process), at),
            // What a server is told holds until it is told otherwise.
            Fault::Signal { process, signal: Signal::Custom(what), .. } => (*what, one(process), Nanos::MAX),
            Fault::Signal { process, signal, grace, .. } => (signal_name(*signal), one(process), for_good(*grace)),
            Fault::KillChild { process, .. } => ("kill", child_of(process), at),
            Fault::OutOfMemory { process, child: true } => ("out_of_memory", child_of(process), at),
            Fault::OutOfMemory { process, .. } => ("out_of_memory", one(process), at),
            Fault::Reset { between } => ("reset", between.to_vec(), at),
            Fault::HalfOpen { between } => ("half_open", between.to_vec(), Nanos::MAX),
            Fault::Partition { between, lasting, .. } => ("partition", between.to_vec(), for_good(*lasting)),
            Fault::Heal { between } => ("heal", between.to_vec(), at),
            Fault::Latency { between, lasting, .. } => ("latency", between.to_vec(), for_good(*lasting)),
            Fault::SlowConsumer { process, lasting, .. } => ("slow_consumer", one(process), for_good(*lasting)),
            Fault::StepClock { process, .. } => ("clock_step", one(process), Nanos::MAX),
            Fault::LoseReply => ("lose_reply", Vec::new(), at),
            Fault::Duplicate => ("duplicate", Vec::new(), at),
        };
        Struck { kind, victims, at, until }
    }

    /// A clock that is wrong is wrong for all that this host does to the tasks of others.
    pub(super) fn is_of_a_clock(&self) -> bool {
        self.kind == "clock_step"
    }

    /// The kind and the parts that its victims have: `kill worker`, `reset worker-broker`.
    pub(super) fn words(&self, plan: &Plan) -> String {
        let mut parts: Vec<&str> = self.victims.iter().map(|victim| part(victim, plan)).collect();
        parts.sort_by_key(|part| (is_server(part), *part));
        format!("{} {}", self.kind, parts.join("-")).trim_end().to_owned()
    }
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Terminate => "SIGTERM",
        Signal::Interrupt => "SIGINT",
        Signal::Quit => "SIGQUIT",
        Signal::User1 => "SIGUSR1",
        Signal::User2 => "SIGUSR2",
        Signal::Custom(what) => what,
    }
}

/// Whether a host has every task in its hands.
pub(super) fn is_server(process: &str) -> bool {
    matches!(process, BROKER | BACKEND | REPLICA | SENTINEL)
}

/// The part that a process has in a cluster.
fn part<'a>(process: &'a str, plan: &Plan) -> &'a str {
    match process {
        server if is_server(server) => server,
        child if child.contains('/') => "child",
        worker if plan.workers.iter().any(|known| known.name == worker) => "worker",
        beat if plan.beats.iter().any(|known| known == beat) => "beat",
        _ => "client",
    }
}

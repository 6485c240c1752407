//! The faults that strike at an effect.

use super::Point;
use crate::scenario::cluster::{BACKEND, BROKER, When};
use simq_sim::{Fault, Point as Place, Trigger};
use std::time::Duration;

/// What happens at an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The process is killed, and the effect does not happen.
    KillBefore,
    /// The process is killed when it has happened.
    KillAfter,
    /// The worker of a pool child is killed, and with it the child, before the child's effect.
    KillWorkerBefore,
    /// The same after it.
    KillWorkerAfter,
    /// The peer gets the message and acts on it; its answer is lost, and the connection.
    LoseReply,
}

impl Blow {
    /// All of them.
    pub const ALL: [Blow; 5] =
        [Blow::KillBefore, Blow::KillAfter, Blow::KillWorkerBefore, Blow::KillWorkerAfter, Blow::LoseReply];

    /// In words, to stand between a process and an effect.
    pub fn name(self) -> &'static str {
        match self {
            Blow::KillBefore => "killed before",
            Blow::KillAfter => "killed after",
            Blow::KillWorkerBefore => "with its worker killed before",
            Blow::KillWorkerAfter => "with its worker killed after",
            Blow::LoseReply => "loses the reply to",
        }
    }

    /// Whether it makes sense there. Only clients of servers wait for replies.
    pub(super) fn fits(self, process: &str, effect: &str) -> bool {
        match self {
            Blow::KillBefore | Blow::KillAfter => true,
            Blow::KillWorkerBefore | Blow::KillWorkerAfter => process.contains('/'),
            Blow::LoseReply => {
                let is_server = process == BROKER || process == BACKEND;
                !is_server && !["pool.", "disk."].iter().any(|family| effect.starts_with(family))
            }
        }
    }
}

impl Point {
    /// The fault as it stands in a scenario file.
    pub fn as_fault(&self, restart_after: Option<Duration>) -> String {
        let place = match self.blow {
            Blow::KillAfter | Blow::KillWorkerAfter => "after",
            Blow::KillBefore | Blow::KillWorkerBefore | Blow::LoseReply => "before",
        };
        let victim = match self.blow {
            Blow::KillWorkerBefore | Blow::KillWorkerAfter => self.host(),
            _ => &self.process,
        };
        let what = if self.blow == Blow::LoseReply { "lose_reply" } else { "kill" };
        let restarts = self.blow != Blow::LoseReply && !victim.contains('/');
        let restart = restart_after.filter(|_| restarts);
        let restart = restart.map(|after| format!("restart_after = \"{}\"\n", humantime::format_duration(after)));
        format!(
            "[[fault]]\ndo = \"{what}\"\nprocess = \"{victim}\"\nof = \"{}\"\n{place} = \"{}\"\nnth = {}\n{}",
            self.process,
            self.effect,
            self.nth,
            restart.unwrap_or_default()
        )
    }
}

pub(super) fn fault(point: &Point, restart_after: Option<Duration>) -> (When, Fault) {
    let place = match point.blow {
        Blow::KillBefore | Blow::KillWorkerBefore | Blow::LoseReply => Place::Before,
        Blow::KillAfter | Blow::KillWorkerAfter => Place::After,
    };
    let victim = match point.blow {
        Blow::KillWorkerBefore | Blow::KillWorkerAfter => point.host(),
        _ => &point.process,
    };
    let effect = Some(point.effect.to_owned());
    let trigger = Trigger { process: point.process.clone(), point: place, effect, nth: point.nth };
    let kill = Fault::Kill { process: victim.to_owned() };
    let fault = match restart_after {
        _ if point.blow == Blow::LoseReply => Fault::LoseReply,
        Some(after) if !victim.contains('/') => {
            Fault::Then { first: Box::new(kill), after, next: Box::new(Fault::Restart { process: victim.to_owned() }) }
        }
        _ => kill,
    };
    (When::On(trigger), fault)
}

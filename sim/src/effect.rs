//! Effects: the numbered points at which a process touches the world, and the triggers that wait for them.
//!
//! Processes share nothing but connections and disks, so whatever one of them does to the rest of the world is an
//! effect: a message handed to a connection, a file replaced. "After the third ack was sent" is a trigger.

use crate::fault::Fault;
use std::fmt;

/// Where, around an effect, a trigger strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The process is about to do it; if the fault ends the process, it doesn't happen.
    Before,
    /// It is done: the message is on its way and nothing can call it back.
    After,
    /// A message of that name has just reached the process.
    Receiving,
}

/// A fault that waits for an effect of a process.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Name of the process; `w1/2` for a child.
    pub process: String,
    /// Before, after, or at the arrival.
    pub point: Point,
    /// Name of the effect, for example `basic.ack`; any effect when `None`.
    pub effect: Option<String>,
    /// Which of them, from 1, counted over all lives of that name, from when the trigger was set.
    pub nth: u64,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = match self.point {
            Point::Before => "before",
            Point::After => "after",
            Point::Receiving => "receiving",
        };
        let effect = self.effect.as_deref().unwrap_or("effect");
        write!(f, "{point} {effect} number {} of {}", self.nth, self.process)
    }
}

struct Armed {
    trigger: Trigger,
    seen: u64,
    fault: Option<(usize, Fault)>,
}

/// All triggers of a world.
#[derive(Default)]
pub(crate) struct Effects(Vec<Armed>);

impl Effects {
    pub(crate) fn arm(&mut self, trigger: Trigger, plan: usize, fault: Fault) {
        self.0.push(Armed { trigger, seen: 0, fault: Some((plan, fault)) });
    }

    pub(crate) fn watches(&self, process: &str) -> bool {
        self.0.iter().any(|armed| armed.trigger.process == process && armed.fault.is_some())
    }

    /// Counts an effect and returns the faults that it sets off.
    pub(crate) fn happen(&mut self, process: &str, point: Point, effect: &str) -> Vec<(usize, Fault)> {
        let mut due = Vec::new();
        for armed in &mut self.0 {
            let trigger = &armed.trigger;
            let named = trigger.effect.as_deref().is_none_or(|wanted| wanted == effect);
            if trigger.point == point && named && trigger.process == process && armed.fault.is_some() {
                armed.seen += 1;
                if armed.seen == trigger.nth {
                    due.extend(armed.fault.take());
                }
            }
        }
        due
    }
}

//! Faults drawn at random, as a scenario file would have them.

use super::space::Space;
use crate::scenario::kinds::Kind;
use crate::scenario::ledger::Nanos;
use simq_sim::Prng;
use std::time::Duration;
use toml::{Table, Value};

/// Where a fault is to be put.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// At any time within the window, or at any effect.
    Anywhere,
    /// At this time or shortly after, preferably to this process.
    Near(Nanos, &'a str),
}

const KINDS: [Kind; 14] = [
    Kind::Kill,
    Kind::PowerOff,
    Kind::OutOfMemory,
    Kind::KillChild,
    Kind::Pause,
    Kind::Signal,
    Kind::Reset,
    Kind::HalfOpen,
    Kind::Partition,
    Kind::Latency,
    Kind::SlowConsumer,
    Kind::LoseReply,
    Kind::Duplicate,
    Kind::ClockStep,
];

impl Kind {
    /// Kinds that can be drawn.
    pub(crate) fn drawn() -> &'static [Kind] {
        &KINDS
    }

    /// Whether it can be drawn.
    pub(crate) fn can_be_drawn(self) -> bool {
        KINDS.contains(&self)
    }
}

/// How long something takes, in milliseconds: from a moment to longer than most timeouts.
const SPANS: [u64; 6] = [10, 100, 1_000, 5_000, 30_000, 120_000];

/// A fault of that kind; `None` when the space has nothing that it could strike.
pub(super) fn draw(kind: Kind, space: &Space, place: Place<'_>, random: &mut Prng) -> Option<Table> {
    let mut fault = Table::new();
    fault.insert("do".to_owned(), Value::try_from(kind).ok()?);
    match kind {
        Kind::Reset | Kind::HalfOpen | Kind::Partition | Kind::Latency => {
            let [a, b] = pick_link(space, place, random)?;
            fault.insert("hosts".to_owned(), vec![a.clone(), b].into());
            draw_when(&mut fault, space, place, random, &a);
        }
        Kind::LoseReply | Kind::Duplicate => {
            let process = pick_process(space, place, random)?;
            let most = space.effects.get(&process).copied().filter(|count| *count > 0)?;
            at_effect(&mut fault, "before", &process, random.between(1, most));
        }
        Kind::KillChild => {
            let process = pick_process(space, place, random).filter(|process| space.parents.contains(process))?;
            fault.insert("process".to_owned(), process.clone().into());
            draw_when(&mut fault, space, place, random, &process);
        }
        _ => {
            let process = pick_process(space, place, random)?;
            fault.insert("process".to_owned(), process.clone().into());
            draw_when(&mut fault, space, place, random, &process);
        }
    }
    let mut set = |key: &str, value: String| {
        fault.insert(key.to_owned(), value.into());
    };
    match kind {
        Kind::Kill | Kind::PowerOff | Kind::OutOfMemory => set("restart_after", span(random, &SPANS[1..5])),
        Kind::Signal => {
            set("grace", span(random, &SPANS[1..5]));
            set("restart_after", span(random, &SPANS[1..4]));
        }
        Kind::Pause | Kind::Partition => set("for", span(random, &SPANS)),
        Kind::Latency => {
            set("latency", span(random, &SPANS[..4]));
            set("for", span(random, &SPANS[2..]));
        }
        Kind::SlowConsumer => {
            set("pace", span(random, &SPANS[..3]));
            set("for", span(random, &SPANS[2..]));
        }
        Kind::ClockStep => {
            let sign = if random.below(2) == 0 { '+' } else { '-' };
            set("by", format!("{sign}{}", span(random, &SPANS[2..])));
        }
        _ => {}
    }
    Some(fault)
}

fn span(random: &mut Prng, millis: &[u64]) -> String {
    let at = random.below(millis.len() as u64) as usize;
    text(millis[at] * 1_000_000)
}

/// A duration as files have it, to the microsecond.
pub(super) fn text(nanos: Nanos) -> String {
    humantime::format_duration(Duration::from_micros(nanos / 1_000)).to_string()
}

fn pick<'a, T>(from: &'a [T], random: &mut Prng) -> Option<&'a T> {
    from.get(random.below(from.len() as u64) as usize)
}

/// The host of the process near which it is to be, most of the time.
fn pick_process(space: &Space, place: Place<'_>, random: &mut Prng) -> Option<String> {
    if let Place::Near(_, process) = place {
        let host = process.split('/').next().unwrap_or_default();
        if space.processes.iter().any(|name| name == host) && random.below(4) > 0 {
            return Some(host.to_owned());
        }
    }
    pick(&space.processes, random).cloned()
}

fn pick_link(space: &Space, place: Place<'_>, random: &mut Prng) -> Option<[String; 2]> {
    if let Place::Near(_, process) = place {
        let host = process.split('/').next().unwrap_or_default();
        let near: Vec<&[String; 2]> = space.links.iter().filter(|pair| pair.iter().any(|name| name == host)).collect();
        if !near.is_empty() && random.below(4) > 0 {
            return pick(&near, random).map(|pair| (*pair).clone());
        }
    }
    pick(&space.links, random).cloned()
}

/// At a time or, half of the time, at an effect of `process`: what matters happens within microseconds of one.
fn draw_when(fault: &mut Table, space: &Space, place: Place<'_>, random: &mut Prng, process: &str) {
    match place {
        Place::Near(at, _) => {
            let late = match random.below(3) {
                0 => 0,
                1 => random.below(2_000_000),
                _ => random.below(500_000_000),
            };
            let at = at.saturating_add(late).saturating_add(1_000).clamp(space.window.0, space.window.1);
            fault.insert("at".to_owned(), text(at).into());
        }
        Place::Anywhere => match space.effects.get(process) {
            Some(count) if *count > 0 && random.below(2) == 0 => {
                let point = ["before", "after"][random.below(2) as usize];
                at_effect(fault, point, process, random.between(1, *count));
            }
            _ => {
                let (low, high) = space.window;
                fault.insert("at".to_owned(), text(random.between(low, high)).into());
            }
        },
    }
}

fn at_effect(fault: &mut Table, point: &str, process: &str, nth: u64) {
    fault.insert(point.to_owned(), "any".into());
    fault.insert("of".to_owned(), process.to_owned().into());
    fault.insert("nth".to_owned(), Value::Integer(i64::try_from(nth).unwrap_or(i64::MAX)));
}

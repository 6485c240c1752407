//! From a fault in a scenario file to a fault of the world.

use super::check::processes;
use super::cluster::{BROKER, When};
use super::effects::EFFECTS;
use super::format::{FaultEntry, Kind, SignalName};
use super::load::{Scenario, listed, meant};
use super::rabbit::orders;
use super::script::Poison;
use super::servers::ServerKind;
use super::values::{Span, SpanRange, parse_span};
use crate::message::payload::Compression;
use crate::text::Problem;
use simq_sim::{Fault, Point, Prng, Signal, Trigger};
use std::time::Duration;
use toml::Spanned;

/// A fault that the world carries out, or a poisoned message.
pub(crate) enum Compiled {
    Fault(When, Fault),
    Poison(Poison),
}

/// Bytes of the longest body of a `poison` message, before compression.
const MAX_POISON: u64 = 100_000_000;

/// Keys of a fault that not every kind takes.
const OPTIONAL: [&str; 14] = [
    "process",
    "hosts",
    "restart_after",
    "for",
    "signal",
    "grace",
    "group",
    "child",
    "one_way",
    "latency",
    "jitter",
    "pace",
    "by",
    "queue",
];

/// What a kind needs, and what it takes besides.
fn keys(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Kill | Kind::PowerOff => (&["process"], &["restart_after"]),
        Kind::OutOfMemory => (&["process"], &["restart_after", "child"]),
        Kind::Restart | Kind::Resume | Kind::WipeDisk => (&["process"], &[]),
        Kind::KillChild => (&["process"], &["child"]),
        Kind::Pause => (&["process"], &["for"]),
        Kind::Signal => (&["process"], &["signal", "grace", "group", "restart_after"]),
        Kind::Reset | Kind::HalfOpen | Kind::Heal => (&["hosts"], &[]),
        Kind::Partition => (&["hosts"], &["one_way", "for"]),
        Kind::Latency => (&["hosts", "latency"], &["jitter", "for"]),
        Kind::SlowConsumer => (&["process", "pace"], &["for"]),
        Kind::LoseReply | Kind::Duplicate => (&[], &["process"]),
        Kind::ClockStep => (&["process", "by"], &[]),
        Kind::MemoryAlarm | Kind::DiskAlarm | Kind::FailOver => (&[], &["for"]),
        Kind::Poison => (&[], &["queue", "body", "repeat", "content_type", "compression"]),
    }
}

fn given(fault: &FaultEntry) -> Vec<&'static str> {
    let set = [
        fault.process.is_some(),
        fault.hosts.is_some(),
        fault.restart_after.is_some(),
        fault.lasting.is_some(),
        fault.signal.is_some(),
        fault.grace.is_some(),
        fault.group.is_some(),
        fault.child.is_some(),
        fault.one_way.is_some(),
        fault.latency.is_some(),
        fault.jitter.is_some(),
        fault.pace.is_some(),
        fault.by.is_some(),
        fault.queue.is_some(),
    ];
    let mut given: Vec<_> = OPTIONAL.into_iter().zip(set).filter(|(_, set)| *set).map(|(key, _)| key).collect();
    given.extend(fault.body.is_some().then_some("body"));
    given.extend(fault.repeat.is_some().then_some("repeat"));
    given.extend(fault.content_type.is_some().then_some("content_type"));
    given.extend(fault.compression.is_some().then_some("compression"));
    given
}

/// Checks a fault and makes it one of the world's. Times between two are drawn by the seed; `number` is the fault's place
/// in the file.
pub(crate) fn compile(scenario: &Scenario, fault: &FaultEntry, number: usize, seed: u64) -> Result<Compiled, Problem> {
    check_keys(scenario, fault)?;
    let mut random = Prng::new(seed, &format!("fault {number}"));
    if *fault.kind.get_ref() == Kind::Poison {
        if fault.at.is_none() && fault.between.is_none() {
            return Err(scenario.problem(fault.kind.span(), "poison needs `at` or `between`"));
        }
        let When::At(at) = when(scenario, fault, &mut random)? else {
            return Err(scenario.problem(fault.kind.span(), "poison strikes at a time"));
        };
        if fault.queue.as_deref() == Some("") {
            return Err(beside(scenario, fault, "queue", "this name of a queue is empty"));
        }
        return poison(scenario, fault, at).map(Compiled::Poison);
    }
    let strike = strike(scenario, fault)?;
    let when = when(scenario, fault, &mut random)?;
    let on_message = matches!(strike, Fault::LoseReply | Fault::Duplicate);
    if on_message && !matches!(&when, When::On(trigger) if trigger.point == Point::Before) {
        let message = "this fault acts on a message; name it with `before`, for example before = \"basic.publish\"";
        return Err(scenario.problem(fault.kind.span(), message));
    }
    Ok(Compiled::Fault(when, strike))
}

fn poison(scenario: &Scenario, fault: &FaultEntry, at: Duration) -> Result<Poison, Problem> {
    let once = fault.body.clone().map_or_else(|| b"\x80not json".to_vec(), String::into_bytes);
    let times = fault.repeat.as_ref().map_or(1, |repeat| *repeat.get_ref());
    let size = times.saturating_mul(once.len() as u64);
    if let Some(repeat) = fault.repeat.as_ref().filter(|_| times == 0 || size > MAX_POISON) {
        let message = format!("this body would have {size} bytes; expected 1 to {MAX_POISON}");
        return Err(scenario.problem(repeat.span(), message));
    }
    let body = once.repeat(usize::try_from(times).unwrap_or(1));
    let (compression, body) = match &fault.compression {
        None => (None, body),
        Some(name) => {
            let bad = |error: String| scenario.problem(name.span(), error);
            let compression: Compression = name.get_ref().parse().map_err(|error| bad(format!("{error}")))?;
            let body = compression.compress(&body).map_err(|error| bad(error.to_string()))?;
            (Some(compression.content_type()), body)
        }
    };
    let content_type = fault.content_type.clone().unwrap_or_else(|| "application/json".to_owned());
    Ok(Poison { at, queue: fault.queue.clone(), content_type, compression, body: body.into() })
}

/// A problem with a key of a fault.
fn beside(scenario: &Scenario, fault: &FaultEntry, key: &str, message: impl Into<String>) -> Problem {
    scenario.problem_beside(fault.kind.span(), key, message)
}

fn check_keys(scenario: &Scenario, fault: &FaultEntry) -> Result<(), Problem> {
    let (needs, takes) = keys(*fault.kind.get_ref());
    let given = given(fault);
    if let Some(missing) = needs.iter().find(|key| !given.contains(*key)) {
        return Err(scenario.problem(fault.kind.span(), format!("this fault needs `{missing}`")));
    }
    if let Some(extra) = given.iter().find(|key| !needs.contains(*key) && !takes.contains(*key)) {
        let all: Vec<_> = needs.iter().chain(takes).copied().collect();
        return Err(beside(
            scenario,
            fault,
            extra,
            format!("this fault takes no `{extra}`; it takes: {}", all.join(", ")),
        ));
    }
    Ok(())
}

fn when(scenario: &Scenario, fault: &FaultEntry, random: &mut Prng) -> Result<When, Problem> {
    let effects = [
        fault.before.as_ref().map(|effect| (Point::Before, effect)),
        fault.after.as_ref().map(|effect| (Point::After, effect)),
        fault.receiving.as_ref().map(|effect| (Point::Receiving, effect)),
    ];
    let named =
        usize::from(fault.at.is_some()) + usize::from(fault.between.is_some()) + effects.iter().flatten().count();
    if named != 1 {
        let message =
            "a fault strikes at one of: `at` a time, `between` two, `before`, `after` or `receiving` an effect";
        return Err(scenario.problem(fault.kind.span(), format!("{message}; this one names {named}")));
    }
    if let Some((point, effect)) = effects.into_iter().flatten().next() {
        return trigger(scenario, fault, point, effect).map(When::On);
    }
    if let Some(stray) = fault.nth.as_ref().map(Spanned::span).or_else(|| fault.of.as_ref().map(Spanned::span)) {
        return Err(scenario.problem(stray, "`nth` and `of` belong to `before`, `after` and `receiving`"));
    }
    let (key, range) = match (fault.at, fault.between) {
        (Some(at), _) => ("at", SpanRange { low: at.0, high: at.0 }),
        (None, between) => ("between", between.unwrap_or_default()),
    };
    let limit = scenario.limit();
    if range.high > limit {
        let (high, limit) = (Span(range.high), Span(limit));
        let message = format!("this fault can't strike: {high} is after the end of the run (limit = \"{limit}\")");
        return Err(beside(scenario, fault, key, message));
    }
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Ok(When::At(match fault.at {
        Some(at) => at.0,
        None => Duration::from_nanos(random.between(nanos(range.low), nanos(range.high))),
    }))
}

fn trigger(
    scenario: &Scenario,
    fault: &FaultEntry,
    point: Point,
    effect: &Spanned<String>,
) -> Result<Trigger, Problem> {
    let Some(of) = fault.of.as_ref().or(fault.process.as_ref()) else {
        return Err(scenario.problem(effect.span(), "whose effect? name the process with `of`"));
    };
    processes::check(scenario, of)?;
    let name = effect.get_ref().as_str();
    if !EFFECTS.contains(&name) {
        let (nearest, all) = (meant(name, EFFECTS.iter().copied()), listed(EFFECTS.iter().copied()));
        return Err(
            scenario.problem(effect.span(), format!("there is no effect {name:?}{nearest}\nexpected one of: {all}"))
        );
    }
    let nth = fault.nth.as_ref().map_or(1, |nth| *nth.get_ref());
    if let Some(nth) = fault.nth.as_ref().filter(|nth| *nth.get_ref() == 0) {
        return Err(scenario.problem(nth.span(), "nth counts from 1"));
    }
    let effect = (name != "any").then(|| name.to_owned());
    Ok(Trigger { process: of.get_ref().clone(), point, effect, nth })
}

fn strike(scenario: &Scenario, fault: &FaultEntry) -> Result<Fault, Problem> {
    let process = processes::of_fault(scenario, fault)?;
    let between = fault.hosts.as_ref().map(|hosts| processes::pair(scenario, hosts)).transpose()?.unwrap_or_default();
    let lasting = fault.lasting.map(|lasting| lasting.0);
    let child = fault.child.as_ref().map(|child| *child.get_ref());
    let strike = match *fault.kind.get_ref() {
        Kind::Kill => Fault::Kill { process: process.clone() },
        Kind::PowerOff => Fault::Vanish { process: process.clone() },
        Kind::Restart => Fault::Restart { process: process.clone() },
        Kind::WipeDisk => Fault::WipeDisk { process: process.clone() },
        Kind::OutOfMemory => {
            let victim = child.map_or_else(|| process.clone(), |child| format!("{process}/{child}"));
            Fault::OutOfMemory { process: victim, child: false }
        }
        Kind::KillChild => Fault::KillChild { process: process.clone(), child },
        Kind::Pause => Fault::Pause { process: process.clone(), lasting },
        Kind::Resume => Fault::Resume { process: process.clone() },
        Kind::Signal => {
            let signal = match fault.signal.unwrap_or(SignalName::Term) {
                SignalName::Term => Signal::Terminate,
                SignalName::Int => Signal::Interrupt,
                SignalName::Quit => Signal::Quit,
            };
            let (group, grace) = (fault.group.unwrap_or(false), fault.grace.map(|grace| grace.0));
            Fault::Signal { process: process.clone(), signal, group, grace }
        }
        Kind::Reset => Fault::Reset { between },
        Kind::HalfOpen => Fault::HalfOpen { between },
        Kind::Heal => Fault::Heal { between },
        Kind::Partition => Fault::Partition { between, both: !fault.one_way.unwrap_or(false), lasting },
        Kind::Latency => {
            let base = fault.latency.unwrap_or_default().0;
            Fault::Latency { between, base, jitter: fault.jitter.unwrap_or_default().0, lasting }
        }
        Kind::SlowConsumer => {
            let pace = fault.pace.unwrap_or_default().0;
            Fault::SlowConsumer { process: process.clone(), pace, lasting }
        }
        Kind::LoseReply => Fault::LoseReply,
        Kind::Duplicate => Fault::Duplicate,
        Kind::ClockStep => Fault::StepClock { process: process.clone(), by_nanos: clock_step(scenario, fault)? },
        Kind::MemoryAlarm => tell_rabbit(scenario, fault, orders::MEMORY)?,
        Kind::DiskAlarm => tell_rabbit(scenario, fault, orders::DISK)?,
        Kind::FailOver => tell_rabbit(scenario, fault, orders::NODE)?,
        Kind::Poison => return Err(scenario.problem(fault.kind.span(), "poison is no fault of the world")),
    };
    Ok(match fault.restart_after {
        None => strike,
        Some(after) => {
            let after = after.0 + fault.grace.unwrap_or_default().0;
            Fault::Then { first: Box::new(strike), after, next: Box::new(Fault::Restart { process }) }
        }
    })
}

/// How a simulated RabbitMQ learns of what is its own affair, and that it is over.
fn tell_rabbit(scenario: &Scenario, fault: &FaultEntry, [begins, ends]: [Signal; 2]) -> Result<Fault, Problem> {
    if scenario.file.broker != ServerKind::RabbitMq {
        return Err(scenario.problem(fault.kind.span(), "this fault needs broker = \"rabbitmq\""));
    }
    let signal = |signal| Fault::Signal { process: BROKER.to_owned(), signal, group: false, grace: None };
    Ok(match fault.lasting {
        None => signal(begins),
        Some(lasting) => {
            let (first, next) = (Box::new(signal(begins)), Box::new(signal(ends)));
            Fault::Then { first, after: lasting.0, next }
        }
    })
}

fn clock_step(scenario: &Scenario, fault: &FaultEntry) -> Result<i64, Problem> {
    let Some(by) = &fault.by else { return Ok(0) };
    let text = by.get_ref().trim();
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let step = parse_span(size).and_then(|step| i64::try_from(step.as_nanos()).map_err(|error| error.to_string()));
    match step {
        Ok(step) => Ok(sign * step),
        Err(why) => {
            Err(scenario.problem(by.span(), format!("{text:?} is not a step such as \"+1h\" or \"-30s\" ({why})")))
        }
    }
}

//! Bounded search: all schedules of a story that deviate from the first choices at most so many times.
//!
//! The first schedule has no deviation (what waits longest runs first, messages travel as fast as they can). Each run
//! tells which of its choices could have been others that somebody would see; each of those, later than the deviations
//! that the run has already, is one more schedule. So the search goes by the number of deviations, as delay bounding does
//! (Emmi, Qadeer and Rakamarić, POPL 2011), and choices that commute are no choices (partial-order reduction). A run in
//! which every process saw and did the same as in one before is not gone on from: what follows was looked at there.

use super::attempt::{Error, examine};
use super::failure::Failure;
use super::recipe::Recipe;
use super::story::Story;
use crate::env::system::{self, Stopwatch};
use crate::events::Event;
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Look;
use crate::scenario::observe::Observer;
use crate::scenario::run::run_watched;
use simq_sim::{Alternative, Order, Pin, Pins, Record, What};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

/// Where a bounded search ends.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most deviations; `None` for as many as there are.
    pub deviations: Option<u32>,
    /// Most runs.
    pub runs: u64,
    /// Longest real time.
    pub time: Option<Duration>,
    /// Threads.
    pub jobs: u32,
}

/// What a bounded search has covered.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Schedules that were run.
    pub schedules: u64,
    /// Runs among them that differ in what some process saw or did.
    pub distinct: u64,
    /// All schedules with this many deviations or fewer were run.
    pub deviations: u32,
    /// Most choices of one run that somebody would see.
    pub choices: usize,
    /// There are no others: every schedule that can be told from these has been run.
    pub complete: bool,
    /// A bound ended it.
    pub bounded: bool,
    /// The first schedule that fails.
    pub failure: Option<Failure>,
}

#[derive(Clone, Default)]
struct Node {
    pins: Pins,
    /// Deviations from here on are new.
    from: u64,
}

struct Seen {
    alternatives: Vec<Alternative>,
    projection: u64,
    failure: Option<(super::Signature, String)>,
}

/// What each process saw and did, in its own order. Times don't count: microseconds of latency are no difference.
#[derive(Default)]
struct Projection(BTreeMap<String, u64>);

impl Observer for Projection {
    fn fact(&mut self, _: Nanos, _: &Arc<str>, _: &Event<'_>) {}

    fn record(&mut self, record: &Record<'_>) {
        let (kind, digest) = match record.what {
            What::Started { .. } => ("started", 0),
            What::Exited { code, .. } => ("exited", code),
            What::Connected { peer, .. } => ("connected", xxh3_64(peer.as_bytes())),
            What::Refused { peer } => ("refused", xxh3_64(peer.as_bytes())),
            What::Sent { label, digest, .. } => (label, digest),
            What::Arrived { label, digest, .. } => (label, !digest),
            What::Closed { reset, .. } => ("closed", u64::from(reset)),
            What::Fault { struck, .. } => ("fault", u64::from(struck)),
            What::Disk { digest, .. } => ("disk", digest),
            What::Note { kind, digest, .. } => (kind, digest),
        };
        let what = xxh3_64(kind.as_bytes()) ^ digest;
        match self.0.get_mut(record.process) {
            Some(hash) => *hash = xxh3_64(&(*hash ^ what).to_le_bytes()),
            None => drop(self.0.insert(record.process.to_owned(), what)),
        }
    }
}

impl Projection {
    fn hash(&self) -> u64 {
        self.0.iter().fold(0, |hash, (name, own)| hash ^ xxh3_64(name.as_bytes()).wrapping_add(*own).rotate_left(17))
    }
}

fn recipe(story: &Story, pins: &Pins) -> Recipe {
    Recipe { strategy: "check", seed: story.scenario.seed(), order: Order::Pinned(pins.clone()), ..Recipe::default() }
}

fn run(story: &Story, node: &Node) -> Result<Seen, Error> {
    let scenario = recipe(story, &node.pins).scenario(story.scenario.path(), &story.document)?;
    let projection = Rc::new(RefCell::new(Projection::default()));
    let look = Look { observer: Some(Box::new(projection.clone())), alternatives: true, ..Look::default() };
    let ran = run_watched(&scenario, None, scenario.seed(), look)?;
    let failure = match ran.report.passed() {
        true => None,
        false => examine(&scenario, scenario.seed(), false)?.1.map(|signature| (signature, ran.report.trace_hash)),
    };
    let projection = projection.borrow().hash();
    Ok(Seen { alternatives: ran.choices.alternatives, projection, failure })
}

/// The schedules with one deviation more.
fn beyond(node: &Node, alternatives: &[Alternative]) -> Vec<Node> {
    let later = alternatives.iter().filter(|alternative| alternative.position >= node.from);
    let with = |alternative: &Alternative| {
        let mut pins = node.pins.clone();
        match alternative.pin {
            Pin::Task { number, rank } => pins.tasks.push((number, rank)),
            Pin::Delay { number, nanos } => pins.delays.push((number, nanos)),
        }
        Node { pins, from: alternative.position + 1 }
    };
    later.map(with).collect()
}

/// Runs all schedules of a story within bounds, in order of their deviations, until one fails. `watch` can end it.
///
/// # Errors
///
/// When the story can't be run.
pub(super) fn check(
    story: &Story,
    bounds: &Bounds,
    watch: &mut dyn FnMut(&Checked) -> ControlFlow<()>,
) -> Result<Checked, Error> {
    let stopwatch = Stopwatch::start();
    let mut checked = Checked::default();
    // For each run that was gone on from, the earliest place from which it was.
    let mut gone_on: BTreeMap<u64, u64> = BTreeMap::new();
    let mut level = vec![Node::default()];
    let side_by_side = bounds.jobs.max(1) as usize * 16;
    // A level with more schedules than may be run is never run to its end, so the rest of it need not be kept.
    let most = usize::try_from(bounds.runs).unwrap_or(usize::MAX).saturating_add(side_by_side);
    for deviations in 0.. {
        let mut next = Vec::new();
        for part in level.chunks(side_by_side) {
            let spent = bounds.time.is_some_and(|time| stopwatch.elapsed() >= time);
            if checked.schedules >= bounds.runs || spent || watch(&checked).is_break() {
                checked.bounded = true;
                return Ok(checked);
            }
            for (node, seen) in part.iter().zip(run_all(story, part, bounds.jobs)) {
                let seen = seen?;
                checked.schedules += 1;
                checked.choices = checked.choices.max(seen.alternatives.len());
                if let Some((signature, hash)) = seen.failure {
                    checked.failure = Some(failure(story, node, signature, hash, checked.schedules));
                    return Ok(checked);
                }
                let earliest = gone_on.get(&seen.projection).copied();
                checked.distinct += u64::from(earliest.is_none());
                if earliest.is_none_or(|earliest| node.from < earliest) {
                    gone_on.insert(seen.projection, node.from);
                    next.extend(beyond(node, &seen.alternatives));
                    next.truncate(most);
                }
            }
        }
        checked.deviations = deviations;
        checked.complete = next.is_empty();
        if checked.complete || bounds.deviations == Some(deviations) {
            checked.bounded = !checked.complete;
            return Ok(checked);
        }
        level = next;
    }
    Ok(checked)
}

fn failure(story: &Story, node: &Node, signature: super::Signature, hash: String, runs: u64) -> Failure {
    let recipe = Arc::new(recipe(story, &node.pins));
    Failure {
        signature,
        strategy: recipe.strategy,
        seed: recipe.seed,
        trace_hash: hash,
        times: 1,
        runs,
        cpu_seconds: 0.0,
        recipe,
    }
}

/// Runs some schedules side by side; results are in their order.
fn run_all(story: &Story, nodes: &[Node], jobs: u32) -> Vec<Result<Seen, Error>> {
    let (todo, work) = crossbeam_channel::unbounded();
    let (tell, done) = crossbeam_channel::unbounded();
    for one in nodes.iter().enumerate() {
        // The receiver is right here.
        let _ = todo.send(one);
    }
    drop(todo);
    system::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (work, tell) = (work.clone(), tell.clone());
            scope.spawn(move || work.into_iter().for_each(|(at, node)| drop(tell.send((at, run(story, node))))));
        }
    });
    drop(tell);
    let mut seen: Vec<_> = done.into_iter().collect();
    seen.sort_by_key(|(at, _)| *at);
    seen.into_iter().map(|(_, seen)| seen).collect()
}

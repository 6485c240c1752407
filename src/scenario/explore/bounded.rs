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
use crate::env::system::Stopwatch;
use crate::events::Event;
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::{Look, Observer};
use crate::scenario::parallel::{Work, in_order};
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
    /// It was told to end.
    pub interrupted: bool,
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
    let mut search = Search {
        story,
        bounds,
        watch,
        stopwatch: Stopwatch::start(),
        checked: Checked::default(),
        gone_on: BTreeMap::new(),
        level: vec![Node::default()].into_iter(),
        begun: 0,
        next: Vec::new(),
        error: None,
    };
    for deviations in 0.. {
        let act = |node: Node| {
            let seen = run(story, &node);
            (node, seen)
        };
        in_order(bounds.jobs, act, &mut search);
        if let Some(error) = search.error {
            return Err(error);
        }
        let checked = &mut search.checked;
        if checked.bounded || checked.failure.is_some() {
            break;
        }
        checked.deviations = deviations;
        checked.complete = search.next.is_empty();
        if checked.complete || bounds.deviations == Some(deviations) {
            checked.bounded = !checked.complete;
            break;
        }
        search.level = std::mem::take(&mut search.next).into_iter();
    }
    Ok(search.checked)
}

/// One level of the search: all schedules with so many deviations.
struct Search<'a> {
    story: &'a Story,
    bounds: &'a Bounds,
    watch: &'a mut dyn FnMut(&Checked) -> ControlFlow<()>,
    stopwatch: Stopwatch,
    checked: Checked,
    /// For each run that was gone on from, the earliest place from which it was.
    gone_on: BTreeMap<u64, u64>,
    level: std::vec::IntoIter<Node>,
    /// Schedules of all levels that were begun.
    begun: u64,
    /// Those with one deviation more.
    next: Vec<Node>,
    error: Option<Error>,
}

impl Work for Search<'_> {
    type Input = Node;
    type Output = (Node, Result<Seen, Error>);

    fn next(&mut self) -> Option<Node> {
        if self.level.as_slice().is_empty() {
            return None;
        }
        if self.begun >= self.bounds.runs {
            self.checked.bounded = true;
            return None;
        }
        self.begun += 1;
        self.level.next()
    }

    fn take(&mut self, (node, seen): (Node, Result<Seen, Error>)) -> ControlFlow<()> {
        match seen {
            Ok(seen) => self.count(&node, seen),
            Err(error) => self.error = Some(error),
        }
        if self.error.is_some() || self.checked.failure.is_some() {
            return ControlFlow::Break(());
        }
        let is_spent = self.bounds.time.is_some_and(|time| self.stopwatch.elapsed() >= time);
        self.checked.interrupted = (self.watch)(&self.checked).is_break();
        if is_spent || self.checked.interrupted {
            self.checked.bounded = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Search<'_> {
    fn count(&mut self, node: &Node, seen: Seen) {
        let checked = &mut self.checked;
        checked.schedules += 1;
        checked.choices = checked.choices.max(seen.alternatives.len());
        if let Some((signature, hash)) = seen.failure {
            checked.failure = Some(failure(self.story, node, signature, hash, checked.schedules));
            return;
        }
        let earliest = self.gone_on.get(&seen.projection).copied();
        checked.distinct += u64::from(earliest.is_none());
        if earliest.is_none_or(|earliest| node.from < earliest) {
            self.gone_on.insert(seen.projection, node.from);
            self.next.extend(beyond(node, &seen.alternatives));
            // A level with more schedules than may be run is never run to its end, so the rest of it need not be kept.
            self.next.truncate(usize::try_from(self.bounds.runs).unwrap_or(usize::MAX).saturating_add(1));
        }
    }
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

//! What each process does in the run without crashes.

use super::{Blow, Search};
use crate::collections::Map;
use crate::scenario::effects::EFFECTS;
use crate::scenario::load::{Scenario, listed, meant};
use crate::scenario::observe::Look;
use crate::scenario::run::{Change, Failure, run_changed};
use simq_sim::{Record, Sink, What};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// A crash that can be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Whose effect it is: a host, or a pool child such as `w1/2`.
    pub process: String,
    /// The effect's name, one of [`EFFECTS`].
    pub effect: &'static str,
    /// Which of that name and process, from 1.
    pub nth: u64,
    /// What happens there.
    pub blow: Blow,
}

impl Point {
    /// The host that the process belongs to.
    pub fn host(&self) -> &str {
        self.process.split('/').next().unwrap_or(&self.process)
    }

    /// All but the number.
    pub(super) fn place(&self) -> String {
        format!("{} {} {}", self.process, self.blow.name(), self.effect)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place(), self.nth)
    }
}

/// Effects that there are more of than were tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Whose.
    pub process: String,
    /// Their name.
    pub effect: &'static str,
    /// How many there are in the run without crashes.
    pub there_are: u64,
}

type Counts = Map<(String, &'static str), u64>;

/// Counts what processes do to others and to their disks.
struct Counter(Rc<RefCell<Counts>>);

impl Sink for Counter {
    fn record(&mut self, record: &Record<'_>) {
        if let What::Sent { label, .. } | What::Disk { effect: label, .. } = record.what {
            *self.0.borrow_mut().entry((record.process.to_owned(), label)).or_default() += 1;
        }
    }
}

/// All crashes to be tried, by process, effect and number.
pub(super) fn all(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    search: &Search,
) -> Result<(Vec<Point>, Vec<LeftOut>), Failure> {
    let hosts = hosts(scenario, search)?;
    let counts = Rc::<RefCell<Counts>>::default();
    let look = Look { sink: Some(Box::new(Counter(counts.clone()))), ..Look::default() };
    run_changed(scenario, variant, seed, look, Change::default())?;
    let mut counts = counts.take();
    let known = |effect: &str| EFFECTS.contains(&effect);
    counts.retain(|(process, effect), _| known(effect) && hosts.iter().any(|host| is_of(process, host)));
    let place = |process: &str| hosts.iter().position(|host| is_of(process, host));
    counts.sort_by(|(a, ..), _, (b, ..), _| (place(a), a.len(), a).cmp(&(place(b), b.len(), b)));
    let mut points = Vec::new();
    let mut left_out = Vec::new();
    for ((process, effect), there_are) in counts {
        if there_are > search.most {
            left_out.push(LeftOut { process: process.clone(), effect, there_are });
        }
        for blow in search.blows.iter().copied().filter(|blow| blow.fits(&process, effect)) {
            let numbers = 1..=there_are.min(search.most);
            points.extend(numbers.map(|nth| Point { process: process.clone(), effect, nth, blow }));
        }
    }
    Ok((points, left_out))
}

fn is_of(process: &str, host: &str) -> bool {
    process.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn hosts(scenario: &Scenario, search: &Search) -> Result<Vec<String>, Failure> {
    let known: Vec<&str> = scenario.hosts().keys().map(String::as_str).collect();
    for wanted in &search.processes {
        if !known.contains(&wanted.as_str()) {
            let (nearest, all) = (meant(wanted, known.iter().copied()), listed(known.iter().copied()));
            return Err(format!("there is no process {wanted:?}{nearest}\nexpected one of: {all}").into());
        }
    }
    Ok(match search.processes.is_empty() {
        true => known.into_iter().map(str::to_owned).collect(),
        false => search.processes.clone(),
    })
}

//! The space that is searched: what an undisturbed run of the story looks like, and what may be added to it.

use super::table::Explore;
use crate::events::Event;
use crate::scenario::Scenario;
use crate::scenario::cluster::{BACKEND, BROKER};
use crate::scenario::kinds::Kind;
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Look;
use crate::scenario::observe::Observer;
use crate::scenario::run::run_watched;
use simq_sim::{Record, What};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What strategies draw from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) most: u32,
    /// Hosts that may be struck.
    pub(crate) processes: Vec<String>,
    /// Hosts with pool children.
    pub(crate) parents: BTreeSet<String>,
    /// Pairs of hosts between which messages travel, one of them in `processes`.
    pub(crate) links: Vec<[String; 2]>,
    /// How many effects each process has.
    pub(crate) effects: BTreeMap<String, u64>,
    /// When faults may strike.
    pub(crate) window: (Nanos, Nanos),
    /// Choices among ready tasks in an undisturbed run.
    pub(crate) steps: u64,
    pub(crate) settings: Vec<(String, Vec<toml::Value>)>,
}

/// Watches the undisturbed run.
#[derive(Default)]
struct Probe {
    /// Effects after this are nobody's to strike.
    until: Option<Nanos>,
    effects: BTreeMap<String, u64>,
    links: BTreeMap<(String, String), ()>,
    last: Nanos,
}

impl Observer for Probe {
    fn fact(&mut self, now: Nanos, _: &Arc<str>, _: &Event<'_>) {
        self.last = self.last.max(now);
    }

    fn record(&mut self, record: &Record<'_>) {
        match record.what {
            What::Sent { .. } if self.until.is_none_or(|until| record.at <= until) => {
                if let Some(count) = self.effects.get_mut(record.process) {
                    *count += 1;
                } else {
                    self.effects.insert(record.process.to_owned(), 1);
                }
            }
            What::Connected { peer, .. } => {
                let host = record.process.split('/').next().unwrap_or_default();
                self.links.insert((host.to_owned(), peer.to_owned()), ());
            }
            _ => {}
        }
    }
}

impl Space {
    /// Runs the story once, with its own faults and nothing else, and looks at it.
    ///
    /// # Errors
    ///
    /// When it can't be run at all.
    pub(super) fn of(story: &Scenario, explore: &Explore) -> Result<Space, Box<dyn std::error::Error + Send + Sync>> {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let until = explore.between.as_ref().map(|between| nanos(between.high));
        let probe = Rc::new(RefCell::new(Probe { until, ..Probe::default() }));
        let look = Look { observer: Some(Box::new(probe.clone())), record: true, ..Look::default() };
        let ran = run_watched(story, None, story.seed(), look)?;
        let probe = probe.borrow();
        let named: Vec<String> = explore.processes.iter().map(|name| name.get_ref().clone()).collect();
        let processes = if named.is_empty() { default_processes(story) } else { named };
        let touches = |pair: &&(String, String)| processes.contains(&pair.0) || processes.contains(&pair.1);
        let links = probe.links.keys().filter(touches).map(|(a, b)| [a.clone(), b.clone()]).collect();
        let window = match explore.between {
            Some(between) => (nanos(between.low), nanos(between.high)),
            None => (0, probe.last),
        };
        let parents = story.hosts().iter().filter(|(_, children)| **children > 0);
        Ok(Space {
            kinds: explore.faults.iter().map(|kind| *kind.get_ref()).collect(),
            most: explore.most(),
            processes,
            parents: parents.map(|(host, _)| host.clone()).collect(),
            links,
            effects: probe.effects.clone(),
            window,
            steps: ran.choices.steps.max(1),
            settings: explore.settings.iter().map(|(name, values)| (name.get_ref().clone(), values.clone())).collect(),
        })
    }
}

/// Workers and beats: that clients and servers fail is another story.
fn default_processes(story: &Scenario) -> Vec<String> {
    let workers = story.worker_hosts().into_iter().map(|host| host.name);
    let all: Vec<String> = workers.chain(story.beat_hosts()).collect();
    all.into_iter().filter(|name| name != BROKER && name != BACKEND).collect()
}

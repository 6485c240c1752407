//! Strategies: how the n-th run of an exploration is chosen. `docs/exploration.md` has their definitions and references.

use super::coverage::{Covered, Reached};
use super::document::overlay_settings;
use super::faults::{Place, draw};
use super::recipe::Recipe;
use super::space::Space;
use super::table::setting_table;
use crate::scenario::kinds::Kind;
use simq_sim::{Order, Prng};
use std::sync::Arc;

/// How runs are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Strategy {
    /// The others in turn.
    #[default]
    Mixed,
    /// A random walk: any ready task may run next, any latency, fault and setting is as likely as any other.
    Uniform,
    /// Random priorities, and up to 4 points at which they change (Burckhardt and others: A randomized scheduler with
    /// probabilistic guarantees of finding bugs, ASPLOS 2010).
    Pct,
    /// Whole families of faults, latencies and settings left out of each run (Groce and others: Swarm testing, ISSTA
    /// 2012).
    Swarm,
    /// A run again that reached a state which few have, with a fault right there (feedback as in AFL, on states of tasks).
    Rare,
}

impl Strategy {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Mixed => "mixed",
            Strategy::Uniform => "uniform",
            Strategy::Pct => "pct",
            Strategy::Swarm => "swarm",
            Strategy::Rare => "rare",
        }
    }

    fn of_run(self, index: u64) -> Strategy {
        match (self, index % 4) {
            (Strategy::Mixed, 0) => Strategy::Uniform,
            (Strategy::Mixed, 1) => Strategy::Swarm,
            (Strategy::Mixed, 2) => Strategy::Rare,
            (Strategy::Mixed, _) => Strategy::Pct,
            (one, _) => one,
        }
    }
}

/// A run that reached something that few have, and where.
pub(super) type Find = (Arc<Recipe>, Reached);

/// What earlier runs have found: the same for all runs of a block, however many threads make them.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub(super) covered: Covered,
    /// For each feature the first run that had it.
    pub(super) finds: Vec<Find>,
}

/// The recipe of the n-th run.
pub(super) fn recipe(strategy: Strategy, index: u64, seed: u64, space: &Space, known: &Known) -> Recipe {
    let strategy = strategy.of_run(index);
    let mut random = Prng::new(seed, "explore");
    let plain = Recipe { strategy: strategy.name(), seed, ..Recipe::default() };
    match strategy {
        Strategy::Pct => {
            let order = pct(space, &mut random);
            let faults = draw_all(&space.kinds, space, &mut random);
            let settings = settings(space, 0, &mut random);
            Recipe { order, faults, settings, ..plain }
        }
        Strategy::Swarm => swarm(plain, space, &mut random),
        Strategy::Rare => rare(&plain, space, known, &mut random).unwrap_or_else(|| uniform(plain, space, &mut random)),
        _ => uniform(plain, space, &mut random),
    }
}

fn uniform(plain: Recipe, space: &Space, random: &mut Prng) -> Recipe {
    let faults = draw_all(&space.kinds, space, random);
    Recipe { faults, settings: settings(space, 0, random), ..plain }
}

fn pct(space: &Space, random: &mut Prng) -> Order {
    Order::Pct { changes: random.between(0, 4) as u32, steps: space.steps }
}

/// Up to `most` faults of these kinds.
fn draw_all(kinds: &[Kind], space: &Space, random: &mut Prng) -> Vec<toml::Table> {
    if kinds.is_empty() {
        return Vec::new();
    }
    let count = random.between(0, u64::from(space.most));
    let kind = |random: &mut Prng| kinds[random.below(kinds.len() as u64) as usize];
    (0..count).filter_map(|_| draw(kind(random), space, Place::Anywhere, random)).collect()
}

/// Each family of features of a run is there or not, by the toss of a coin of its own.
fn swarm(plain: Recipe, space: &Space, random: &mut Prng) -> Recipe {
    let mut coin = Prng::new(plain.seed, "swarm");
    let mut heads = || coin.below(2) == 0;
    let kinds: Vec<Kind> = space.kinds.iter().copied().filter(|_| heads()).collect();
    let still = heads();
    let order = if heads() { pct(space, random) } else { Order::Uniform };
    let faults = draw_all(&kinds, space, random);
    Recipe { faults, still, order, settings: settings(space, 2, random), ..plain }
}

/// One of the values of each setting; `unset` chances more that it stays as the story has it.
fn settings(space: &Space, unset: u64, random: &mut Prng) -> toml::Table {
    let mut chosen = toml::Table::new();
    for (name, values) in &space.settings {
        let at = random.below(values.len() as u64 + unset);
        if let Some(value) = values.get(at as usize) {
            overlay_settings(&mut chosen, setting_table(name, value));
        }
    }
    chosen
}

/// An earlier run once more, with a fault where it reached something rare.
fn rare(plain: &Recipe, space: &Space, known: &Known, random: &mut Prng) -> Option<Recipe> {
    if space.kinds.is_empty() {
        return None;
    }
    let rare: Vec<&Find> = known.finds.iter().filter(|(_, reached)| known.covered.is_rare(reached.feature)).collect();
    let (parent, reached) = *rare.get(random.below(rare.len() as u64) as usize)?;
    let kind = space.kinds[random.below(space.kinds.len() as u64) as usize];
    let fault = draw(kind, space, Place::Near(reached.at, &reached.process), random)?;
    let mut recipe = Recipe { strategy: plain.strategy, ..Recipe::clone(parent) };
    // What strikes must have time to show; the oldest of too many goes.
    if recipe.faults.len() as u32 >= space.most {
        recipe.faults.remove(random.below(recipe.faults.len() as u64) as usize);
    }
    recipe.faults.push(fault);
    Some(recipe)
}

//! The hunt for one planted fault: all stories are explored in turn until one of them fails, and the failure is shrunk.
//! Nobody tells it which story a fault would show in.

use simq::planted::{Fault, plant};
use simq::scenario::Scenario;
use simq::scenario::explore::{Budget, Failure, Shrunk, Strategy, explore, shrink};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs of each story in the first round, the second, and so on.
const ROUNDS: [u64; 4] = [64, 256, 1024, 4096];
/// Most runs of a shrink.
const SHRINK_RUNS: u64 = 2000;

/// A story and its name.
pub(crate) struct Story {
    pub(crate) name: String,
    scenario: Scenario,
}

/// A fault that was found.
pub(crate) struct Found {
    pub(crate) story: String,
    pub(crate) failure: Failure,
    /// Runs of all stories until then.
    pub(crate) runs: u64,
    /// CPU seconds of this process until then.
    pub(crate) cpu: f64,
    pub(crate) shrunk: Shrunk,
    pub(crate) shrink_cpu: f64,
}

/// How long to hunt for one fault.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// CPU seconds.
    pub(crate) cpu: f64,
    /// Runs of one story.
    pub(crate) runs: u64,
    pub(crate) jobs: u32,
}

/// All stories of this folder, by name.
pub(crate) fn stories() -> Vec<Story> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunt");
    let files = fs::read_dir(dir).expect("the stories").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    let story = |file: PathBuf| Story {
        name: file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        scenario: Scenario::load(&file).unwrap_or_else(|problem| panic!("{problem}")),
    };
    files.into_iter().map(story).collect()
}

/// Hunts for a fault in these stories; `None` when it was not found within the limit.
pub(crate) fn hunt(fault: Fault, stories: &[Story], limit: Limit) -> Result<Option<Found>, Error> {
    plant(Some(fault));
    let found = search(stories, limit);
    plant(None);
    found
}

fn search(stories: &[Story], limit: Limit) -> Result<Option<Found>, Error> {
    let (began, mut runs) = (cpu_seconds(), 0);
    for round in ROUNDS.into_iter().filter(|round| *round <= limit.runs) {
        for story in stories {
            let explored = explored(story, round, limit.jobs, || cpu_seconds() - began < limit.cpu)?;
            runs += explored.0;
            if let Some(failure) = explored.1 {
                let found = cpu_seconds();
                let shrunk = shrunk(story, &failure)?;
                let (cpu, shrink_cpu) = (found - began, cpu_seconds() - found);
                return Ok(Some(Found { story: story.name.clone(), failure, runs, cpu, shrunk, shrink_cpu }));
            }
            if cpu_seconds() - began >= limit.cpu {
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// Explores one story; how many runs that took, and the failure if there was one.
pub(crate) fn explored(
    story: &Story,
    runs: u64,
    jobs: u32,
    mut goes_on: impl FnMut() -> bool,
) -> Result<(u64, Option<Failure>), Error> {
    let (seeds, strategy) = (Some(runs), Strategy::Mixed);
    let budget = Budget { first_seed: 1, seeds, time: None, jobs, strategy, all: false };
    let explored = explore(&story.scenario, None, &budget, |progress| match progress.runs % 16 > 0 || goes_on() {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    })?;
    Ok((explored.progress.runs, explored.failures.into_iter().next()))
}

/// CPU seconds of this process so far, as Linux counts them: in hundredths.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The smallest story that fails as this one does.
pub(crate) fn shrunk(story: &Story, failure: &Failure) -> Result<Shrunk, Error> {
    shrink(&story.scenario, None, failure, SHRINK_RUNS)
}

//! The simulated cluster: more workers, more tasks.

use crate::measure::{Error, Figures, Stretch, memory};
use simq::scenario::{Scenario, run};
use std::path::Path;

/// One task every 100 µs, for workers that keep up.
pub(crate) fn steady(tasks: u64, workers: u64) -> Result<Figures, Error> {
    simulated(tasks, workers, "100us")
}

/// All tasks in one virtual instant: nearly all of them are queued at once.
pub(crate) fn burst(tasks: u64, workers: u64) -> Result<Figures, Error> {
    simulated(tasks, workers, "0s")
}

fn simulated(tasks: u64, workers: u64, every: &str) -> Result<Figures, Error> {
    let text = format!(
        "[settings]\nworker_prefetch_multiplier = 8\n[workers.w]\ncount = {workers}\nconcurrency = 4\n[tasks.t]\n\
         [[workload]]\ntask = \"t\"\ncount = {tasks}\nevery = \"{every}\"\n[expect]\nlost = 0\nsucceeded = {tasks}\n"
    );
    let scenario = Scenario::parse(Path::new("scale.toml"), text)?;
    let before = memory("VmRSS")?;
    let stretch = Stretch::begin()?;
    let report = run(&scenario, None, 1, None, false).map_err(|error| error.to_string())?;
    let (cpu, _) = stretch.end()?;
    if !report.passed() {
        return Err(format!("{:?}", report.failures).into());
    }
    let mut figures = Figures::default();
    figures.add("us of CPU per task", cpu * 1e6 / tasks as f64);
    figures.add("tasks per second and core", tasks as f64 / cpu);
    figures.add("records per task", report.events as f64 / tasks as f64);
    figures.add("peak bytes per task", (memory("VmHWM")? - before) / tasks as f64);
    Ok(figures)
}

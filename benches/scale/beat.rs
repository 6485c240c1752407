//! Years of an hourly schedule.

use crate::measure::{Error, Figures, Stretch};
use simq::scenario::{Scenario, run};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The command lists the runs.
pub(crate) fn dry_run(years: u64) -> Result<Figures, Error> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("beat.toml");
    std::fs::write(
        &config,
        "timezone = \"Europe/Berlin\"\n[beat_schedule.hourly]\ntask = \"t\"\nschedule = \"0 * * * *\"\n",
    )?;
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_simq"))
        .args(["beat", "--dry-run", "--from", "2026-01-01", "--to", &format!("{}-01-01", 2026 + years), "--config"])
        .arg(&config)
        .output()?;
    let seconds = began.elapsed().as_secs_f64();
    let runs = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    if !output.status.success() || (runs as u64) < years * 8_760 {
        return Err(format!("{runs} runs\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut figures = Figures::default();
    figures.add("seconds", seconds);
    figures.add("lines", runs as f64);
    Ok(figures)
}

/// Beat, a worker, the broker and the result store, all of them alive the whole time.
pub(crate) fn cluster(years: u64) -> Result<Figures, Error> {
    let days = years * 365;
    let text = format!(
        "limit = \"{days}days\"\n[settings]\nbeat_max_loop_interval = 3600\nbeat_lease_ttl = 7200\n\
         [workers.w]\n[tasks.t]\n[[beat]]\ntask = \"t\"\nevery = \"1h\"\n[expect]\nlost = 0\nskipped = 0\ndoubled = 0\n\
         ticks = \">= {}\"\n",
        days * 24 - 1
    );
    let scenario = Scenario::parse(Path::new("years.toml"), text)?;
    let stretch = Stretch::begin()?;
    let report = run(&scenario, None, 1, None, false).map_err(|error| error.to_string())?;
    let (cpu, _) = stretch.end()?;
    if !report.passed() {
        return Err(format!("{:?}", report.failures).into());
    }
    let mut figures = Figures::default();
    figures.add("seconds of CPU", cpu);
    figures.add("ticks", report.outcomes.get("ticks").copied().unwrap_or(0) as f64);
    figures.add("records", report.events as f64);
    Ok(figures)
}

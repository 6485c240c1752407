//! Failures that were found, made small and saved.

use super::files;
use crate::scenario::Scenario;
use crate::scenario::explore::{self, Failure, Origin, Shrunk, Size};
use crate::scenario::report::shell_word;
use clap::Args;
use std::path::{Path, PathBuf};

/// How failures are made small, and where they are saved.
#[derive(Args)]
pub(super) struct Saving {
    /// Directory for what is found. Default: `found` beside the scenario file.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Most runs that are spent on making a failure smaller; 0 saves it as it is.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    shrink_runs: u64,
}

/// Makes a failure small, saves it, and says so in lines for people.
pub(super) fn save(
    saving: &Saving,
    scenario: &Scenario,
    variant: Option<&str>,
    failure: &Failure,
) -> Result<String, String> {
    let shrunk = explore::shrink(scenario, variant, failure, saving.shrink_runs).map_err(|error| error.to_string())?;
    let file = scenario.path().display().to_string();
    let origin = Origin {
        file: &file,
        variant,
        seed: failure.seed,
        strategy: Some(failure.strategy),
        trace_hash: &failure.trace_hash,
    };
    write(saving, scenario, &shrunk, &origin)
}

/// Saves the smallest story of the failure on a seed that somebody named.
pub(super) fn save_seed(
    saving: &Saving,
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
) -> Result<String, String> {
    let report = crate::scenario::run(scenario, variant, seed, None, false).map_err(|error| error.to_string())?;
    let shrunk =
        explore::shrink_seed(scenario, variant, seed, saving.shrink_runs).map_err(|error| error.to_string())?;
    let file = scenario.path().display().to_string();
    let origin = Origin { file: &file, variant, seed, strategy: None, trace_hash: &report.trace_hash };
    Ok(format!("{}\n{}", shrunk.signature, write(saving, scenario, &shrunk, &origin)?))
}

fn write(saving: &Saving, scenario: &Scenario, shrunk: &Shrunk, origin: &Origin<'_>) -> Result<String, String> {
    let beside = || scenario.path().parent().unwrap_or(Path::new("")).join("found");
    let dir = saving.out.clone().unwrap_or_else(beside);
    let path = dir.join(explore::file_name(&scenario.name(), shrunk));
    let command = format!("simq run {}", shell_word(&path.display().to_string()));
    let text = explore::file_text(shrunk, origin, &command);
    files::replace(&path, &text).map_err(|error| format!("{} was not written: {error}", path.display()))?;
    let (small, large) = (words(shrunk.size), words(shrunk.original));
    Ok(format!(
        "  shrunk   to {small} (from {large}) in {} runs\n  saved    {}\n  replay   {command}\n",
        shrunk.runs,
        path.display()
    ))
}

fn words(size: Size) -> String {
    let Size { tasks, workers, faults, choices } = size;
    let plural = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let mut words = vec![plural(tasks, "call"), plural(workers, "worker"), plural(faults, "fault")];
    if choices > 0 {
        words.push(plural(choices, "pinned choice"));
    }
    words.join(", ")
}

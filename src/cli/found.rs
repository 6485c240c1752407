//! Failures that were found, made small and saved.

use super::again::unless_interrupted;
use super::files;
use super::progress::Progress;
use crate::scenario::explore::{
    Failing, Origin, Shrunk, Signature, Size, file_name, file_text, is_found, shrink_watched,
};
use crate::scenario::report::shell_word;
use crate::scenario::{Keep, Scenario, run_with};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How failures are made small, and where they are saved.
#[derive(Args)]
pub(super) struct Saving {
    /// Directory for what is found. Default: `found` beside the scenario file, or that of a file that was found itself,
    /// which a smaller story of the same failure replaces.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Most runs that are spent on making a failure smaller; 0 saves it as it is.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    shrink_runs: u64,
}

/// A failure in its smallest story.
pub(super) struct Small {
    shrunk: Shrunk,
    /// Somebody did not want to wait for the smallest.
    is_interrupted: bool,
}

/// A smallest story in its file.
pub(super) struct Saved {
    small: Small,
    path: PathBuf,
    /// Its timeline.
    picture: PathBuf,
    /// The command that runs it.
    command: String,
}

impl Saving {
    /// Makes a failure small. After a Ctrl-C it is what it was until then.
    pub(super) fn shrink(
        &self,
        scenario: &Scenario,
        variant: Option<&str>,
        failing: Failing<'_>,
    ) -> Result<Small, String> {
        let mut progress = Progress::new(None, "smaller stories tried");
        let shrunk = shrink_watched(scenario, variant, failing, self.shrink_runs, |runs| {
            progress.show(runs, String::new);
            unless_interrupted()
        });
        progress.clear();
        let shrunk = shrunk.map_err(|error| error.to_string())?;
        Ok(Small { is_interrupted: shrunk.is_cut && unless_interrupted().is_break(), shrunk })
    }

    /// Writes a story to a file of its own, and its timeline beside it.
    pub(super) fn save(&self, scenario: &Scenario, small: Small, origin: &Origin<'_>) -> Result<Saved, String> {
        let parent = scenario.path().parent().unwrap_or(Path::new(""));
        let beside =
            || if is_found(&scenario.name(), scenario.text()) { parent.to_owned() } else { parent.join("found") };
        let dir = self.out.clone().unwrap_or_else(beside);
        let path = dir.join(file_name(&scenario.name(), &small.shrunk));
        let command = format!("simq run {}", shell_word(&path.display().to_string()));
        let text = file_text(&small.shrunk, origin, &command);
        let picture = path.with_extension("html");
        let page = timeline(&path, &text)?;
        for (path, content) in [(&path, &text), (&picture, &page)] {
            let unwritten = |error| format!("{} was not written: {error}", path.display());
            files::replace_at_once(path, content).map_err(unwritten)?;
        }
        Ok(Saved { small, path, picture, command })
    }
}

/// The run of a story that was found, on a page.
fn timeline(path: &Path, text: &str) -> Result<String, String> {
    let scenario = Scenario::parse(path, text.to_owned()).map_err(|problem| problem.to_string())?;
    let keep = Keep { timeline: true, ..Keep::default() };
    let report = run_with(&scenario, None, scenario.seed(), keep).map_err(|error| error.to_string())?;
    Ok(report.timeline.as_ref().map(|timeline| timeline.html(&report, "simq")).unwrap_or_default())
}

impl Small {
    pub(super) fn signature(&self) -> &Signature {
        &self.shrunk.signature
    }
}

impl Saved {
    pub(super) fn signature(&self) -> &Signature {
        self.small.signature()
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.small.is_interrupted
    }

    /// For people.
    pub(super) fn lines(&self) -> String {
        let Shrunk { size, original, runs, .. } = &self.small.shrunk;
        let (small, large, path) = (words(*size), words(*original), self.path.display());
        let cut = match self.small.is_interrupted {
            true => format!(", interrupted; go on with: simq shrink {}", shell_word(&path.to_string())),
            false => String::new(),
        };
        format!(
            "  shrunk   to {small} (from {large}) in {runs} runs{cut}\n  saved    {path}\n  picture  {}\n  replay   {}\n",
            self.picture.display(),
            self.command
        )
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let Shrunk { signature, trace_hash, seed, size, original, runs, is_cut, .. } = &self.small.shrunk;
        json!({
            "file": self.path.display().to_string(),
            "picture": self.picture.display().to_string(),
            "replay": self.command,
            "outcome": signature.outcome,
            "life": signature.life,
            "seed": seed,
            "trace_hash": trace_hash,
            "size": size,
            "original_size": original,
            "shrink_runs": runs,
            "interrupted": self.small.is_interrupted,
            "is_smallest": !is_cut,
        })
    }
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

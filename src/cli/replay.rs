//! `simq replay`

use super::steps::Steps;
use super::variants::one_variant;
use super::{FAILED, OK, output};
use crate::scenario::Scenario;
use crate::scenario::replay::Replay as Recorded;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `simq replay`.
#[derive(Args)]
pub(super) struct Replay {
    /// The scenario file, one that was found among them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Seed to run, in place of the file's own.
    #[arg(long)]
    seed: Option<u64>,
    /// The variant. Needed when the file has several.
    #[arg(long)]
    variant: Option<String>,
    /// Show events until this virtual time, `12.4s`.
    #[arg(long, value_name = "TIME", value_parser = span)]
    until: Option<Duration>,
    /// Read commands from standard input even if it is no terminal.
    #[arg(long)]
    step: bool,
}

/// A duration, with a fraction of seconds if need be.
fn span(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse::<f64>().ok());
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(seconds) => Ok(seconds),
        None => humantime::parse_duration(text).map_err(|error| error.to_string()),
    }
}

impl Replay {
    pub(super) fn execute(&self) -> u8 {
        output::status(self.try_execute().map(|passed| if passed { OK } else { FAILED }))
    }

    fn try_execute(&self) -> Result<bool, String> {
        let scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        let variant = one_variant(&scenario, self.variant.as_deref())?;
        let seed = self.seed.unwrap_or_else(|| scenario.seed());
        let recorded =
            Recorded::of(&scenario, variant.as_deref(), seed, self.until).map_err(|error| error.to_string())?;
        if recorded.is_cut {
            output::print_error(&format!("only the first {} events are kept", recorded.events.len()));
        }
        if self.step || output::is_conversation() {
            Steps::new(&recorded).talk();
        } else {
            for event in &recorded.events {
                if !output::print_line(&event.to_string()) {
                    break;
                }
            }
        }
        let verdict = if recorded.report.passed() { "PASS" } else { "FAIL" };
        let failures: String =
            recorded.report.failures.iter().map(|failure| format!("  failed  {failure}\n")).collect();
        output::print(&format!("{verdict}  seed {seed}, trace {}\n{failures}", recorded.report.trace_hash));
        Ok(recorded.report.passed())
    }
}

//! `simq shrink`

use super::found::{Saved, Saving};
use super::{INTERRUPTED, OK, output};
use crate::env::system::signals::interrupt;
use crate::scenario::explore::{Failing, Origin};
use crate::scenario::{Scenario, run};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `simq shrink`.
#[derive(Args)]
pub(super) struct Shrink {
    /// The scenario file, one that was found among them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The seed on which it fails. Default: the file's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    seed: Option<u64>,
    /// The variant that fails. Needed when the file has several.
    #[arg(long)]
    variant: Option<String>,
    /// One JSON document, in place of text for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    saving: Saving,
}

impl Shrink {
    pub(super) fn execute(&self) -> u8 {
        let status = |saved: Saved| if saved.is_interrupted() { INTERRUPTED } else { OK };
        output::status(self.try_execute().map(status))
    }

    fn try_execute(&self) -> Result<Saved, String> {
        let scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        let variant = super::variants::one_variant(&scenario, self.variant.as_deref())?;
        let seed = self.seed.unwrap_or_else(|| scenario.seed());
        interrupt::listen();
        let failed = |error: String| format!("{}, seed {seed}: {error}", self.file.display());
        let report = run(&scenario, variant.as_deref(), seed, None, false);
        let report = report.map_err(|error| failed(error.to_string()))?;
        let small = self.saving.shrink(&scenario, variant.as_deref(), Failing::Seed(seed)).map_err(failed)?;
        let file = scenario.path().display().to_string();
        let (variant, trace_hash) = (variant.as_deref(), report.trace_hash.as_str());
        let saved = self.saving.save(
            &scenario,
            small,
            &Origin { file: &file, variant, seed, strategy: None, trace_hash, text: scenario.text() },
        )?;
        match self.json {
            true => output::print_json(&json!({
                "scenario": scenario.name(),
                "file": file,
                "variant": variant,
                "seed": seed,
                "trace_hash": trace_hash,
                "shrunk": saved.json(),
            })),
            false => output::print(&format!("{}\n{}", saved.signature(), saved.lines())),
        }
        Ok(saved)
    }
}

//! `simq shrink`

use super::found::{self, Saving};
use super::{BAD_INPUT, OK, output};
use crate::scenario::Scenario;
use clap::Args;
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
    #[command(flatten)]
    saving: Saving,
}

impl Shrink {
    pub(super) fn execute(&self) -> u8 {
        match self.try_execute() {
            Ok(told) => {
                output::print(&told);
                OK
            }
            Err(error) => {
                output::print_error(&error);
                BAD_INPUT
            }
        }
    }

    fn try_execute(&self) -> Result<String, String> {
        let scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        let variant = super::variants::one_variant(&scenario, self.variant.as_deref())?;
        let seed = self.seed.unwrap_or_else(|| scenario.seed());
        found::save_seed(&self.saving, &scenario, variant.as_deref(), seed)
            .map_err(|error| format!("{}, seed {seed}: {error}", self.file.display()))
    }
}

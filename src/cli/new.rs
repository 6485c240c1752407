//! `simq new`

use super::{BAD_INPUT, OK, files, output};
use crate::scenario::report::shell_word;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `simq new`.
#[derive(Args)]
pub(super) struct New {
    /// Name of the scenario: letters, digits, `_`, `-`. It is written to NAME.toml in the current directory.
    name: String,
    /// Directory to write it to.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

impl New {
    pub(super) fn execute(&self) -> u8 {
        let name = self.name.strip_suffix(".toml").unwrap_or(&self.name);
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(fine) {
            output::print_error(&format!(
                "{:?} is no name for a scenario: use letters, digits, '_' and '-'",
                self.name
            ));
            return BAD_INPUT;
        }
        let path = self.dir.join(format!("{name}.toml"));
        match files::write_new(&path, &crate::scenario::starter(name)) {
            Ok(()) => {
                let word = shell_word(&path.display().to_string());
                output::print(&format!("wrote {}\nrun it: simq run {word}\n", path.display()));
                OK
            }
            Err(error) => {
                output::print_error(&format!("{} was not written: {error}", path.display()));
                BAD_INPUT
            }
        }
    }
}

//! The flags by which every command takes settings.

use crate::env::system;
use crate::settings::{BadSource, Loaded, Profile};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Where settings come from. The later one wins: the profile, the file, variables of the environment (SIMQ_TASK_ACKS_LATE),
/// --set.
#[derive(Args)]
pub(super) struct SettingsArgs {
    /// The defaults to start from, in place of the profile that the file or SIMQ_PROFILE names.
    #[arg(long, value_enum)]
    profile: Option<ProfileName>,
    /// A TOML file of settings under Celery's names; without it, the one that SIMQ_CONFIG names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, over the file and the environment: task_acks_late=false. May be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileName {
    Safe,
    Celery,
}

impl SettingsArgs {
    /// Reads all sources.
    pub(super) fn load(&self) -> Result<Loaded, BadSource> {
        let mut sources = system::sources(self.config.as_deref())?;
        if let Some(profile) = self.profile {
            sources = sources.profile(match profile {
                ProfileName::Safe => Profile::Safe,
                ProfileName::Celery => Profile::Celery,
            });
        }
        self.set.iter().fold(sources, |sources, assignment| sources.set(assignment)).load()
    }
}

//! The flags by which every command takes settings.

use crate::app::App;
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
    /// The broker (broker_url), over everything else: redis://[[user]:password@]host[:6379][/database].
    #[arg(short, long, value_name = "URL")]
    broker: Option<String>,
    /// Where results are kept (result_backend), over everything else.
    #[arg(long, visible_alias = "result-backend", value_name = "URL")]
    backend: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileName {
    Safe,
    Celery,
}

impl SettingsArgs {
    /// Reads all sources, and lays them over what the application's code sets.
    pub(super) fn load(&self, app: &App) -> Result<Loaded, BadSource> {
        self.load_with(app, &[])
    }

    /// With flags that are short for a setting: the flag, the setting, the value.
    pub(super) fn load_with(&self, app: &App, flags: &[(&str, &str, String)]) -> Result<Loaded, BadSource> {
        let mut sources = system::sources(self.config.as_deref())?.application(app.settings().clone());
        if let Some(profile) = self.profile {
            sources = sources.profile(match profile {
                ProfileName::Safe => Profile::Safe,
                ProfileName::Celery => Profile::Celery,
            });
        }
        sources = self.set.iter().fold(sources, |sources, assignment| sources.set(assignment));
        let urls = [("--broker", "broker_url", &self.broker), ("--backend", "result_backend", &self.backend)];
        for (flag, setting, value) in urls {
            sources = value.iter().fold(sources, |sources, value| sources.flag(flag, setting, value));
        }
        flags.iter().fold(sources, |sources, (flag, setting, value)| sources.flag(flag, setting, value)).load()
    }
}

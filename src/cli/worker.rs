//! `simq worker`

use super::client::Stop;
use super::node_name::node_name;
use super::settings::SettingsArgs;
use super::standing;
use crate::app::App;
use crate::env::system;
use crate::settings::{Children, Settings};
use crate::worker::WorkerOptions;
use clap::Args;

/// Arguments of `simq worker`, under Celery's names.
#[derive(Args)]
pub(super) struct Worker {
    /// Queues to take tasks from, with commas between them. Default: task_queues, or else task_default_queue.
    #[arg(short = 'Q', long, value_delimiter = ',', value_name = "QUEUE,...")]
    queues: Vec<String>,
    /// Tasks that run at the same time (worker_concurrency). Default: one for each core.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrency: Option<u32>,
    /// The worker's name: NAME, or NAME@HOST with %h for this host, %n its name, %d its domain. Default: simq@%h.
    #[arg(short = 'n', long, value_name = "NAME")]
    hostname: Option<String>,
    /// What is logged: a level, or what RUST_LOG takes. Default: RUST_LOG, or else info. At debug each task is logged.
    #[arg(short, long, value_name = "LEVEL")]
    loglevel: Option<String>,
    /// Also run the schedule, as simq beat does.
    #[arg(short = 'B', long)]
    beat: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Worker {
    pub(super) fn execute(&self, app: &App) -> u8 {
        self.run(app).unwrap_or_else(|stop| stop.told())
    }

    fn run(&self, app: &App) -> Result<u8, Stop> {
        let concurrency = self.concurrency.iter();
        let concurrency = concurrency.map(|number| ("--concurrency", "worker_concurrency", number.to_string()));
        let flags: Vec<(&str, &str, String)> = concurrency.collect();
        let loaded = self.settings.load_with(app, &flags).map_err(|bad| Stop::Input(bad.to_string()))?;
        let queues = self.queues(&loaded.settings).map_err(Stop::Input)?;
        let concurrency = children(&loaded.settings);
        let roles = |host: &str| {
            let name = node_name(self.hostname.as_deref(), host)?;
            Ok((name, Some(WorkerOptions { concurrency, queues, finishing: 0 })))
        };
        standing::run(app, &loaded, self.loglevel.as_deref(), self.beat, roles)
    }

    fn queues(&self, settings: &Settings) -> Result<Vec<String>, String> {
        let queues: Vec<String> = self.queues.iter().map(|queue| queue.trim().to_owned()).collect();
        if queues.iter().any(String::is_empty) {
            return Err("--queues: a queue has a name; expected names with commas between them".to_owned());
        }
        let known = settings.queues();
        queues.iter().try_for_each(|queue| known.find(Some(queue)).map(drop).map_err(|error| error.to_string()))?;
        Ok(queues)
    }
}

fn children(settings: &Settings) -> u32 {
    match settings.worker_concurrency {
        Some(Children::Of(number)) => number,
        Some(Children::Auto) | None => system::cores(),
    }
}

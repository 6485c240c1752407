//! `simq purge`

use super::client::{self, Client, Stop};
use super::settings::SettingsArgs;
use super::{BAD_INPUT, OK, output, queues};
use crate::app::App;
use crate::broker::admin::{self, AdminError};
use clap::Args;

/// Arguments of `simq purge`.
#[derive(Args)]
pub(super) struct Purge {
    /// Queues to empty. Default: those of the settings, dead letters aside.
    queues: Vec<String>,
    /// Ask nothing.
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Purge {
    pub(super) fn execute(&self, app: &App) -> u8 {
        self.purge(app).unwrap_or_else(|stop| stop.told())
    }

    fn purge(&self, app: &App) -> Result<u8, Stop> {
        let loaded = self.settings.load(app).map_err(|bad| Stop::Input(bad.to_string()))?;
        let queues = if self.queues.is_empty() { queues::of(&loaded.settings) } else { self.queues.clone() };
        if !self.force {
            if !output::is_asked() {
                return Err(Stop::Input(
                    "what is purged is gone for good; without a terminal to ask on, add --force".to_owned(),
                ));
            }
            let question = format!("Delete all messages in {}? [y/N] ", queues.join(", "));
            if !output::ask(&question) {
                output::print_error("nothing was deleted");
                return Ok(BAD_INPUT);
            }
        }
        client::run(app, &loaded, async |client: &Client| carry_out(client, &queues).await)
    }
}

async fn carry_out(client: &Client, queues: &[String]) -> Result<u8, Stop> {
    for queue in queues {
        let purged = admin::purge(&client.env, &client.endpoints.broker, client.app.settings(), queue).await;
        let messages = purged.map_err(|error: AdminError| Stop::Server(format!("{queue}: {error}")))?;
        let s = if messages == 1 { "" } else { "s" };
        output::print(&format!("{queue}: {messages} message{s} deleted\n"));
    }
    Ok(OK)
}

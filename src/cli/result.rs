//! `simq result`

use super::client::{self, Client, Stop};
use super::settings::SettingsArgs;
use super::show_result::{self, Format};
use super::{NOT_YET, output};
use crate::app::App;
use clap::Args;
use serde_json::Value;
use std::time::Duration;

/// Arguments of `simq result`.
#[derive(Args)]
pub(super) struct ResultOf {
    /// The id that `simq call` printed.
    id: String,
    /// Wait this many seconds for the task to be done.
    #[arg(short, long, value_name = "SECONDS", value_parser = super::call::seconds, default_value = "0")]
    wait: Duration,
    /// How to print it: for people, the value alone, or the stored JSON.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl ResultOf {
    pub(super) fn execute(&self, app: &App) -> u8 {
        let loaded = self.settings.load(app).map_err(|bad| Stop::Input(bad.to_string()));
        let shown = loaded.and_then(|loaded| {
            client::run_for_results(app, &loaded, async |client: &Client| self.carry_out(client).await)
        });
        shown.unwrap_or_else(|stop| stop.told())
    }

    async fn carry_out(&self, client: &Client) -> Result<u8, Stop> {
        client.reach_kept_results().await?;
        let failed = |error: crate::app::Error| Stop::Server(error.to_string());
        let result = client.app.result::<Value>(&self.id).map_err(failed)?;
        let mut meta = result.wait(self.wait).await.map_err(failed)?;
        if meta.is_none() && !self.wait.is_zero() {
            meta = result.meta().await.map_err(failed)?;
        }
        match meta {
            Some(meta) => Ok(show_result::show(&self.id, &meta, self.format)),
            None => {
                match self.format {
                    Format::Human => output::print(&format!("id         {}\nstate      PENDING\n", self.id)),
                    _ => output::print_error(&format!("{}: PENDING: it waits, or nobody has heard of it", self.id)),
                }
                Ok(NOT_YET)
            }
        }
    }
}

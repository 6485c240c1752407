//! `simq status`

use super::client::{self, Client, Stop};
use super::settings::SettingsArgs;
use super::{OK, output, queues};
use crate::app::App;
use crate::broker::admin::{self, Status as Found};
use clap::Args;
use serde_json::json;
use std::fmt::Write;

/// Arguments of `simq status`.
#[derive(Args)]
pub(super) struct Status {
    /// Queues to look at. Default: those of the settings, and the dead letters.
    queues: Vec<String>,
    /// One object, as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Status {
    pub(super) fn execute(&self, app: &App) -> u8 {
        let loaded = self.settings.load(app).map_err(|bad| Stop::Input(bad.to_string()));
        let shown =
            loaded.and_then(|loaded| client::run(app, &loaded, async |client: &Client| self.carry_out(client).await));
        shown.unwrap_or_else(|stop| stop.told())
    }

    async fn carry_out(&self, client: &Client) -> Result<u8, Stop> {
        let settings = client.app.settings();
        let mut names = self.queues.clone();
        if names.is_empty() {
            names = queues::of(settings);
            names.extend(settings.task_dead_letter_queue.clone().filter(|dead| !names.contains(dead)));
        }
        let broker = &client.endpoints.broker;
        let found = admin::status(&client.env, broker, settings, &names).await;
        let found = found.map_err(|error| Stop::Server(error.to_string()))?;
        output::print(&if self.json {
            as_json(&broker.to_string(), &found)
        } else {
            human(&broker.to_string(), &found)
        });
        Ok(OK)
    }
}

fn human(broker: &str, found: &Found) -> String {
    let names = found.queues.iter().map(|queue| queue.name.chars().count());
    let width = names.chain(["consumers".len()]).max().unwrap_or_default();
    let mut text = format!("{:width$}  {broker}\n", "broker");
    for queue in &found.queues {
        let _ = match &queue.ready {
            Ok(ready) => {
                let consumers = queue.consumers.map_or_else(String::new, |number| format!(", {number} consumers"));
                writeln!(text, "{:width$}  {ready} waiting{consumers}", queue.name)
            }
            Err(why) => writeln!(text, "{:width$}  no queue: {why}", queue.name),
        };
    }
    if found.queues.iter().any(|queue| queue.consumers.is_some()) {
        return text;
    }
    let known = |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let _ = writeln!(text, "{:width$}  {} of all queues", "unacked", known(found.unacked));
    let _ = writeln!(text, "{:width$}  {} connections, of all queues", "consumers", known(found.consumers));
    text
}

fn as_json(broker: &str, found: &Found) -> String {
    let queues = found.queues.iter().map(|queue| match &queue.ready {
        Ok(ready) => match queue.consumers {
            Some(consumers) => json!({ "queue": queue.name, "ready": ready, "consumers": consumers }),
            None => json!({ "queue": queue.name, "ready": ready }),
        },
        Err(why) => json!({ "queue": queue.name, "ready": null, "error": why }),
    });
    let queues: Vec<_> = queues.collect();
    let line = json!({
        "broker": broker, "queues": queues, "unacked": found.unacked, "consumers": found.consumers,
    });
    format!("{line}\n")
}

//! `simq call`

use super::client::{self, Client, Stop};
use super::settings::SettingsArgs;
use super::show_result::{self, Format};
use super::{NOT_YET, OK, output};
use crate::app::{App, CallOptions, Error, Given};
use crate::message::Timestamp;
use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;

/// Arguments of `simq call`.
#[derive(Args)]
pub(super) struct Call {
    /// The task's name.
    task: String,
    /// Its arguments, a JSON array: '[4, 6]'.
    #[arg(short, long, default_value = "[]", value_name = "JSON")]
    args: String,
    /// Its keyword arguments, a JSON object: '{"x": 4}'.
    #[arg(short, long, default_value = "{}", value_name = "JSON")]
    kwargs: String,
    /// The queue to send it to.
    #[arg(long)]
    queue: Option<String>,
    /// Not before this many seconds from now.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    countdown: Option<Duration>,
    /// Not before this time: 2026-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    eta: Option<Timestamp>,
    /// Not after this time, or after this many seconds from now.
    #[arg(long, value_name = "TIME|SECONDS", value_parser = expiry)]
    expires: Option<Expiry>,
    /// Priority, 0 to 255. On Redis 0 is the most urgent.
    #[arg(long)]
    priority: Option<u8>,
    /// Its id, in place of a new one.
    #[arg(long, value_name = "ID")]
    task_id: Option<String>,
    /// Wait for the result and print it in place of the id.
    #[arg(short, long)]
    wait: bool,
    /// Longest wait, seconds; with it --wait is understood. Default: until the task is done.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Longest time that is taken for one, seconds: a century.
const CENTURY: f64 = 3_155_760_000.0;

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=CENTURY).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected a number of seconds, 0 or more".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| format!("{error}; expected a time such as 2026-01-01T00:00:00Z"))
}

#[derive(Clone, Copy)]
enum Expiry {
    After(Duration),
    At(Timestamp),
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if let Ok(after) = seconds(text) {
        return Ok(Expiry::After(after));
    }
    Timestamp::parse(text)
        .map(Expiry::At)
        .map_err(|_| "expected a number of seconds, or a time such as 2026-01-01T00:00:00Z".to_owned())
}

impl Call {
    pub(super) fn execute(&self, app: &App) -> u8 {
        self.send(app).unwrap_or_else(|stop| stop.told())
    }

    fn send(&self, app: &App) -> Result<u8, Stop> {
        let given = Given {
            args: json("--args", &self.args, '[', "array, such as '[4, 6]'")?,
            kwargs: json("--kwargs", &self.kwargs, '{', "object, such as '{\"x\": 4}'")?,
        };
        if self.task.is_empty() {
            return Err(Stop::Input("a task has a name".to_owned()));
        }
        let loaded = self.settings.load(app).map_err(|bad| Stop::Input(bad.to_string()))?;
        super::commands::register(app, &loaded).map_err(|bad| Stop::Input(bad.to_string()))?;
        client::run(app, &loaded, async |client: &Client| self.carry_out(client, given).await)
    }

    async fn carry_out(&self, client: &Client, given: Given) -> Result<u8, Stop> {
        let waits = self.wait || self.timeout.is_some();
        if waits {
            // Found out before the task is sent, rather than after.
            client.reach_results().await?;
        }
        let task = client.app.remote::<Given, Value>(&self.task);
        let sent = task.apply_async(given, self.options()).await.map_err(|error| match error {
            Error::Publish(_) => Stop::Server(error.to_string()),
            error => Stop::Input(error.to_string()),
        })?;
        if !waits {
            output::print(&format!("{}\n", sent.id()));
            return Ok(OK);
        }
        let timeout = self.timeout.unwrap_or(Duration::from_secs_f64(CENTURY)).max(Duration::from_millis(1));
        match sent.wait(timeout).await.map_err(|error| Stop::Server(error.to_string()))? {
            Some(meta) => Ok(show_result::show(sent.id(), &meta, Format::Value)),
            None => {
                output::print_error(&format!("no result of {} within {timeout:?}", sent.id()));
                Ok(NOT_YET)
            }
        }
    }

    fn options(&self) -> CallOptions {
        let (expires, expires_at) = match self.expires {
            None => (None, None),
            Some(Expiry::After(after)) => (Some(after), None),
            Some(Expiry::At(at)) => (None, Some(at)),
        };
        CallOptions {
            queue: self.queue.clone(),
            countdown: self.countdown,
            eta: self.eta,
            expires,
            expires_at,
            priority: self.priority,
            task_id: self.task_id.as_deref().map(Into::into),
            ..CallOptions::default()
        }
    }
}

fn json(flag: &str, text: &str, begins: char, wants: &str) -> Result<Box<RawValue>, Stop> {
    let value: Result<Box<RawValue>, _> = serde_json::from_str(text);
    match value {
        Ok(value) if value.get().starts_with(begins) => Ok(value),
        Ok(_) => Err(Stop::Input(format!("{flag}: expected a JSON {wants}"))),
        Err(error) => Err(Stop::Input(format!("{flag}: {error}; expected a JSON {wants}"))),
    }
}

//! `simq beat`

use super::client::Stop;
use super::settings::SettingsArgs;
use super::{OK, output, standing};
use crate::app::App;
use crate::beat::{Entry, entries_from_toml, zone};
use crate::message::Timestamp;
use crate::schedule::Zone;
use crate::settings::{BadSource, Loaded, Settings, duration};
use clap::Args;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// Celery's algorithm is asked again no sooner than this.
const SHORTEST: Duration = Duration::from_millis(1);

/// Arguments of `simq beat`.
#[derive(Args)]
pub(super) struct Beat {
    /// List the runs of a stretch of time, and start nothing.
    #[arg(long, requires_all = ["from", "to"])]
    dry_run: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// With --dry-run: runs after this time: 2026-01-01, or 2026-01-01T00:00:00Z.
    #[arg(long, requires = "dry_run")]
    from: Option<String>,
    /// With --dry-run: runs up to this time.
    #[arg(long, requires = "dry_run")]
    to: Option<String>,
    /// With --dry-run: only this entry.
    #[arg(long, requires = "dry_run")]
    entry: Option<String>,
    /// With --dry-run: at most so many runs.
    #[arg(long, requires = "dry_run")]
    limit: Option<u64>,
    /// File of its state (beat_schedule_filename).
    #[arg(short, long, value_name = "FILE")]
    schedule: Option<String>,
    /// What is logged: a level, or what RUST_LOG takes. Default: RUST_LOG, or else info.
    #[arg(short, long, value_name = "LEVEL")]
    loglevel: Option<String>,
}

impl Beat {
    pub(super) fn execute(&self, app: &App) -> u8 {
        if !self.dry_run {
            return self.run(app).unwrap_or_else(|stop| stop.told());
        }
        output::status(self.list(app).map(|()| OK))
    }

    fn run(&self, app: &App) -> Result<u8, Stop> {
        let file = self.schedule.iter().map(|file| ("--schedule", "beat_schedule_filename", file.clone()));
        let flags: Vec<(&str, &str, String)> = file.collect();
        let loaded = self.settings.load_with(app, &flags).map_err(|bad| Stop::Input(bad.to_string()))?;
        let roles = |host: &str| Ok((format!("beat@{host}"), None));
        standing::run(app, &loaded, self.loglevel.as_deref(), true, roles)
    }

    fn list(&self, app: &App) -> Result<(), String> {
        let (from, to) = (time("--from", self.from.as_deref())?, time("--to", self.to.as_deref())?);
        if from > to {
            return Err(format!("--from {from} is after --to {to}"));
        }
        let loaded = self.settings.load(app).map_err(|bad| bad.to_string())?;
        let (mut entries, usual) = schedule(&loaded).map_err(|bad| bad.to_string())?;
        if entries.is_empty() {
            return Err("beat_schedule has no entries; add a table such as [beat_schedule.cleanup] to the file that \
                        --config names"
                .to_owned());
        }
        if let Some(wanted) = &self.entry {
            let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
            entries.retain(|entry| entry.name == *wanted);
            if entries.is_empty() {
                let nearest = crate::text::nearest(wanted, names.iter().map(String::as_str));
                let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"));
                return Err(format!("beat_schedule has no entry {wanted:?}{nearest}"));
            }
        }
        let out = BufWriter::new(io::stdout().lock());
        match print(out, &loaded.settings, &entries, &usual, (from, to), self.limit.unwrap_or(u64::MAX)) {
            // Whoever read has read enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}

/// The schedule that is set, and the time zone in which it is meant.
pub(super) fn schedule(loaded: &Loaded) -> Result<(Vec<Entry>, Zone), BadSource> {
    let zone = zone(&loaded.settings).map_err(|error| loaded.bad("timezone", &[], false, error.to_string()))?;
    let entries = entries_from_toml(&loaded.settings.beat_schedule).map_err(|error| {
        let keys: Vec<&str> = error.path.iter().map(String::as_str).collect();
        loaded.bad("beat_schedule", &keys, error.is_key, error.message)
    })?;
    Ok((entries, zone))
}

fn time(name: &str, text: Option<&str>) -> Result<Timestamp, String> {
    let text = text.unwrap_or_default();
    Timestamp::parse(text)
        .map_err(|error| format!("{name}: {error}; expected a time such as 2026-01-01 or 2026-01-01T00:00:00Z"))
}

/// When an entry runs next, by either algorithm. Celery's is asked as its loop asks it.
struct Runs<'a> {
    entry: &'a Entry,
    zone: &'a Zone,
    last: Timestamp,
    deadline: Option<Duration>,
    exactly_once: bool,
}

impl Iterator for Runs<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        let schedule = &self.entry.schedule;
        if self.exactly_once {
            self.last = schedule.due_after(self.last, self.zone)?;
            return Some(self.last);
        }
        let mut now = self.last;
        loop {
            let state = schedule.is_due(self.last, now, self.zone, self.deadline);
            if state.is_due && now > self.last {
                self.last = now;
                return Some(now);
            }
            now = now.checked_add(state.next.max(SHORTEST))?;
        }
    }
}

/// One line a run, in the order in which they are due.
fn print(
    mut out: impl Write,
    settings: &Settings,
    entries: &[Entry],
    usual: &Zone,
    (from, to): (Timestamp, Timestamp),
    limit: u64,
) -> io::Result<()> {
    let mut runs: Vec<Runs<'_>> = entries
        .iter()
        .map(|entry| Runs {
            entry,
            zone: entry.timezone.as_ref().unwrap_or(usual),
            last: from,
            deadline: settings.beat_cron_starting_deadline.map(duration),
            exactly_once: settings.beat_exactly_once,
        })
        .collect();
    let width = entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or_default().min(40);
    let mut next: BTreeSet<(Timestamp, usize)> =
        runs.iter_mut().enumerate().filter_map(|(at, runs)| Some((runs.next()?, at))).collect();
    for _ in 0..limit {
        let Some((due, at)) = next.pop_first().filter(|(due, _)| *due <= to) else { break };
        let runs = &mut runs[at];
        writeln!(
            out,
            "{:width$}  {}  {}",
            runs.entry.name,
            runs.zone.show(due),
            Zone::utc().show(due).replace("+00:00", "Z")
        )?;
        next.extend(runs.next().map(|due| (due, at)));
    }
    out.flush()
}

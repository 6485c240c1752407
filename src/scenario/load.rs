//! Reads a scenario file.

use super::explain::explain;
use super::format::{FaultEntry, File, Load, Task, Variant, Worker};
use crate::message::Timestamp;
use crate::settings::Settings;
use crate::text::Places;
use crate::text::Problem;
use crate::text::nearest;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Virtual time after which a run ends, unless the file says otherwise.
const LIMIT: Duration = Duration::from_secs(600);

/// A scenario file that was read and found to make sense.
#[derive(Clone, Debug)]
pub struct Scenario {
    path: PathBuf,
    text: String,
    pub(crate) file: File,
    hosts: BTreeMap<String, u32>,
}

/// A host of workers, by name.
pub(crate) struct Host<'a> {
    pub(crate) name: String,
    pub(crate) concurrency: u32,
    pub(crate) queues: &'a [String],
    /// Tasks that it does not know.
    pub(crate) without: &'a [toml::Spanned<String>],
    /// Messages that fit into its memory.
    pub(crate) memory: Option<u32>,
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first [`Problem`].
    pub fn load(path: &Path) -> Result<Scenario, Problem> {
        let unreadable = |error: std::io::Error| Problem::whole(path, format!("can't be read: {error}"));
        let bytes = crate::cli::files::read_up_to(path, MAX_BYTES + 1).map_err(unreadable)?;
        if let Some(within) = bytes.get(..MAX_BYTES as usize).filter(|_| bytes.len() as u64 > MAX_BYTES) {
            let text = String::from_utf8_lossy(within);
            let message = "the file is larger than 1 MiB, which ends here; a scenario is a page or two of TOML";
            return Err(Problem::at(path, &text, text.len()..text.len(), message));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..good]);
            Problem::at(path, &text, good..good, "not UTF-8 from here on; scenario files are TOML in UTF-8")
        })?;
        Scenario::parse(path, text)
    }

    /// Reads a text as if it were the file `path`.
    ///
    /// # Errors
    ///
    /// The first [`Problem`].
    pub fn parse(path: &Path, text: String) -> Result<Scenario, Problem> {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        if text.trim().is_empty() {
            let message = "the file is empty; `simq new NAME` writes a scenario to start from";
            return Err(Problem::at(path, &text, 0..0, message));
        }
        let file: File = toml::from_str(&text).map_err(|error| {
            let place = error.span().unwrap_or_else(|| most_nested(&text));
            Problem::at(path, &text, place, explain(error.message()))
        })?;
        let mut scenario = Scenario { path: path.to_owned(), text, file, hosts: BTreeMap::new() };
        scenario.hosts = scenario.check_hosts()?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The file's name without its ending.
    pub fn name(&self) -> String {
        self.path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The seed that a plain run uses.
    pub fn seed(&self) -> u64 {
        self.file.seed
    }

    /// Names of its variants; a file without variants is one run, named by `None`.
    pub fn variants(&self) -> Vec<Option<String>> {
        match self.file.variant.is_empty() {
            true => vec![None],
            false => self.file.variant.keys().cloned().map(Some).collect(),
        }
    }

    pub(crate) fn variant(&self, name: Option<&str>) -> Variant {
        name.and_then(|name| self.file.variant.get(name)).cloned().unwrap_or_default()
    }

    /// The settings of a variant.
    pub(crate) fn settings(&self, variant: &Variant) -> Settings {
        let mut settings = Settings::new(variant.profile.unwrap_or(self.file.profile));
        for table in [&self.file.settings, &variant.settings] {
            // Checked when the file was read.
            let _ = settings.set_all(table);
        }
        settings
    }

    pub(crate) fn limit(&self) -> Duration {
        self.file.limit.as_ref().map_or(LIMIT, |limit| limit.get_ref().0)
    }

    /// What every wall clock shows at the start.
    pub(crate) fn starts(&self) -> Timestamp {
        let text = self.file.starts.as_ref().and_then(|starts| Timestamp::parse(starts.get_ref()).ok());
        text.unwrap_or(Timestamp::from_micros(super::cluster::EPOCH_MICROS))
    }

    /// All hosts of the scheduler.
    pub(crate) fn beat_hosts(&self) -> Vec<String> {
        match self.file.beats.as_ref().map_or(1, |beats| *beats.get_ref()) {
            _ if self.file.beat.is_empty() => Vec::new(),
            1 => vec![super::cluster::BEAT.to_owned()],
            count => (1..=count).map(|number| format!("{}{number}", super::cluster::BEAT)).collect(),
        }
    }

    /// All worker hosts.
    pub(crate) fn worker_hosts(&self) -> Vec<Host<'_>> {
        let mut hosts = Vec::new();
        for (name, worker) in &self.file.workers {
            let concurrency = worker.concurrency.as_ref().map_or(1, |concurrency| *concurrency.get_ref());
            let names = Scenario::names_of(name.get_ref(), worker);
            let memory = worker.memory.as_ref().map(|memory| *memory.get_ref());
            let (queues, without) = (&worker.queues[..], &worker.without[..]);
            hosts.extend(names.map(|name| Host { name, concurrency, queues, without, memory }));
        }
        hosts
    }

    /// Names of the hosts of one table.
    pub(super) fn names_of(table: &str, worker: &Worker) -> impl Iterator<Item = String> {
        let count = worker.count.as_ref().map_or(1, |count| *count.get_ref());
        (1..=count).map(move |number| if count == 1 { table.to_owned() } else { format!("{table}{number}") })
    }

    /// Hosts that make calls.
    pub(crate) fn client_hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.file.workload.iter().map(client_of).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Tasks of a variant by name.
    pub(crate) fn tasks(&self, variant: &Variant) -> Vec<(String, Task)> {
        let overlaid = |(name, task): (&String, &Task)| {
            let task = variant.tasks.get(name).map_or_else(|| task.clone(), |over| task.overlaid(over));
            (name.clone(), task)
        };
        self.file.tasks.iter().map(overlaid).collect()
    }

    /// What goes wrong in a variant.
    pub(crate) fn faults<'a>(&'a self, variant: &'a Variant) -> &'a [FaultEntry] {
        variant.fault.as_deref().unwrap_or(&self.file.fault)
    }

    /// Hosts that a fault can mean, and how many pool children each has.
    pub(super) fn hosts(&self) -> &BTreeMap<String, u32> {
        &self.hosts
    }

    pub(super) fn problem(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::at(&self.path, &self.text, span, message)
    }

    /// A problem with the key at the end of a path.
    pub(super) fn key_problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let place = Places::read(&self.text).and_then(|places| places.key(path));
        self.problem(place.unwrap_or_default(), message)
    }

    /// A problem with the value at the end of a path.
    pub(super) fn value_problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let place = Places::read(&self.text).and_then(|places| places.value(path));
        self.problem(place.unwrap_or_default(), message)
    }

    /// A problem with the key beside a value.
    pub(super) fn problem_beside(&self, value: Range<usize>, key: &str, message: impl Into<String>) -> Problem {
        let place = Places::read(&self.text).and_then(|places| places.beside(&value, key));
        self.problem(place.unwrap_or(value), message)
    }
}

pub(crate) fn client_of(load: &Load) -> String {
    load.from.clone().unwrap_or_else(|| super::cluster::PRODUCER.to_owned())
}

/// The reader names no place when keys are nested too deeply: the line with the most dots.
fn most_nested(text: &str) -> Range<usize> {
    let mut end = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        end += line.len();
        (line.bytes().filter(|byte| *byte == b'.').count(), end - line.len())
    });
    lines.max_by_key(|(dots, _)| *dots).map_or(0..0, |(_, start)| start..start)
}

/// Longest word that is compared with names.
const MAX_WORD: usize = 100;

/// `; did you mean "x"?`, or nothing.
pub(super) fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    if word.len() > MAX_WORD {
        return String::new();
    }
    let candidates: Vec<&str> = candidates.into_iter().collect();
    // Of a short word, two letters in the wrong order are most of it.
    let edited = || {
        let distances = candidates.iter().map(|candidate| (strsim::osa_distance(word, candidate), *candidate));
        distances.filter(|(edits, _)| edits * 2 <= word.chars().count()).min().map(|(_, candidate)| candidate)
    };
    let nearest = nearest(word, candidates.iter().copied()).or_else(edited);
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"))
}

/// Names in one line; of very many, the first.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MANY: usize = 40;
    let more = names.len().saturating_sub(MANY);
    let mut line = names.take(MANY).collect::<Vec<_>>().join(", ");
    if more > 0 {
        line += &format!(", and {more} more");
    }
    line
}

impl Task {
    fn overlaid(&self, over: &Task) -> Task {
        Task {
            takes: over.takes.or(self.takes),
            does: over.does.clone().or_else(|| self.does.clone()),
            does_until: over.does_until.or(self.does_until),
            acks_late: over.acks_late.or(self.acks_late),
            reject_on_worker_lost: over.reject_on_worker_lost.or(self.reject_on_worker_lost),
            retry_on_worker_lost: over.retry_on_worker_lost.or(self.retry_on_worker_lost),
            acks_on_failure: over.acks_on_failure.or(self.acks_on_failure),
            acks_on_timeout: over.acks_on_timeout.or(self.acks_on_timeout),
            time_limit: over.time_limit.or(self.time_limit),
            soft_time_limit: over.soft_time_limit.or(self.soft_time_limit),
            max_retries: over.max_retries.or(self.max_retries),
            default_retry_delay: over.default_retry_delay.or(self.default_retry_delay),
            autoretry: over.autoretry.or(self.autoretry),
            retry_backoff: over.retry_backoff.or(self.retry_backoff),
            retry_backoff_max: over.retry_backoff_max.or(self.retry_backoff_max),
            retry_jitter: over.retry_jitter.or(self.retry_jitter),
            ignore_result: over.ignore_result.or(self.ignore_result),
            queue: over.queue.clone().or_else(|| self.queue.clone()),
            priority: over.priority.or(self.priority),
            rate_limit: over.rate_limit.clone().or_else(|| self.rate_limit.clone()),
        }
    }
}

//! Finding the newest file of a directory, and beginning the next.

use super::JournalError;
use super::codec::Malformed;
use super::frame::scan;
use super::keeper::Journal;
use super::log::{Log, Snapshot};
use crate::env::{Directory, Env};
use crate::settings::{Fsync, Settings};
use std::rc::Rc;

/// What the settings say about journals.
#[derive(Clone, Debug)]
pub(crate) struct Journaling {
    directory: String,
    pub(super) fsync: Fsync,
    pub(super) max_bytes: u64,
}

impl Journaling {
    /// `None` when everything stays in memory.
    pub(crate) fn new(settings: &Settings) -> Option<Self> {
        Some(Journaling {
            directory: settings.embedded_directory.clone()?,
            fsync: settings.embedded_fsync,
            max_bytes: settings.embedded_max_bytes,
        })
    }
}

/// A directory whose newest journal was read.
pub(crate) struct Opened {
    directory: Rc<dyn Directory>,
    journaling: Journaling,
    files: Vec<String>,
    generation: u64,
}

pub(super) fn file_name(generation: u64) -> String {
    format!("{generation:016}.log")
}

fn generation(file: &str) -> Option<u64> {
    file.strip_suffix(".log")?.parse().ok()
}

impl Opened {
    /// Takes the directory `name` of a journal and hands every record that is there to `replay`, in order.
    ///
    /// # Errors
    ///
    /// [`JournalError`]; nothing was changed then.
    pub(crate) fn read(
        env: &Env,
        journaling: &Journaling,
        name: &str,
        replay: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<Opened, JournalError> {
        let directory = env.open_directory(&format!("{}/{name}", journaling.directory))?;
        let files = directory.list()?;
        let newest = files.iter().filter_map(|file| generation(file)).max();
        if let Some(newest) = newest {
            let file = file_name(newest);
            let path = format!("{}/{file}", directory.path().trim_end_matches('/'));
            let found = scan(&path, &directory.read(&file)?, replay)?;
            if found.torn > 0 {
                let (end, torn) = (found.end, found.torn);
                tracing::warn!(file = path, end, torn, "the last write was cut short; nobody was told of what it held");
            }
        }
        Ok(Opened { directory, journaling: journaling.clone(), files, generation: newest.unwrap_or(0) })
    }

    /// Begins a file with the state as it is now, and removes the earlier ones.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub(crate) async fn begin<T: 'static>(
        self,
        env: &Env,
        describe: impl FnOnce(&mut Snapshot<'_>),
    ) -> Result<Rc<Journal<T>>, JournalError> {
        let marks = self.journaling.fsync != Fsync::Never;
        let (log, content) = Log::begin(self.generation + 1, marks, self.journaling.max_bytes, 0, describe);
        let file = file_name(log.generation);
        let (complete, begun): (Vec<_>, Vec<_>) = self.files.into_iter().partition(|file| generation(file).is_some());
        // A file that a kill left half written may have the name under which this one is written.
        begun.iter().try_for_each(|file| self.directory.remove(file))?;
        self.directory.replace(&file, content).await?;
        complete.iter().try_for_each(|file| self.directory.remove(file))?;
        Ok(Rc::new(Journal::new(env, self.directory, self.journaling, log, file)))
    }
}

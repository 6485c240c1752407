//! Real directories. What waits for the disk waits on a thread of the directory's own, so that a sync never holds up
//! the process.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

use crate::env::{Directory, DiskError, LocalFuture};
use std::cell::RefCell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

const LOCK: &str = "lock";

type Job = Box<dyn FnOnce() + Send>;

pub(super) struct RealDirectory {
    path: PathBuf,
    shown: String,
    /// The file that is appended to.
    open: RefCell<Option<(String, Arc<File>)>>,
    slow: mpsc::Sender<Job>,
    /// Held by the operating system in the name of this process: it ends with it, however it ends.
    _lock: File,
}

/// Makes the directory if there is none, and locks it.
pub(super) fn open(path: &Path) -> Result<RealDirectory, DiskError> {
    let shown = path.display().to_string();
    let failed = |action, error| failed(action, path, &error);
    make(path).map_err(|error| failed("make", error))?;
    let lock = path.join(LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock);
    let lock = lock.map_err(|error| failed("make a lock in", error))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => DiskError::InUse { directory: shown.clone() },
        TryLockError::Error(error) => failed("lock", error),
    })?;
    let (slow, jobs) = mpsc::channel::<Job>();
    super::thread("simq-disk", move || jobs.into_iter().for_each(|job| job()))
        .map_err(|error| failed("start a thread for", error))?;
    Ok(RealDirectory { path: path.to_owned(), shown, open: RefCell::default(), slow, _lock: lock })
}

/// Makes a directory and those above it, and the names of those that were missing safe from a loss of power.
fn make(path: &Path) -> io::Result<()> {
    let missing: Vec<_> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    fs::create_dir_all(path)?;
    for above in missing.iter().filter_map(|folder| folder.parent()) {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        File::open(above)?.sync_all()?;
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path, error: &io::Error) -> DiskError {
    DiskError::Io { action, path: path.display().to_string(), reason: error.to_string() }
}

impl RealDirectory {
    /// Has `work` done by the thread; jobs are done in order.
    fn later(
        &self,
        action: &'static str,
        file: &str,
        work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> LocalFuture<Result<(), DiskError>> {
        let (told, done) = oneshot::channel();
        let path = self.path.join(file);
        let shown = path.clone();
        let job = move || {
            // Nobody waits any more when the process is shutting down.
            let _ = told.send(work(&path));
        };
        let sent = self.slow.send(Box::new(job));
        Box::pin(async move {
            let gone = || io::Error::other("the disk's thread has ended");
            let result = if sent.is_ok() { done.await.unwrap_or_else(|_| Err(gone())) } else { Err(gone()) };
            result.map_err(|error| failed(action, &shown, &error))
        })
    }

    fn opened(&self, file: &str) -> io::Result<Arc<File>> {
        let mut open = self.open.borrow_mut();
        if let Some((name, handle)) = &*open
            && name == file
        {
            return Ok(handle.clone());
        }
        let handle = Arc::new(OpenOptions::new().append(true).open(self.path.join(file))?);
        *open = Some((file.to_owned(), handle.clone()));
        Ok(handle)
    }
}

impl Directory for RealDirectory {
    fn path(&self) -> &str {
        &self.shown
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        let list = || -> io::Result<Vec<String>> {
            let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
            names.filter(|name| !matches!(name, Ok(name) if name == LOCK)).collect()
        };
        list().map_err(|error| failed("list", &self.path, &error))
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, DiskError> {
        let path = self.path.join(file);
        fs::read(&path).map_err(|error| failed("read", &path, &error))
    }

    fn append(&self, file: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let written = self.opened(file).and_then(|handle| (&*handle).write_all(bytes));
        written.map_err(|error| failed("append to", &self.path.join(file), &error))
    }

    fn sync(&self, file: &str) -> LocalFuture<Result<(), DiskError>> {
        let handle = self.opened(file);
        self.later("sync", file, move |_| handle?.sync_data())
    }

    fn replace(&self, file: &str, bytes: Vec<u8>) -> LocalFuture<Result<(), DiskError>> {
        self.later("write", file, move |path| {
            let aside = path.with_extension("new");
            let mut handle = File::create(&aside)?;
            handle.write_all(&bytes)?;
            handle.sync_all()?;
            fs::rename(&aside, path)?;
            // The name is safe only when the directory is.
            path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        })
    }

    fn remove(&self, file: &str) -> Result<(), DiskError> {
        let path = self.path.join(file);
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
    }
}

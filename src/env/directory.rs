//! Directories of files that outlive a process: what a journal is written to.

use super::LocalFuture;

/// The disk did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process has the directory.
    #[error("{directory} is in use by another process; give each process a directory of its own")]
    InUse {
        /// The directory.
        directory: String,
    },
    /// The operating system refused.
    #[error("can't {action} {path}: {reason}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: String,
        /// What the operating system said.
        reason: String,
    },
}

/// A directory that this process has for itself, until the handle is dropped or the process ends in whatever way.
///
/// A process that is killed leaves everything that was appended; a machine that loses power only what was synced, and
/// perhaps a part of the rest.
pub trait Directory {
    /// Its path, for messages.
    fn path(&self) -> &str;
    /// Names of its files.
    fn list(&self) -> Result<Vec<String>, DiskError>;
    /// A file as a whole.
    fn read(&self, file: &str) -> Result<Vec<u8>, DiskError>;
    /// Appends to a file. One file at a time is appended to.
    fn append(&self, file: &str, bytes: &[u8]) -> Result<(), DiskError>;
    /// Completes when all that was appended before the call is safe from a loss of power.
    fn sync(&self, file: &str) -> LocalFuture<Result<(), DiskError>>;
    /// Makes or replaces a file, atomically; completes when it is safe from a loss of power.
    fn replace(&self, file: &str, bytes: Vec<u8>) -> LocalFuture<Result<(), DiskError>>;
    /// Removes a file.
    fn remove(&self, file: &str) -> Result<(), DiskError>;
}

//! Why a journal can't be used.

use crate::env::DiskError;

/// A journal can't be opened or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk, or another process that has the directory.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file begins with something else.
    #[error("{file} is no journal of simq; name another `embedded_directory`, or move the file away")]
    Foreign {
        /// The file.
        file: String,
    },
    /// Another version wrote it.
    #[error(
        "{file} has format version {found}, this simq reads version {known}; start it with the version that wrote it"
    )]
    Version {
        /// The file.
        file: String,
        /// Its version.
        found: u8,
        /// The one that is read.
        known: u8,
    },
    /// What was safely written has changed since.
    #[error("{file} is damaged at byte {offset}: {what}. Nothing was changed. {}", remedy(*.offset, *.snapshot))]
    Damaged {
        /// The file.
        file: String,
        /// The first byte that can't be trusted.
        offset: u64,
        /// What is wrong there.
        what: String,
        /// Where the file's snapshot ends.
        snapshot: u64,
    },
}

fn remedy(offset: u64, snapshot: u64) -> String {
    if offset < snapshot {
        "Restore the directory from a backup, or move the file away to begin with nothing".to_owned()
    } else {
        format!(
            "Restore the directory from a backup; or, to keep what was written before that and give up the rest, cut \
             the file to {offset} bytes (truncate -s {offset}) and start again"
        )
    }
}

impl JournalError {
    /// Whether another process has the directory.
    pub fn is_in_use(&self) -> bool {
        matches!(self, JournalError::Disk(DiskError::InUse { .. }))
    }

    /// Whether what was written can't be read back.
    pub fn is_damage(&self) -> bool {
        matches!(self, JournalError::Damaged { .. })
    }
}

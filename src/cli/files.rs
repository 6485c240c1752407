//! Files of the command line: scenarios in, traces out.
#![allow(clippy::disallowed_methods, reason = "the command line reads and writes real files, whatever it simulates")]

pub(crate) use crate::env::system::read_up_to;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(crate) fn create(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// Whether two paths name one file that exists.
pub(crate) fn are_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}

/// Writes a file, whatever was there before, and the directory that it is in.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text)
}

/// As [`replace`], but whoever is ended in the middle of it leaves what was there, and never half a file.
pub(crate) fn replace_at_once(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut builder = tempfile::Builder::new();
    // Temporary files are for their owner alone, unless told otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut aside = builder.prefix(".simq-").tempfile_in(dir)?;
    aside.write_all(text.as_bytes())?;
    aside.persist(path).map(drop).map_err(|error| error.error)
}

/// The scenarios that a path means: itself, or the TOML files of a directory and those below it, sorted.
pub(crate) fn scenarios(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let inner = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(scenarios(&inner)?);
        } else if inner.extension().is_some_and(|ending| ending == "toml") {
            found.push(inner);
        }
    }
    found.sort();
    Ok(found)
}

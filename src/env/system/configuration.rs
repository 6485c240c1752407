//! A process's own sources of settings: its file and its environment.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

use crate::settings::{BadSource, CONFIG_VARIABLE, Loaded, Problem, Settings, Sources};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest file of settings that is read.
const MAX_FILE: u64 = 16 << 20;

impl Settings {
    /// The settings of this process: those of profile `safe`, over them a file's, over them the environment's. Without a
    /// path the file is the one that `SIMQ_CONFIG` names, if it does.
    ///
    /// [`Sources`] says how they are written. Settings without effect are no error:
    /// [`Noted::warnings`](crate::settings::Noted::warnings) tells of them.
    ///
    /// # Errors
    ///
    /// The first [`BadSource`].
    ///
    /// ```
    /// use simq::App;
    /// use simq::settings::{BadSource, Settings};
    ///
    /// # fn main() -> Result<(), BadSource> {
    /// let loaded = Settings::load(None)?;
    /// loaded.settings.noted.warnings().for_each(|warning| eprintln!("{warning}"));
    /// let app = App::with_settings("shop", loaded.settings);
    /// # Ok(())
    /// # }
    /// ```
    pub fn load(file: Option<&Path>) -> Result<Loaded, BadSource> {
        sources(file)?.load()
    }
}

/// A file, or else the one that `SIMQ_CONFIG` names, and the environment.
pub(crate) fn sources(file: Option<&Path>) -> Result<Sources, BadSource> {
    let sources = Sources::new().environment(std::env::vars_os());
    let named = std::env::var_os(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(path) = file.map(Path::to_owned).or(named) else { return Ok(sources) };
    let text = read_text(&path)?;
    Ok(sources.file(path, text))
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let whole = |message: String| Problem::whole(path, message);
    let bytes = read_up_to(path, MAX_FILE + 1).map_err(|error| whole(format!("can't be read: {error}")))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(whole("the file is larger than 16 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..good]);
        let message = "not UTF-8 from here on; files of settings are TOML in UTF-8";
        Problem::at(path, &text, good..good, message).without_snippet()
    })
}

/// The first bytes of a file, `limit` of them at most. A pipe or a device is none: opening one may wait for ever.
pub(crate) fn read_up_to(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    if !kind.is_file() {
        let what = if kind.is_dir() { "it is a directory" } else { "it is no regular file" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

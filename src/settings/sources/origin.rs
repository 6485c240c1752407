//! Where a value came from.

use crate::settings::Profile;
use std::fmt;
use std::path::PathBuf;

/// Where a value came from. Displayed for people: `profile safe`, `simq.toml:3`, `variable SIMQ_TIMEZONE`, `flag --set`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It is the profile's default.
    Profile(Profile),
    /// The application's code.
    Application,
    /// A file.
    File {
        /// Its path, as it was given.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// A variable of the environment, by its name.
    Variable(String),
    /// A flag: `--set`, `--profile`, or one of its own.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Profile(profile) => write!(f, "profile {}", profile.name()),
            Origin::Application => f.write_str("the application"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => write!(f, "variable {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

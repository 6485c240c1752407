//! What is wrong with a source of settings.

use crate::text::Problem;

/// A source of settings that can't be used. None of its messages shows a value: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSource {
    /// The file: it can't be read, or something stands in it that is wrong.
    #[error(transparent)]
    File(#[from] Problem),
    /// A variable of the environment.
    #[error("variable {name}: {message}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong, what was expected, and the nearest valid name if there is one.
        message: String,
    },
    /// A flag of the command line.
    #[error("{flag}: {message}")]
    Flag {
        /// The flag, without its value.
        flag: String,
        /// What is wrong, what was expected, and the nearest valid name if there is one.
        message: String,
    },
}

//! Real time, for people to read.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

/// Real time that something took, for people to read.
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch(std::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

//! What is seen of long work while it goes on: a line on a terminal; elsewhere now and then a line on standard error.

use super::output;
use crate::env::system::Stopwatch;
use indicatif::{ProgressBar, ProgressStyle};

/// Seconds after which the first line is printed where there is no terminal. The next one comes after twice as long.
const FIRST: f64 = 10.0;
/// Redraws in a second.
const REDRAWS: f64 = 20.0;

/// Work whose steps are counted.
pub(super) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    stopwatch: Stopwatch,
    /// When it is to be told again.
    next: f64,
}

impl Progress {
    /// So many steps, or nobody knows how many; `what` they are.
    pub(super) fn new(steps: Option<u64>, what: &'static str) -> Progress {
        let is_watched = output::is_watched();
        let next = if is_watched { 0.0 } else { FIRST };
        let bar = match steps {
            _ if !is_watched => ProgressBar::hidden(),
            Some(steps) => ProgressBar::new(steps),
            None => ProgressBar::new_spinner(),
        };
        // Cut where the terminal ends, so that a narrow one is not filled line by line.
        let template = if steps.is_some() { "{bar:6} {wide_msg}" } else { "{spinner} {wide_msg}" };
        let bar =
            ProgressStyle::with_template(template).map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style));
        Progress { bar, what, stopwatch: Stopwatch::start(), next }
    }

    /// So many steps are done. `words` say more, given how many there are in a second.
    pub(super) fn show(&mut self, done: u64, words: impl FnOnce() -> String) {
        let seconds = self.stopwatch.elapsed().as_secs_f64();
        if seconds < self.next {
            return;
        }
        let count = self.bar.length().map_or_else(|| done.to_string(), |all| format!("{done}/{all}"));
        let text = format!("{count} {}  {:.0}/s  {}", self.what, done as f64 / seconds.max(1e-9), words());
        if self.bar.is_hidden() {
            self.next *= 2.0;
            output::print_error(text.trim_end());
        } else {
            self.next = seconds + 1.0 / REDRAWS;
            self.bar.set_position(done);
            self.bar.set_message(text);
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Virtual time in the unit that fits.
pub(super) fn virtual_time(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{short:.0} virtual s"),
        longer if longer < 7200.0 => format!("{:.0} virtual min", longer / 60.0),
        long => format!("{:.1} virtual h", long / 3600.0),
    }
}

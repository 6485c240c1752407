//! Many seeds of one variant, as one line.

use super::super::Report;
use super::human::{Style, title};

/// Counts the runs of one variant, and keeps the first that failed.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    title: String,
    runs: u64,
    passed: u64,
    events: u64,
    wall_seconds: f64,
    first_failed: Option<Box<Report>>,
}

impl Tally {
    /// Counts one more run.
    pub fn add(&mut self, report: Report) {
        if self.runs == 0 {
            self.title = title(&report);
        }
        self.runs += 1;
        self.events = self.events.saturating_add(report.events);
        self.wall_seconds += report.wall_seconds;
        if report.passed() {
            self.passed += 1;
        } else if self.first_failed.is_none() {
            self.first_failed = Some(Box::new(report));
        }
    }

    /// The first run that failed.
    pub fn first_failed(&self) -> Option<&Report> {
        self.first_failed.as_deref()
    }

    /// One line for all runs.
    pub fn summary(&self, style: Style) -> String {
        let Tally { title, runs, passed, events, wall_seconds, .. } = self;
        let verdict = style.verdict(passed == runs);
        format!("{verdict}  {title}  {passed} of {runs} seeds pass  ({events} events in {wall_seconds:.2} s of work)")
    }
}

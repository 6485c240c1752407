//! Reports on their way to standard output, each as soon as its turn comes.

use super::output;
use crate::scenario::Report;
use crate::scenario::report::{self, Junit, Style, Tally};
use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
    Junit,
}

pub(super) struct Show {
    format: Format,
    style: Style,
    /// Many seeds of each variant: people want one line for all of them.
    many: bool,
    runs: u64,
    passed: u64,
    tally: Option<(usize, Tally)>,
    junit: Junit,
}

impl Show {
    pub(super) fn new(format: Format, many: bool) -> Self {
        let style = if output::wants_colour() { Style::Colour } else { Style::Plain };
        Show { format, style, many, runs: 0, passed: 0, tally: None, junit: Junit::default() }
    }

    /// A run of a group has come to its end.
    pub(super) fn add(&mut self, group: usize, report: Report) {
        self.runs += 1;
        self.passed += u64::from(report.passed());
        match self.format {
            Format::Json => output::print(&format!("{}\n", report::json(&report))),
            Format::Junit => self.junit.add(&report),
            Format::Human if !self.many => output::print(&format!("{}\n", report::human(&report, self.style, "simq"))),
            Format::Human => {
                if self.tally.as_ref().is_some_and(|(of, _)| *of != group) {
                    self.print_tally();
                }
                self.tally.get_or_insert_with(|| (group, Tally::default())).1.add(report);
            }
        }
    }

    /// Prints what is left to say; whether all passed.
    pub(super) fn finish(mut self) -> bool {
        self.print_tally();
        match self.format {
            Format::Junit => output::print(&self.junit.document()),
            Format::Human if !self.many && self.runs > 1 => {
                output::print(&format!("{} of {} runs pass\n", self.passed, self.runs));
            }
            Format::Human | Format::Json => {}
        }
        self.passed == self.runs
    }

    /// One line for all seeds of a variant, and the first that failed in full.
    fn print_tally(&mut self) {
        let Some((_, tally)) = self.tally.take() else { return };
        output::print(&format!("{}\n", tally.summary(self.style)));
        if let Some(failed) = tally.first_failed() {
            output::print(&format!("\n{}\n", report::human(failed, self.style, "simq")));
        }
    }
}

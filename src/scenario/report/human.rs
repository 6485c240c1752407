//! A report for people.

use super::super::Report;
use super::replay::replay;
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Write;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A terminal that wants it.
    Colour,
    /// Anything else.
    Plain,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Style::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Style::Plain => text.to_owned(),
        }
    }

    pub(super) fn verdict(self, passed: bool) -> String {
        if passed { self.paint("1;32", "PASS") } else { self.paint("1;31", "FAIL") }
    }
}

pub(in super::super) fn title(report: &Report) -> String {
    report
        .variant
        .as_ref()
        .map_or_else(|| report.scenario.clone(), |variant| format!("{} / {variant}", report.scenario))
}

/// Counts in the order in which people want them; zeroes of hazards are left out.
const ORDER: [&str; 28] = [
    "calls",
    "succeeded",
    "failed",
    "rejected",
    "ignored",
    "expired",
    "revoked",
    "skipped_duplicates",
    "dead_lettered",
    "call_failed",
    "lost",
    "stuck",
    "duplicated",
    "overlapping",
    "starved",
    "hung",
    "result_missing",
    "result_wrong",
    "acked_unstored",
    "unbounded_loop",
    "wrong_order",
    "ran_revoked",
    "crashed",
    "executions",
    "interrupted",
    "ticks",
    "skipped",
    "doubled",
];

/// Outcomes that are hazards, written as the vocabulary writes them.
fn label(name: &str) -> String {
    match name {
        "calls" | "succeeded" | "failed" | "rejected" | "ignored" | "expired" | "executions" | "interrupted"
        | "ticks" | "revoked" | "skipped_duplicates" | "dead_lettered" | "call_failed" => name.replace('_', " "),
        hazard => hazard.to_uppercase(),
    }
}

/// The whole report; `program` is how to call simq again.
pub fn human(report: &Report, style: Style, program: &str) -> String {
    let mut text = String::new();
    let verdict = style.verdict(report.passed());
    let _ = writeln!(text, "{verdict}  {}  seed {}", style.paint("1", &title(report)), report.seed);
    if let Some(about) = &report.about {
        let _ = writeln!(text, "      {about}");
    }
    let _ = writeln!(text, "\n{}\n", outcomes(report));
    if !report.expectations.is_empty() {
        let _ = writeln!(text, "{}\n", expectations(report, style));
    }
    for fault in &report.faults {
        let struck = if fault.struck { "struck" } else { "NEVER STRUCK" };
        let _ = writeln!(text, "  fault    {}, {}: {struck}", fault.fault, fault.when);
    }
    let (virtual_seconds, wall) = (report.virtual_seconds, report.wall_seconds);
    let _ = writeln!(text, "  trace    {}  ({} events)", report.trace_hash, report.events);
    let _ = writeln!(text, "  time     {virtual_seconds:.1} virtual seconds in {wall:.3} s");
    let _ = writeln!(text, "  replay   {}", replay(report, program));
    for failure in &report.failures {
        let _ = writeln!(text, "  {}  {failure}", style.paint("31", "failed"));
    }
    text
}

fn outcomes(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let shown: Vec<(String, u64)> = ORDER
        .iter()
        .filter_map(|name| report.outcomes.get(name).map(|count| (*name, *count)))
        .filter(|(name, count)| *count > 0 || matches!(*name, "calls" | "succeeded" | "lost" | "executions"))
        .map(|(name, count)| (label(name), count))
        .collect();
    table.set_header(shown.iter().map(|(name, _)| name.clone()));
    table.add_row(shown.iter().map(|(_, count)| count.to_string()));
    indent(&table.to_string())
}

fn expectations(report: &Report, style: Style) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["expected", "wanted", "seen", ""]);
    for expectation in &report.expectations {
        let mark = match (expectation.holds, expectation.exercised) {
            (true, true) => "ok",
            (_, false) => "not put to the test",
            (false, true) => "broken",
        };
        table.add_row([&expectation.key, &expectation.wanted, &expectation.seen, mark]);
    }
    // Colour comes last: escape codes would count as width.
    indent(&table.to_string()).replace(" broken", &format!(" {}", style.paint("31", "broken")))
}

fn indent(table: &str) -> String {
    table.lines().map(|line| format!(" {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

//! One HTML file that needs no network.

use super::history::{Entry, FaultLine, KEYS, LeftOut, LifeLine, Timeline};
use super::lanes::Lane;
use super::record::NONE;
use crate::collections::Map;
use crate::scenario::report::{replay, title};
use crate::scenario::{Expectation, FaultReport, Report};
use serde::Serialize;
use std::collections::BTreeMap;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPTS: [&str; 10] = [
    include_str!("page/data.js"),
    include_str!("page/words.js"),
    include_str!("page/view.js"),
    include_str!("page/lanes.js"),
    include_str!("page/draw.js"),
    include_str!("page/marks.js"),
    include_str!("page/overview.js"),
    include_str!("page/panel.js"),
    include_str!("page/input.js"),
    include_str!("page/main.js"),
];

/// What the page knows: facts as columns, times in whole microseconds.
#[derive(Serialize)]
struct Data<'a> {
    title: String,
    passed: bool,
    report: Head<'a>,
    replay: String,
    version: &'static str,
    /// Microseconds.
    end: u64,
    lanes: &'a [Lane],
    lives: &'a [LifeLine],
    faults: &'a [FaultLine],
    left_out: LeftOut,
    /// What can be counted of a task, and whether an expectation about it is broken.
    keys: Vec<(&'static str, bool)>,
    kinds: Vec<&'static str>,
    fates: Vec<&'static str>,
    names: Vec<&'a str>,
    details: Vec<&'a str>,
    tasks: Tasks<'a>,
    facts: Facts,
}

/// The verdict. Every task is told below.
#[derive(Serialize)]
struct Head<'a> {
    scenario: &'a str,
    variant: Option<&'a str>,
    about: Option<&'a str>,
    seed: u64,
    failures: &'a [String],
    expectations: &'a [Expectation],
    faults: &'a [FaultReport],
    trace_hash: &'a str,
    events: u64,
}

impl<'a> Head<'a> {
    fn of(report: &'a Report) -> Head<'a> {
        Head {
            scenario: &report.scenario,
            variant: report.variant.as_deref(),
            about: report.about.as_deref(),
            seed: report.seed,
            failures: &report.failures,
            expectations: &report.expectations,
            faults: &report.faults,
            trace_hash: &report.trace_hash,
            events: report.events,
        }
    }
}

#[derive(Default, Serialize)]
struct Tasks<'a> {
    id: Vec<&'a str>,
    name: Vec<usize>,
    fate: Vec<usize>,
    counted: Vec<u32>,
}

#[derive(Default, Serialize)]
struct Facts {
    /// Microseconds since the one before.
    after: Vec<u64>,
    /// -1: of no task.
    task: Vec<i64>,
    lane: Vec<u32>,
    kind: Vec<usize>,
    detail: Vec<u32>,
    /// How many facts before this one its cause is; 0: it has none.
    cause: Vec<u32>,
}

/// Numbers for texts, in the order in which they come.
#[derive(Default)]
struct Numbers<'a>(Map<&'a str, ()>);

impl<'a> Numbers<'a> {
    fn of(&mut self, text: &'a str) -> usize {
        self.0.get_index_of(text).unwrap_or_else(|| self.0.insert_full(text, ()).0)
    }

    fn all(self) -> Vec<&'a str> {
        self.0.into_keys().collect()
    }
}

impl Timeline {
    /// The page. `report` is that of the same run, `program` how to call simq again.
    pub fn html(&self, report: &Report, program: &str) -> String {
        let data = serde_json::to_string(&self.data(report, program)).unwrap_or_default();
        // Ids and names come from a file: nothing in them may end the element that holds them.
        let data = data.replace('<', "\\u003c");
        let title = format!("{} · simq", heading(report));
        let parts: BTreeMap<&str, String> =
            [("TITLE", escape(&title)), ("STYLE", STYLE.to_owned()), ("DATA", data), ("SCRIPT", SCRIPTS.concat())]
                .into();
        fill(PAGE, &parts)
    }

    fn data<'a>(&'a self, report: &'a Report, program: &str) -> Data<'a> {
        let (mut fates, mut names, mut tasks) = (Numbers::default(), Numbers::default(), Tasks::default());
        for task in &self.tasks {
            tasks.id.push(&task.id);
            tasks.name.push(names.of(&task.name));
            tasks.fate.push(fates.of(task.fate));
            tasks.counted.push(task.counted);
        }
        let (facts, kinds) = facts(&self.entries);
        let broken = |key: &str| {
            let about = |of: &str| of == key || of.rsplit('.').next() == Some(key);
            report.expectations.iter().any(|expectation| !expectation.is_met() && about(&expectation.key))
        };
        Data {
            title: heading(report),
            passed: report.passed(),
            report: Head::of(report),
            replay: replay(report, program),
            version: env!("CARGO_PKG_VERSION"),
            end: micros(self.end),
            lanes: &self.lanes,
            lives: &self.lives,
            faults: &self.faults,
            left_out: self.left_out,
            keys: KEYS.iter().map(|(key, _)| (*key, broken(key))).collect(),
            kinds,
            fates: fates.all(),
            names: names.all(),
            details: self.details.iter().map(|detail| &**detail).collect(),
            tasks,
            facts,
        }
    }
}

fn facts(entries: &[Entry]) -> (Facts, Vec<&'static str>) {
    let (mut facts, mut kinds, mut before) = (Facts::default(), Numbers::default(), 0);
    for (number, entry) in entries.iter().enumerate() {
        let at = micros(entry.at);
        facts.after.push(at - before);
        before = at;
        facts.task.push(if entry.task == NONE { -1 } else { i64::from(entry.task) });
        facts.lane.push(entry.lane);
        facts.kind.push(kinds.of(entry.kind));
        facts.detail.push(entry.detail);
        facts.cause.push(if entry.cause == NONE { 0 } else { (number as u32).saturating_sub(entry.cause) });
    }
    (facts, kinds.all())
}

fn heading(report: &Report) -> String {
    let verdict = if report.passed() { "PASS" } else { "FAIL" };
    format!("{verdict} {}, seed {}", title(report), report.seed)
}

fn micros(nanos: u64) -> u64 {
    nanos / 1000
}

/// A text as the content of an HTML element.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Puts each part in its place, in one pass: a part that contains the name of another is left alone.
fn fill(page: &str, parts: &BTreeMap<&str, String>) -> String {
    let mut filled = String::with_capacity(page.len() + parts.values().map(String::len).sum::<usize>());
    for (number, piece) in page.split("@@").enumerate() {
        filled.push_str(if number % 2 == 0 { piece } else { parts.get(piece).map_or("", String::as_str) });
    }
    filled
}

//! The Chrome trace event format, for <https://ui.perfetto.dev> and `chrome://tracing`. Times are virtual microseconds.
//!
//! A host is a process, a pool child or a queue a thread of it. An execution is a slice, anything else that happens to a
//! task a slice of a moment, because flows begin and end at slices; faults are instants of the whole trace.

use super::history::{Entry, Timeline};
use super::record::{LOST, NONE};
use crate::scenario::Report;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Microseconds of a slice that stands for a moment.
const MOMENT: f64 = 1.0;

impl Timeline {
    /// Writes the trace. `report` is that of the same run.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn perfetto(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut trace = Trace { out, first: true };
        trace.begin(report)?;
        for (lane, of) in self.lanes.iter().enumerate() {
            let (pid, tid) = self.ids(lane as u32);
            let what = if of.of.is_some() { "thread_name" } else { "process_name" };
            trace.event(&json!({ "ph": "M", "pid": pid, "tid": tid, "name": what, "args": { "name": of.name } }))?;
            if of.of.is_none() {
                let order = json!({ "sort_index": lane });
                trace.event(&json!({ "ph": "M", "pid": pid, "name": "process_sort_index", "args": order }))?;
                let own = json!({ "name": of.name });
                trace.event(&json!({ "ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": own }))?;
            }
        }
        let ends = self.ends();
        for (number, entry) in self.entries.iter().enumerate() {
            let end = ends.get(&number).copied();
            if entry.kind != "task.finished" {
                trace.event(&self.slice(entry, end))?;
            }
            self.flow(&mut trace, number, entry)?;
        }
        for fault in &self.faults {
            let cat = if fault.struck { "fault" } else { "fault, nothing to strike" };
            let at = json!({ "ph": "i", "s": "g", "name": fault.text, "cat": cat, "ts": micros(fault.at), "pid": 1 });
            trace.event(&at)?;
        }
        trace.end()
    }

    /// Process and thread of a lane.
    fn ids(&self, lane: u32) -> (u32, u32) {
        (self.lanes[lane as usize].of.unwrap_or(lane) + 1, lane + 1)
    }

    /// When each execution was over, by the number of the fact that it began.
    fn ends(&self) -> BTreeMap<usize, (u64, &str)> {
        let mut running: BTreeMap<u32, usize> = BTreeMap::new();
        let mut ends = BTreeMap::new();
        for (number, entry) in self.entries.iter().enumerate() {
            match entry.kind {
                "task.started" => {
                    running.insert(entry.lane, number);
                    ends.insert(number, (self.end, "still running"));
                }
                "task.finished" | LOST => {
                    if let Some(began) = running.remove(&entry.lane) {
                        let cut = entry.kind == LOST;
                        ends.insert(began, (entry.at, if cut { "cut short" } else { self.detail(entry) }));
                    }
                }
                _ => {}
            }
        }
        ends
    }

    fn detail(&self, entry: &Entry) -> &str {
        self.details.get(entry.detail as usize).map_or("", |detail| detail)
    }

    fn slice(&self, entry: &Entry, end: Option<(u64, &str)>) -> Value {
        let (pid, tid) = self.ids(entry.lane);
        let task = self.tasks.get(entry.task as usize);
        let (from, id) = (micros(entry.at), task.map_or("", |task| &task.id));
        let mut slice = json!({
            "ph": "X", "pid": pid, "tid": tid, "ts": from, "dur": MOMENT, "name": entry.kind, "cat": "fact",
            "args": { "task": id, "detail": self.detail(entry) },
        });
        if let Some((over, how)) = end {
            slice["name"] = task.map_or("", |task| &task.name).into();
            slice["cat"] = "execution".into();
            slice["dur"] = (micros(over) - from).max(MOMENT).into();
            slice["args"]["ended"] = how.into();
        }
        slice
    }

    /// An arrow from the cause of a fact to it.
    fn flow(&self, trace: &mut Trace<'_>, number: usize, entry: &Entry) -> io::Result<()> {
        let Some(cause) = self.entries.get(entry.cause as usize).filter(|_| entry.cause != NONE) else {
            return Ok(());
        };
        for (ph, at) in [("s", cause), ("f", entry)] {
            let (pid, tid) = self.ids(at.lane);
            let flow = json!({
                "ph": ph, "bp": "e", "id": number, "cat": "message", "name": entry.kind,
                "pid": pid, "tid": tid, "ts": micros(at.at),
            });
            trace.event(&flow)?;
        }
        Ok(())
    }
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

struct Trace<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl Trace<'_> {
    fn begin(&mut self, report: &Report) -> io::Result<()> {
        let about = json!({
            "scenario": report.scenario, "variant": report.variant, "seed": report.seed, "verdict": report.verdict,
            "failures": report.failures, "trace_hash": report.trace_hash,
        });
        writeln!(self.out, "{{\"displayTimeUnit\": \"ms\", \"otherData\": {about}, \"traceEvents\": [")
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        let comma = if std::mem::replace(&mut self.first, false) { "" } else { ",\n" };
        write!(self.out, "{comma}{event}")
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.out, "\n]}}")?;
        self.out.flush()
    }
}

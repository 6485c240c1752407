//! Effects that were only counted get their names: `before = "basic.ack"` says more than the 57th of all.

use super::Shrinker;
use super::tree::{Step, value_at};
use crate::events::Event;
use crate::scenario::Scenario;
use crate::scenario::explore::document::written;
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::{Look, Observer};
use crate::scenario::run::run_watched;
use simq_sim::{Record, What};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use toml::{Table, Value};

/// What one process does to others and to its disk, in order.
struct Said {
    process: String,
    labels: Vec<&'static str>,
    most: usize,
}

impl Observer for Said {
    fn fact(&mut self, _: Nanos, _: &Arc<str>, _: &Event<'_>) {}

    fn record(&mut self, record: &Record<'_>) {
        if let What::Sent { label, .. } | What::Disk { effect: label, .. } = record.what
            && record.process == self.process
            && self.labels.len() < self.most
        {
            self.labels.push(label);
        }
    }
}

impl Shrinker<'_> {
    /// Names the effects of faults that strike at `any`.
    pub(super) fn name_effects(&mut self) {
        let count = self.best.get("fault").and_then(Value::as_array).map_or(0, Vec::len);
        for at in 0..count {
            for point in ["before", "after"] {
                let path = [Step::Key("fault".to_owned()), Step::At(at)];
                let fault = value_at(&mut self.best, &path).and_then(Value::as_table_mut).cloned().unwrap_or_default();
                let Some((label, nth)) = self.nth_effect(at, &fault, point) else { continue };
                self.change(|document| {
                    let Some(Value::Table(fault)) = value_at(document, &path) else { return false };
                    fault.insert(point.to_owned(), label.into());
                    fault.insert("nth".to_owned(), Value::Integer(nth));
                    true
                });
            }
        }
    }

    /// The name of the effect at which a fault strikes, and which of that name it is. The run without the fault is the
    /// same until then.
    fn nth_effect(&self, at: usize, fault: &Table, point: &str) -> Option<(&'static str, i64)> {
        if fault.get(point)?.as_str()? != "any" {
            return None;
        }
        let process = fault.get("of").or_else(|| fault.get("process"))?.as_str()?.to_owned();
        let most = usize::try_from(fault.get("nth").and_then(Value::as_integer).unwrap_or(1)).ok()?;
        let mut without = self.best.clone();
        without.get_mut("fault")?.as_array_mut()?.remove(at);
        let scenario = Scenario::parse(&self.path, written(&without)).ok()?;
        let said = Rc::new(RefCell::new(Said { process, labels: Vec::new(), most }));
        let look = Look { observer: Some(Box::new(said.clone())), ..Look::default() };
        run_watched(&scenario, None, scenario.seed(), look).ok()?;
        let said = said.borrow();
        let label = *said.labels.get(most.checked_sub(1)?)?;
        let nth = said.labels.iter().filter(|other| **other == label).count();
        Some((label, i64::try_from(nth).ok()?))
    }
}

//! Things are taken out of a story, numbers are made smaller.

use super::Shrinker;
use toml::{Table, Value};

/// A key of a table, or a place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    At(usize),
}

/// The value at the end of a path.
pub(super) fn value_at<'a>(document: &'a mut Table, path: &[Step]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    let Step::Key(key) = first else { return None };
    rest.iter().try_fold(document.get_mut(key)?, |value, step| match step {
        Step::Key(key) => value.as_table_mut()?.get_mut(key),
        Step::At(at) => value.as_array_mut()?.get_mut(*at),
    })
}

fn remove(document: &mut Table, path: &[Step]) -> bool {
    let Some((last, parent)) = path.split_last() else { return false };
    match (last, parent.is_empty()) {
        (Step::Key(key), true) => document.remove(key).is_some(),
        (last, _) => match (last, value_at(document, parent)) {
            (Step::Key(key), Some(Value::Table(table))) => table.remove(key).is_some(),
            (Step::At(at), Some(Value::Array(array))) if *at < array.len() => {
                array.remove(*at);
                true
            }
            _ => false,
        },
    }
}

/// What ends a fault, or the run. Without it the failure would be graver, not smaller: a worker that never comes back
/// leaves every call stuck.
const ENDS: [&str; 4] = ["restart_after", "for", "grace", "limit"];

fn ends_something(path: &[Step]) -> bool {
    let key =
        |step: Option<&Step>, among: &[&str]| matches!(step, Some(Step::Key(key)) if among.contains(&key.as_str()));
    key(path.last(), &ENDS) && (path.len() == 1 || key(path.first(), &["fault"]))
}

/// Paths of everything in a document, parents before their children, lists from the end. What a failure is about and
/// which run it is stays.
pub(super) fn paths(document: &Table) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    for (key, value) in document.iter().filter(|(key, _)| !matches!(key.as_str(), "expect" | "seed" | "schedule")) {
        walk(value, vec![Step::Key(key.clone())], &mut found);
    }
    found.sort_by_key(Vec::len);
    found
}

fn walk(value: &Value, path: Vec<Step>, found: &mut Vec<Vec<Step>>) {
    let below = |step: Step| path.iter().cloned().chain([step]).collect::<Vec<_>>();
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| walk(value, below(Step::Key(key.clone())), found)),
        Value::Array(array) => {
            array.iter().enumerate().rev().for_each(|(at, value)| walk(value, below(Step::At(at)), found));
        }
        _ => {}
    }
    found.push(path);
}

impl Shrinker<'_> {
    /// Takes out whatever is not needed: faults, then calls, then workers, then every key of every table.
    pub(super) fn take_out(&mut self) {
        self.thin_out("fault");
        self.thin_out("workload");
        self.thin_out("beat");
        self.lower(&["workload", "workers"]);
        self.name_workers();
        for path in paths(&self.best).into_iter().filter(|path| !ends_something(path)) {
            self.change(|document| remove(document, &path));
        }
        self.change(|document| {
            // A schedule without a word is the first choice everywhere, the smallest that there is.
            let is_nothing = |(key, value): &(&String, &Value)| is_empty(value) && *key != "schedule";
            let empty: Vec<String> = document.iter().filter(is_nothing).map(|(key, _)| key.clone()).collect();
            empty.iter().for_each(|key| drop(document.remove(key)));
            !empty.is_empty()
        });
    }

    /// Gives each of several workers alike a table of its own, so that those that no fault names can go.
    fn name_workers(&mut self) {
        self.change(|document| {
            let Some(Value::Table(workers)) = document.get_mut("workers") else { return false };
            let several = |worker: &Value| worker.get("count").and_then(Value::as_integer).unwrap_or(1);
            let alike: Vec<(String, i64)> = workers
                .iter()
                .map(|(name, worker)| (name.clone(), several(worker)))
                .filter(|(_, count)| *count > 1)
                .collect();
            for (name, count) in &alike {
                let Some(Value::Table(mut worker)) = workers.remove(name) else { continue };
                worker.remove("count");
                workers.extend((1..=*count).map(|number| (format!("{name}{number}"), Value::Table(worker.clone()))));
            }
            !alike.is_empty()
        });
    }

    /// Takes parts of a list out, large ones first.
    fn thin_out(&mut self, list: &str) {
        let length = |document: &Table| document.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        let mut part = length(&self.best);
        while part > 0 {
            let mut from = length(&self.best);
            while from > 0 {
                let first = from.saturating_sub(part);
                self.change(|document| {
                    let Some(Value::Array(items)) = document.get_mut(list) else { return false };
                    items.drain(first..from.min(items.len()));
                    true
                });
                from = first;
            }
            part /= 2;
        }
    }

    /// Makes whole numbers smaller.
    pub(super) fn lower_numbers(&mut self) {
        self.lower(&["fault", "workload", "workers", "settings", "tasks", "beats"]);
    }

    fn lower(&mut self, within: &[&str]) {
        let wanted = |path: &[Step]| matches!(path.first(), Some(Step::Key(key)) if within.contains(&key.as_str()));
        for path in paths(&self.best).into_iter().filter(|path| wanted(path)) {
            let Some(now) = value_at(&mut self.best, &path).and_then(|value| value.as_integer()) else { continue };
            self.lower_one(&path, now);
        }
    }

    /// To 1; or else as far down as halving gets it, and then by ones.
    fn lower_one(&mut self, path: &[Step], mut now: i64) {
        let set = |shrinker: &mut Self, to: i64| {
            shrinker.change(|document| {
                value_at(document, path).is_some_and(|value| {
                    *value = Value::Integer(to);
                    true
                })
            })
        };
        if now <= 1 || set(self, 1) {
            return;
        }
        let mut failed = 1;
        while now - failed > 1 {
            let middle = failed + (now - failed) / 2;
            if set(self, middle) { now = middle } else { failed = middle }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Table(table) => table.is_empty(),
        Value::Array(array) => array.is_empty(),
        _ => false,
    }
}

//! `x-death` as RabbitMQ 3.10 keeps it: in the message itself, and believed whoever wrote it.

use super::Name;
use crate::message::Table;
use serde_json::Value;

const HEADER: &str = "x-death";

/// Adds a death to a message's headers: a new entry in front, or the known one of this queue and reason, counted up.
///
/// Each time the other entries come in the opposite order, which is what RabbitMQ's grouping of them does.
pub(super) fn record(headers: &mut Table, death: Value) {
    let Some(Value::Array(entries)) = headers.get(HEADER).cloned() else {
        if headers.get(HEADER).is_none() {
            for (name, field) in [
                ("x-first-death-reason", "reason"),
                ("x-first-death-queue", "queue"),
                ("x-first-death-exchange", "exchange"),
            ] {
                headers.set(name, death[field].clone());
            }
        }
        headers.set(HEADER, vec![death]);
        return;
    };
    let mut grouped = grouped(entries);
    let known = grouped.iter().position(|entry| same_death(entry, &death));
    let latest = match known {
        None => death,
        Some(at) => {
            let mut entry = grouped.remove(at);
            let count = entry["count"].as_u64().unwrap_or(0);
            if let Some(fields) = entry.as_object_mut() {
                fields.insert("count".to_owned(), (count + 1).into());
            }
            entry
        }
    };
    grouped.insert(0, latest);
    headers.set(HEADER, grouped);
}

/// One entry for each queue and reason. An entry without a count stands for as many as there are of its kind.
fn grouped(entries: Vec<Value>) -> Vec<Value> {
    if entries.len() < 2 {
        return entries;
    }
    let mut groups: Vec<Value> = Vec::new();
    for entry in &entries {
        if groups.iter().any(|group| same_death(group, entry)) {
            continue;
        }
        let mut group = entry.clone();
        let alike = entries.iter().filter(|other| same_death(other, entry)).count();
        if let Some(fields) = group.as_object_mut().filter(|fields| !fields.contains_key("count")) {
            fields.insert("count".to_owned(), alike.into());
        }
        groups.insert(0, group);
    }
    groups
}

fn same_death(a: &Value, b: &Value) -> bool {
    a["queue"] == b["queue"] && a["reason"] == b["reason"]
}

/// Whether the message died in `target` before and no client rejected it since then (or then).
pub(super) fn closes_cycle(target: &Name, headers: &Table) -> bool {
    let Some(Value::Array(deaths)) = headers.get(HEADER) else { return false };
    match deaths.iter().position(|death| death["queue"] == **target) {
        None => false,
        Some(at) => deaths[..=at].iter().all(|death| death["reason"] != "rejected"),
    }
}

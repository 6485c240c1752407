//! A scenario as a TOML document: one variant flattened into a story of its own, and written in a readable order.

use crate::settings::Settings;
use toml::{Table, Value};

/// Keys in the order in which people read a story; others follow.
const ORDER: [&str; 18] = [
    "about", "seed", "profile", "limit", "starts", "broker", "backend", "beats", "redis", "settings", "network",
    "workers", "tasks", "workload", "beat", "fault", "schedule", "expect",
];

/// The story of one variant, without variants and without what exploration may add; `None` if the text is no TOML.
pub(super) fn flattened(text: &str, variant: Option<&str>) -> Option<Table> {
    let mut file: Table = text.strip_prefix('\u{feff}').unwrap_or(text).parse().ok()?;
    let variants = file.remove("variant");
    file.remove("explore");
    let overlay = variant.and_then(|name| variants.as_ref()?.get(name)?.as_table().cloned()).unwrap_or_default();
    for (key, value) in overlay {
        match (key.as_str(), value) {
            ("settings", Value::Table(over)) => overlay_settings(table_in(&mut file, "settings"), over),
            ("tasks", Value::Table(over)) => {
                let tasks = table_in(&mut file, "tasks");
                // A variant changes keys of tasks that the file has; it adds none.
                over.into_iter().filter(|(name, _)| tasks.contains_key(name)).collect::<Vec<_>>().into_iter().for_each(
                    |(name, task)| match task {
                        Value::Table(task) => table_in(tasks, &name).extend(task),
                        other => drop(other),
                    },
                );
            }
            ("expect", Value::Table(over)) => overlay_expect(table_in(&mut file, "expect"), over),
            (_, value) => {
                file.insert(key, value);
            }
        }
    }
    Some(file)
}

/// The table under a key, made if there is none.
pub(super) fn table_in<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    let value = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    match value {
        Value::Table(table) => table,
        _ => unreachable!("it has just been made one"),
    }
}

/// A family of settings is laid over member by member; a setting that is a table is replaced.
pub(super) fn overlay_settings(settings: &mut Table, over: Table) {
    for (name, value) in over {
        match value {
            Value::Table(members) if Settings::setting(&name).is_none() => {
                table_in(settings, &name).extend(members);
            }
            value => {
                settings.insert(name, value);
            }
        }
    }
}

fn overlay_expect(expect: &mut Table, over: Table) {
    for (key, value) in over {
        match value {
            Value::Table(subjects) if key == "of" => {
                let of = table_in(expect, "of");
                for (subject, value) in subjects {
                    if let Value::Table(value) = value {
                        overlay_expect(table_in(of, &subject), value);
                    }
                }
            }
            value => {
                expect.insert(key, value);
            }
        }
    }
}

/// The document as text.
pub(super) fn written(document: &Table) -> String {
    let known = ORDER.iter().copied().filter(|key| document.contains_key(*key));
    let other = document.keys().map(String::as_str).filter(|key| !ORDER.contains(key));
    let (mut plain, mut tables) = (String::new(), Vec::new());
    for key in known.chain(other) {
        let Some(value) = document.get(key) else { continue };
        let text = Table::from_iter([(key.to_owned(), value.clone())]).to_string();
        let is_table = value.is_table() || value.as_array().is_some_and(|array| array.iter().all(Value::is_table));
        match is_table {
            true => tables.push(text),
            false => plain.push_str(&text),
        }
    }
    let mut parts = vec![plain];
    parts.append(&mut tables);
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().map(|part| format!("{}\n", part.trim_end())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "reads the shipped scenarios")]
mod tests {
    use super::*;
    use crate::scenario::{Scenario, run};
    use std::path::Path;

    /// Every shipped variant, flattened and written anew, is the same run.
    #[test]
    fn a_flattened_variant_is_the_same_run() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let files = std::fs::read_dir(dir).expect("the scenarios").map(|entry| entry.expect("an entry").path());
        for file in files.filter(|file| file.is_file()) {
            let text = std::fs::read_to_string(&file).expect("a text");
            let scenario = Scenario::load(&file).expect("a scenario");
            for variant in scenario.variants() {
                let flat = flattened(&text, variant.as_deref()).expect("a document");
                let flat = Scenario::parse(&file, written(&flat)).unwrap_or_else(|problem| panic!("{problem}"));
                let before = run(&scenario, variant.as_deref(), 3, None, false).expect("a run");
                let after = run(&flat, None, 3, None, false).expect("a run");
                assert_eq!(before.trace_hash, after.trace_hash, "{} {variant:?}", file.display());
                assert_eq!(before.expectations, after.expectations, "{} {variant:?}", file.display());
            }
        }
    }

    #[test]
    fn a_document_is_written_in_the_order_of_a_story() {
        let text =
            "expect = { lost = 0 }\nseed = 3\n[workers.w]\n[settings]\ntask_acks_late = true\n[[fault]]\ndo = 'kill'\n";
        let written = written(&text.parse().expect("TOML"));
        let at = |part: &str| written.find(part).unwrap_or_else(|| panic!("{part} in {written}"));
        assert!(at("seed") < at("[settings]") && at("[settings]") < at("[workers.w]"));
        assert!(at("[workers.w]") < at("[[fault]]") && at("[[fault]]") < at("[expect]"));
    }
}

//! What the smallest story expects: the one thing that does not hold.

use super::super::document::table_in;
use super::Shrinker;
use toml::{Table, Value};

impl Shrinker<'_> {
    /// Leaves only the expectation that the failure is about. Counts of calls change while a story shrinks; a hazard
    /// behind them does not.
    pub(super) fn narrow_expectations(&mut self) {
        let outcome = self.original.outcome.trim_start_matches("untested ").to_owned();
        self.change(|document| {
            let expect = table_in(document, "expect");
            let Some(narrow) = narrowed(expect, &outcome) else { return false };
            let changed = *expect != narrow;
            *expect = narrow;
            changed
        });
    }
}

fn narrowed(expect: &Table, outcome: &str) -> Option<Table> {
    let mut narrow = Table::new();
    match outcome.strip_prefix("of.") {
        Some(rest) => {
            // A subject's name may have dots; keys have none, but for those of states.
            let (subject, key) = rest.rsplit_once('.')?;
            let value = expect.get("of")?.get(subject)?.get(key)?.clone();
            table_in(table_in(&mut narrow, "of"), subject).insert(key.to_owned(), value);
        }
        None => {
            let (key, state) = outcome.split_once('.').map_or((outcome, None), |(key, state)| (key, Some(state)));
            let value = match (expect.get(key), state) {
                (Some(value), Some(state)) => {
                    Value::Table(Table::from_iter([(state.to_owned(), value.get(state)?.clone())]))
                }
                (Some(value), None) => value.clone(),
                (None, _) => Value::Integer(0),
            };
            narrow.insert(key.to_owned(), value);
        }
    }
    Some(narrow)
}

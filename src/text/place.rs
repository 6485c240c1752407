//! Where keys and values stand in the text of a TOML file. It is a second reading, beside the one for the values.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file, read with the places of everything in it.
pub(crate) struct Places<'a>(Spanned<DeTable<'a>>);

impl<'a> Places<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        DeTable::parse(text).ok().map(Places)
    }

    /// The key at the end of a path: `["workers", "w", "count"]`. A number is a place in a list, from 0.
    pub(crate) fn key(&self, path: &[&str]) -> Option<Range<usize>> {
        let (last, parents) = path.split_last()?;
        match self.find(parents)? {
            Found::Table(table) => table.get_key_value(*last).map(|(key, _)| key.span()),
            Found::Value(value) => {
                let table = value.get_ref().as_table();
                let key = table.and_then(|table| table.get_key_value(*last)).map(|(key, _)| key.span());
                key.or_else(|| self.value(path))
            }
        }
    }

    /// The value at the end of a path.
    pub(crate) fn value(&self, path: &[&str]) -> Option<Range<usize>> {
        match self.find(path)? {
            Found::Table(_) => None,
            Found::Value(value) => Some(value.span()),
        }
    }

    /// The key beside a value, in the same table.
    #[cfg(feature = "sim")]
    pub(crate) fn beside(&self, value: &Range<usize>, key: &str) -> Option<Range<usize>> {
        beside(self.0.get_ref(), value, key)
    }

    fn find(&self, path: &[&str]) -> Option<Found<'_, 'a>> {
        let mut found = Found::Table(self.0.get_ref());
        for step in path {
            let next = match found {
                Found::Table(table) => table.get(*step),
                Found::Value(value) => match value.get_ref() {
                    DeValue::Table(table) => table.get(*step),
                    DeValue::Array(list) => list.get(step.parse::<usize>().ok()?),
                    _ => None,
                },
            };
            found = Found::Value(next?);
        }
        Some(found)
    }
}

enum Found<'p, 'a> {
    Table(&'p DeTable<'a>),
    Value(&'p Spanned<DeValue<'a>>),
}

/// TOML bounds how deep tables nest, and so this recursion.
#[cfg(feature = "sim")]
fn beside(table: &DeTable<'_>, value: &Range<usize>, key: &str) -> Option<Range<usize>> {
    if table.values().any(|inner| inner.span() == *value) {
        return table.get_key_value(key).map(|(key, _)| key.span());
    }
    table.values().find_map(|inner| match inner.get_ref() {
        DeValue::Table(inner) => beside(inner, value, key),
        DeValue::Array(list) => {
            list.iter().filter_map(|item| item.get_ref().as_table()).find_map(|inner| beside(inner, value, key))
        }
        _ => None,
    })
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::Places;

    #[test]
    fn keys_and_values_are_found_in_tables_lists_and_dotted_keys() {
        let text = "a.b = 1\n[[list]]\ndo = 'x'\n[[list]]\ndo = 'y'\nat = { z = 2 }\n";
        let places = Places::read(text).unwrap();
        let at = |place: Option<std::ops::Range<usize>>| place.map(|place| &text[place]);
        assert_eq!(at(places.key(&["a", "b"])), Some("b"));
        assert_eq!(at(places.value(&["a", "b"])), Some("1"));
        assert_eq!(at(places.value(&["list", "1", "do"])), Some("'y'"));
        assert_eq!(at(places.key(&["list", "1", "at", "z"])), Some("z"));
        assert_eq!(at(places.key(&["list", "2", "at"])), None);
        let second = places.value(&["list", "1", "do"]).unwrap();
        assert_eq!(at(places.beside(&second, "at")), Some("at"));
    }
}

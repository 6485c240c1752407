//! Lists of texts.

use super::{Expected, SettingValue, expected, toml_in};
use std::ops::Deref;

/// Most texts of a list.
const LIMIT: usize = 1_000;

/// A list of texts. In a variable or a flag they may stand between commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Deref for Words {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl<const N: usize> From<[&str; N]> for Words {
    fn from(words: [&str; N]) -> Self {
        Words(words.map(str::to_owned).to_vec())
    }
}

impl SettingValue for Words {
    const EXPECTED: &'static str = "a list of texts";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        let words = value.as_array().filter(|items| items.len() <= LIMIT).ok_or_else(expected::<Self>)?;
        words.iter().map(String::from_toml).collect::<Result<_, _>>().map(Words).map_err(|_| expected::<Self>())
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.0.clone().into())
    }

    fn from_text(text: &str) -> Result<Self, Expected> {
        match toml_in(text) {
            Some(value @ toml::Value::Array(_)) => Self::from_toml(&value),
            _ => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                let words: Vec<String> = words.map(str::to_owned).collect();
                if words.len() <= LIMIT { Ok(Words(words)) } else { Err(expected::<Self>()) }
            }
        }
    }
}

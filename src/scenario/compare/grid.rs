//! All combinations of values of settings.

use super::Candidate;
use crate::scenario::run::Failure;
use crate::settings::Settings;
use std::str::FromStr;

/// Most combinations.
const MAX_COMBINATIONS: usize = 1000;
/// Where Celery users expect a setting of the transport under its bare name.
const TRANSPORT: &str = "broker_transport_options";

/// A setting and its values: `task_acks_late=true,false`. Commas inside of brackets, braces and quotes belong to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The setting's full name.
    pub name: String,
    /// Values as texts.
    pub values: Vec<String>,
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Axis, String> {
        let wanted = "expected NAME=VALUE,VALUE,... as in task_acks_late=true,false";
        let (name, values) = text.split_once('=').ok_or_else(|| format!("no values; {wanted}"))?;
        let values = split(values);
        if name.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(format!("an empty name or value; {wanted}"));
        }
        let name = name.trim();
        let within = format!("{TRANSPORT}.{name}");
        let full =
            if Settings::setting(name).is_none() && Settings::setting(&within).is_some() { &within } else { name };
        Ok(Axis { name: full.to_owned(), values })
    }
}

fn split(text: &str) -> Vec<String> {
    let (mut values, mut depth, mut quote) = (vec![String::new()], 0_u32, None);
    for letter in text.chars() {
        match (letter, quote) {
            (',', None) if depth == 0 => {
                values.push(String::new());
                continue;
            }
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(value) = values.last_mut() {
            value.push(letter);
        }
    }
    values.into_iter().map(|value| value.trim().to_owned()).collect()
}

/// Each combination of one value of each axis; the last axis changes first. Without any, one that sets nothing.
///
/// # Errors
///
/// When there are more than a thousand.
pub fn grid(axes: &[Axis]) -> Result<Vec<Vec<(String, String)>>, String> {
    let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for axis in axes {
        if all.len().saturating_mul(axis.values.len()) > MAX_COMBINATIONS {
            return Err(format!("more than {MAX_COMBINATIONS} combinations of settings: name fewer values"));
        }
        let with = |before: &Vec<(String, String)>, value: &String| {
            let mut set = before.clone();
            set.push((axis.name.clone(), value.clone()));
            set
        };
        all = all.iter().flat_map(|before| axis.values.iter().map(move |value| with(before, value))).collect();
    }
    Ok(all)
}

/// Whether there are such settings, and they take these values.
pub(super) fn check(candidate: &Candidate<'_>) -> Result<(), Failure> {
    let overlay = candidate.scenario.variant(candidate.variant.as_deref());
    let mut settings = candidate.scenario.settings(&overlay);
    for (name, value) in &candidate.set {
        settings.set_text(name, value).map_err(|bad| format!("--set {name}={value}: {bad}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_between_commas_that_are_not_inside_of_one() {
        let axis: Axis = "task_routes={ \"a,b\" = [1, 2] }, none".parse().unwrap();
        assert_eq!(axis.values, ["{ \"a,b\" = [1, 2] }", "none"]);
        assert_eq!(
            "visibility_timeout=60".parse::<Axis>().unwrap().name,
            "broker_transport_options.visibility_timeout"
        );
        assert!("task_acks_late".parse::<Axis>().is_err() && "task_acks_late=true,".parse::<Axis>().is_err());
    }

    #[test]
    fn all_combinations_and_no_more_than_are_bearable() {
        let axis = |name: &str, values: &[&str]| Axis {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let all = grid(&[axis("a", &["1", "2"]), axis("b", &["x", "y"])]).unwrap();
        let texts: Vec<String> = all.iter().map(|set| set.iter().map(|(_, value)| value.as_str()).collect()).collect();
        assert_eq!(texts, ["1x", "1y", "2x", "2y"]);
        assert_eq!(grid(&[]).unwrap(), [Vec::new()]);
        let many: Vec<Axis> = (0..10).map(|_| axis("a", &["1", "2"])).collect();
        assert!(grid(&many).is_err());
    }
}

//! Variants that a command line means.

use crate::scenario::Scenario;
use crate::text::nearest;

/// All variants of a file, or the one that is wanted.
pub(super) fn variants_of(scenario: &Scenario, wanted: Option<&str>) -> Result<Vec<Option<String>>, String> {
    let variants = scenario.variants();
    let Some(wanted) = wanted else { return Ok(variants) };
    if variants.iter().flatten().any(|variant| variant == wanted) {
        return Ok(vec![Some(wanted.to_owned())]);
    }
    let known: Vec<&str> = variants.iter().flatten().map(String::as_str).collect();
    let meant = nearest(wanted, known.iter().copied()).map(|name| format!("; did you mean {name:?}?"));
    let names = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let (file, meant) = (scenario.path().display(), meant.unwrap_or_default());
    Err(format!("{file}: there is no variant {wanted:?}{meant}\nit has: {names}"))
}

/// The one that is wanted, or the only one that there is.
pub(super) fn one_variant(scenario: &Scenario, wanted: Option<&str>) -> Result<Option<String>, String> {
    let mut variants = variants_of(scenario, wanted)?;
    match variants.pop() {
        Some(only) if variants.is_empty() => Ok(only),
        last => {
            let names: Vec<String> = variants.into_iter().chain(last).flatten().collect();
            let file = scenario.path().display();
            Err(format!("{file}: this takes one variant; name it with --variant\nit has: {}", names.join(", ")))
        }
    }
}

//! The table `[explore]`: what `simq explore` may add to a story.

use crate::scenario::Scenario;
use crate::scenario::kinds::Kind;
use crate::scenario::values::SpanRange;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// What `simq explore` may add to a story, beyond its schedule. Everything that is expected must hold nevertheless.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explore {
    /// Kinds of faults that may be added. Default: none.
    #[serde(default)]
    #[schemars(with = "Vec<Kind>")]
    pub(crate) faults: Vec<Spanned<Kind>>,
    /// Most faults that are added to one run, 1 to 10. Default: 2.
    #[schemars(with = "Option<u32>")]
    pub(crate) most: Option<Spanned<u32>>,
    /// Processes that may be struck; faults of the network strike their connections. Default: all workers and beats.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) processes: Vec<Spanned<String>>,
    /// When they may strike. Default: from the start until all is done in an undisturbed run.
    pub(crate) between: Option<SpanRange>,
    /// Values that settings may have, a list for each.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub(crate) settings: BTreeMap<Spanned<String>, Vec<toml::Value>>,
}

impl Explore {
    /// Most faults added to one run.
    pub(crate) fn most(&self) -> u32 {
        self.most.as_ref().map_or(2, |most| *most.get_ref())
    }
}

/// A setting as it stands in the table of settings: a member of a family, `a.b`, in a table of its own.
pub(crate) fn setting_table(name: &str, value: &toml::Value) -> toml::Table {
    let one = |name: &str, value: toml::Value| toml::Table::from_iter([(name.to_owned(), value)]);
    match name.split_once('.') {
        Some((family, member)) => one(family, toml::Value::Table(one(member, value.clone()))),
        None => one(name, value.clone()),
    }
}

impl Scenario {
    /// What exploration may add, in place of what the file says.
    pub(crate) fn may_add(&mut self, faults: Option<&[Kind]>, most: Option<u32>) {
        let explore = &mut self.file.explore;
        if let Some(faults) = faults {
            explore.faults = faults.iter().map(|kind| Spanned::new(0..0, *kind)).collect();
        }
        if let Some(most) = most {
            explore.most = Some(Spanned::new(0..0, most));
        }
    }
}

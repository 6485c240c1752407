//! Settings, of the file and of its variants: known names, values that make sense.

use crate::scenario::load::{Scenario, listed, meant};
use crate::scenario::problem::Problem;
use crate::settings::{BadSetting, Settings};
use toml::Value;

/// Whole numbers whose range is narrower than their type.
const RANGES: [(&str, i64, i64); 3] =
    [("task_default_delivery_mode", 1, 2), ("task_default_priority", 0, 255), ("task_queue_max_priority", 0, 255)];

impl Scenario {
    pub(super) fn check_settings(&self) -> Result<(), Problem> {
        self.check_table(&["settings"], &self.file.settings)?;
        self.file
            .variant
            .iter()
            .try_for_each(|(name, variant)| self.check_table(&["variant", name, "settings"], &variant.settings))
    }

    fn check_table(&self, path: &[&str], table: &toml::Table) -> Result<(), Problem> {
        let mut settings = Settings::new(self.file.profile);
        for (name, value) in table {
            let path = [path, &[name]].concat();
            match value {
                Value::Table(family) => {
                    self.check_family(&path, name)?;
                    for (option, value) in family {
                        let path = [&path[..], &[option]].concat();
                        self.check_setting(&mut settings, &path, &format!("{name}.{option}"), value)?;
                    }
                }
                value => self.check_setting(&mut settings, &path, name, value)?,
            }
        }
        Ok(())
    }

    /// A table is a family of settings: `broker_transport_options`.
    fn check_family(&self, path: &[&str], name: &str) -> Result<(), Problem> {
        let is_member = |setting: &&str| setting.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        if Settings::names().iter().any(is_member) {
            return Ok(());
        }
        if Settings::names().contains(&name) {
            return Err(self.value_problem(path, format!("setting {name:?} is one value, not a table")));
        }
        let families = Settings::names().iter().filter_map(|setting| setting.split_once('.')).map(|(family, _)| family);
        let mut families: Vec<&str> = families.collect();
        families.dedup();
        let nearest = meant(name, families.iter().copied().chain(Settings::names().iter().copied()));
        let families = listed(families.into_iter());
        Err(self
            .key_problem(path, format!("there is no table of settings {name:?}{nearest}\nexpected one of: {families}")))
    }

    fn check_setting(&self, settings: &mut Settings, path: &[&str], name: &str, value: &Value) -> Result<(), Problem> {
        match settings.set(name, value) {
            Ok(()) => {}
            Err(BadSetting::Unknown { .. }) => {
                let nearest = meant(name, Settings::names().iter().copied());
                return Err(self.key_problem(path, format!("there is no setting {name:?}{nearest}")));
            }
            Err(bad) => return Err(self.value_problem(path, bad.to_string())),
        }
        let range = RANGES.iter().find(|(setting, ..)| *setting == name);
        match (range, value.as_integer()) {
            (Some((_, low, high)), Some(number)) if !(*low..=*high).contains(&number) => {
                Err(self.value_problem(path, format!("{name} = {number} is out of range; expected {low} to {high}")))
            }
            _ => Ok(()),
        }
    }
}

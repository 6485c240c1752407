//! Settings, of the file and of its variants: known names, values that make sense.

use crate::scenario::load::Scenario;
use crate::scenario::problem::Problem;
use crate::settings::{BadSetting, Settings, is_one, known_family};
use toml::Value;

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
        let mut check = |path: &[&str], name: &str, value: &Value| {
            settings.set(name, value).map_err(|bad| self.setting_problem(path, &bad))
        };
        for (name, value) in table {
            let path = [path, &[name]].concat();
            match value {
                Value::Table(members) if !is_one(name) => {
                    known_family(name, value).map_err(|bad| self.setting_problem(&path, &bad))?;
                    for (member, value) in members {
                        check(&[&path[..], &[member]].concat(), &format!("{name}.{member}"), value)?;
                    }
                }
                value => check(&path, name, value)?,
            }
        }
        Ok(())
    }

    fn setting_problem(&self, path: &[&str], bad: &BadSetting) -> Problem {
        match bad.is_name() {
            true => self.key_problem(path, bad.to_string()),
            false => self.value_problem(path, bad.to_string()),
        }
    }
}

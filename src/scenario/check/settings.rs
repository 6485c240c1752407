//! Settings, of the file and of its variants: known names, values that make sense.

use crate::scenario::load::Scenario;
use crate::settings::{BadSetting, Settings, each_in};
use crate::text::Problem;

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
        each_in(table, |_, name, value| settings.set(name, value)).map_err(|(keys, bad)| {
            let keys: Vec<&str> = path.iter().copied().chain(keys.iter().map(String::as_str)).collect();
            self.setting_problem(&keys, &bad)
        })
    }

    fn setting_problem(&self, path: &[&str], bad: &BadSetting) -> Problem {
        match bad.is_name() {
            true => self.key_problem(path, bad.to_string()),
            false => self.value_problem(path, bad.to_string()),
        }
    }
}

//! Settings on their way: one source after the other is laid over them.

use super::Origin;
use crate::settings::{BadSetting, Profile, Setting, Settings, each_in, families};
use std::collections::BTreeMap;
use toml::{Table, Value};

pub(super) struct Draft {
    pub(super) settings: Settings,
    pub(super) origins: BTreeMap<&'static str, Origin>,
}

impl Draft {
    pub(super) fn new(profile: Profile) -> Self {
        Draft { settings: Settings::new(profile), origins: BTreeMap::new() }
    }

    /// The settings of an application's code as they are.
    pub(super) fn of(settings: Settings) -> Self {
        let changed = changed(&settings).map(|setting| (setting.name, Origin::Application)).collect();
        Draft { settings, origins: changed }
    }

    /// What an application's code sets, laid over a profile.
    pub(super) fn with_application(mut self, settings: &Settings) -> Self {
        for setting in changed(settings) {
            let value = setting.get(settings).unwrap_or_else(|| "none".into());
            // A setting takes what it gives.
            if setting.set(&mut self.settings, &value).is_ok() {
                self.origins.insert(setting.name, Origin::Application);
            }
        }
        self
    }

    fn remember(&mut self, name: &str, origin: Origin) {
        self.origins.extend(Settings::setting(name).map(|setting| (setting.name, origin)));
    }

    /// Everything in a table; `origin` gets the keys that lead to a value. An error has them too.
    pub(super) fn set_all(
        &mut self,
        table: &Table,
        origin: impl Fn(&[&str]) -> Origin,
    ) -> Result<(), (Vec<String>, BadSetting)> {
        each_in(table, |keys, name, value| {
            self.settings.set(name, value)?;
            self.remember(name, origin(keys));
            Ok(())
        })
    }

    /// What a variable or a flag says. That of a family is a table: `{ confirm_publish = true }`.
    pub(super) fn set_text(&mut self, name: &str, text: &str, origin: Origin) -> Result<(), BadSetting> {
        if families().any(|family| family == name)
            && let Ok(members @ Value::Table(_)) = text.parse::<Value>()
        {
            let table = Table::from_iter([(name.to_owned(), members)]);
            return self.set_all(&table, |_| origin.clone()).map_err(|(_, bad)| bad);
        }
        self.settings.set_text(name, text)?;
        self.remember(name, origin);
        Ok(())
    }
}

/// What is other than in profile `safe`.
fn changed(settings: &Settings) -> impl Iterator<Item = &'static Setting> {
    Settings::documentation().filter(|setting| setting.get(settings) != setting.default(Profile::Safe))
}

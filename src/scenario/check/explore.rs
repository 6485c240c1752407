//! `[explore]` and `[schedule]`: kinds that can be drawn, processes that are there, settings that exist, numbers in range.

use crate::scenario::check::processes;
use crate::scenario::explore::setting_table;
use crate::scenario::format::Kind;
use crate::scenario::load::Scenario;
use crate::scenario::schedule::OrderName;
use crate::settings::Settings;
use crate::text::Problem;

/// Most faults that are added to one run.
const MOST: u32 = 10;
/// Most change points.
const MOST_CHANGES: u32 = 1_000;

impl Scenario {
    pub(super) fn check_explore(&self) -> Result<(), Problem> {
        let explore = &self.file.explore;
        if let Some(bad) = explore.faults.iter().find(|kind| !kind.get_ref().can_be_drawn()) {
            let names: Vec<String> = Kind::drawn().iter().map(Kind::to_string).collect();
            let message = format!("{} can't be added by itself\nexpected one of: {}", bad.get_ref(), names.join(", "));
            return Err(self.problem(bad.span(), message));
        }
        if let Some(most) = explore.most.as_ref().filter(|most| !(1..=MOST).contains(most.get_ref())) {
            return Err(
                self.problem(most.span(), format!("most = {} is out of range; expected 1 to {MOST}", most.get_ref()))
            );
        }
        for name in &explore.processes {
            let process = processes::check(self, name)?;
            if process.contains('/') {
                return Err(self.problem(name.span(), format!("{process:?} is a pool child; expected a host")));
            }
        }
        for (name, values) in &explore.settings {
            if values.is_empty() {
                return Err(self.problem(name.span(), format!("{} has no values to choose from", name.get_ref())));
            }
            for value in values {
                let table = setting_table(name.get_ref(), value);
                let set = Settings::new(self.file.profile).set_all(&table);
                set.map_err(|bad| self.problem(name.span(), bad.to_string()))?;
            }
        }
        self.check_schedule()
    }

    fn check_schedule(&self) -> Result<(), Problem> {
        let Some(schedule) = &self.file.schedule else { return Ok(()) };
        let order = schedule.order.unwrap_or_default();
        let problem = |key: &str, message: String| Err(self.key_problem(&["schedule", key], message));
        match schedule {
            _ if schedule.changes.is_some_and(|changes| changes > MOST_CHANGES) => {
                problem("changes", format!("changes is out of range; expected 0 to {MOST_CHANGES}"))
            }
            _ if order != OrderName::Pct && schedule.changes.is_some() => {
                problem("changes", "changes goes with order = \"pct\"".to_owned())
            }
            _ if order != OrderName::Pct && schedule.steps.is_some() => {
                problem("steps", "steps goes with order = \"pct\"".to_owned())
            }
            _ if order != OrderName::First && !schedule.picks.is_empty() => {
                problem("picks", "picks goes with order = \"first\"".to_owned())
            }
            _ if order != OrderName::First && !schedule.delays.is_empty() => {
                problem("delays", "delays goes with order = \"first\"".to_owned())
            }
            _ => Ok(()),
        }
    }
}

//! Choices of the schedule are made the first ones, as many as can be.

use super::Shrinker;
use crate::scenario::Scenario;
use crate::scenario::explore::document::written;
use crate::scenario::observe::Look;
use crate::scenario::run::run_watched;
use crate::scenario::schedule::table;
use simq_sim::{Order, Pins};
use toml::{Table, Value};

impl Shrinker<'_> {
    /// Everywhere the first choice, if the failure needs no other: then the seed only decides what tasks and calls draw.
    pub(super) fn first_choices(&mut self) {
        self.change(|document| {
            document.insert("schedule".to_owned(), Value::Table(Table::new())) != Some(Value::Table(Table::new()))
        });
    }

    /// Pins the choices that the run made, and takes out those that it does not need.
    pub(super) fn pin_choices(&mut self) {
        let Some(pins) = self.recorded() else { return };
        if pins.is_empty() || !self.pin(&pins) {
            return;
        }
        let mut pins = pins;
        self.thin_pins(&mut pins, true);
        self.thin_pins(&mut pins, false);
    }

    /// What the best run chose; `None` when its choices are pinned already.
    fn recorded(&self) -> Option<Pins> {
        let scenario = Scenario::parse(&self.path, written(&self.best)).ok()?;
        let pinned =
            scenario.file.schedule.as_ref().is_some_and(|schedule| matches!(schedule.order(), Order::Pinned(_)));
        let look = Look { record: true, ..Look::default() };
        run_watched(&scenario, None, scenario.seed(), look).ok()?.choices.recorded.filter(|_| !pinned)
    }

    fn pin(&mut self, pins: &Pins) -> bool {
        let schedule = table(&Order::Pinned(pins.clone()));
        self.change(|document| {
            document.insert("schedule".to_owned(), Value::Table(schedule));
            true
        })
    }

    /// Takes pins out, in parts that get smaller. A change of one choice moves the later ones, so they go from the end.
    fn thin_pins(&mut self, pins: &mut Pins, delays: bool) {
        let list = |pins: &Pins| if delays { pins.delays.clone() } else { pins.tasks.clone() };
        let mut part = list(pins).len();
        while part > 0 {
            let mut until = list(pins).len();
            while until > 0 {
                let from = until.saturating_sub(part);
                let mut fewer = list(pins);
                fewer.drain(from..until);
                let candidate = match delays {
                    true => Pins { delays: fewer, tasks: pins.tasks.clone() },
                    false => Pins { tasks: fewer, delays: pins.delays.clone() },
                };
                if self.pin(&candidate) {
                    *pins = candidate;
                }
                until = from;
            }
            part /= 2;
        }
    }
}

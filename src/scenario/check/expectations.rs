//! Expectations: known subjects, and states that exist.

use crate::events::State;
use crate::scenario::format::Expect;
use crate::scenario::load::{Scenario, listed, meant};
use crate::text::Problem;

/// States that the backend can hold at the end.
const STATES: [State; 6] =
    [State::Pending, State::Started, State::Retry, State::Success, State::Failure, State::Revoked];

impl Scenario {
    pub(super) fn check_expectations(&self) -> Result<(), Problem> {
        self.check_expect(&["expect"], &self.file.expect)?;
        let mut variants = self.file.variant.iter();
        variants.try_for_each(|(name, variant)| self.check_expect(&["variant", name, "expect"], &variant.expect))
    }

    fn check_expect(&self, path: &[&str], expect: &Expect) -> Result<(), Problem> {
        self.check_states(path, expect)?;
        for (subject, expect) in &expect.of {
            self.check_subject(subject)?;
            let path = [path, &["of", subject.get_ref()]].concat();
            self.check_states(&path, expect)?;
            if !expect.of.is_empty() {
                let message = "`of` stands directly in [expect]: a subject has no subjects of its own";
                return Err(self.key_problem(&[&path[..], &["of"]].concat(), message));
            }
        }
        Ok(())
    }

    fn check_states(&self, path: &[&str], expect: &Expect) -> Result<(), Problem> {
        for state in expect.states.iter().flat_map(|states| states.keys()) {
            if State::named(state).is_none() {
                let names = || STATES.iter().map(|state| state.name());
                let nearest = meant(&state.to_uppercase(), names());
                let message = format!("there is no state {state:?}{nearest}\nexpected one of: {}", listed(names()));
                return Err(self.key_problem(&[path, &["states", state]].concat(), message));
            }
        }
        Ok(())
    }

    /// A subject of `[expect.of.NAME]` is a task, or an id that the workload names.
    fn check_subject(&self, name: &toml::Spanned<String>) -> Result<(), Problem> {
        let subject = name.get_ref().as_str();
        if self.file.tasks.contains_key(subject) || self.is_id(subject) {
            return Ok(());
        }
        let ids = self.file.workload.iter().filter_map(|load| load.id.as_deref());
        let names: Vec<&str> = self.file.tasks.keys().map(String::as_str).chain(ids).collect();
        let nearest = meant(subject, names.iter().copied());
        let message = format!("{subject:?} is neither a task nor an id of the workload{nearest}");
        Err(self.problem(name.span(), format!("{message}\nexpected one of: {}", listed(names.into_iter()))))
    }

    /// An id of the workload: `ID`, or `ID-1` to `ID-N` where it makes N calls.
    fn is_id(&self, subject: &str) -> bool {
        self.file.workload.iter().any(|load| {
            let count = load.count.as_ref().map_or(1, |count| *count.get_ref());
            let rest = load.id.as_deref().and_then(|id| subject.strip_prefix(id));
            let number = rest.and_then(|rest| rest.strip_prefix('-')).and_then(|number| number.parse::<u64>().ok());
            rest == Some("") || number.is_some_and(|number| count > 1 && (1..=count).contains(&number))
        })
    }
}

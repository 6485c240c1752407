//! Everything that can be wrong with a scenario file is found here, before anything runs.
//!
//! What the file's types can't say: ranges, names that must be known, times that a run never reaches. The first problem
//! that is found is told.

mod calls;
mod expectations;
mod explore;
mod hosts;
pub(super) mod processes;
mod redis;
mod settings;

use super::faults;
use super::load::Scenario;
use super::servers::ServerKind;
use crate::text::Problem;
use std::time::Duration;

/// Longest run: what is left to do is looked for twice in each virtual second.
const MAX_LIMIT: Duration = Duration::from_secs(10 * 31_557_600);

impl Scenario {
    /// Checks everything but the hosts, which [`Scenario::check_hosts`] has found to be right.
    pub(super) fn check(&self) -> Result<(), Problem> {
        self.check_limit()?;
        if self.file.backend == ServerKind::RabbitMq {
            let message = "a RabbitMQ keeps no results; expected one of: embedded, redis";
            return Err(self.value_problem(&["backend"], message));
        }
        self.check_redis()?;
        self.check_settings()?;
        self.check_tasks()?;
        self.check_workload()?;
        self.check_beat()?;
        self.check_starts()?;
        let own = self.file.variant.values().flat_map(|variant| variant.fault.iter().flatten());
        self.file.fault.iter().chain(own).try_for_each(|fault| faults::compile(self, fault, 0, 0).map(drop))?;
        self.check_expectations()?;
        self.check_explore()
    }

    fn check_limit(&self) -> Result<(), Problem> {
        let Some(limit) = &self.file.limit else { return Ok(()) };
        match limit.get_ref().0 {
            Duration::ZERO => Err(self.problem(limit.span(), "limit = \"0s\" leaves no time for anything to happen")),
            long if long > MAX_LIMIT => {
                Err(self.problem(limit.span(), "this limit is too long; the most is \"10years\""))
            }
            _ => Ok(()),
        }
    }

    /// A name of a queue or an id, as AMQP takes them.
    fn check_short(&self, path: &[&str], text: Option<&str>) -> Result<(), Problem> {
        match text {
            Some("") => Err(self.value_problem(path, "this text is empty; leave the key out for its default")),
            Some(text) if text.len() > 200 => {
                Err(self.value_problem(path, format!("this text has {} bytes; the most is 200", text.len())))
            }
            _ => Ok(()),
        }
    }
}

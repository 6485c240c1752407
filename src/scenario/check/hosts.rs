//! Workers and clients: counts, and names that differ.

use crate::scenario::cluster::{BACKEND, BEAT, BROKER};
use crate::scenario::load::{Scenario, client_of};
use crate::scenario::redis::{REPLICA, SENTINEL};
use crate::text::Problem;
use std::collections::BTreeMap;

/// Most workers in all, and children of one.
const MAX_WORKERS: u32 = 10_000;
const MAX_CONCURRENCY: u32 = 1_000;
/// Most hosts of the scheduler.
const MAX_BEATS: u32 = 100;
/// Longest name of a host.
const MAX_NAME: usize = 100;

impl Scenario {
    /// All hosts by name, with their pool children.
    pub(in crate::scenario) fn check_hosts(&self) -> Result<BTreeMap<String, u32>, Problem> {
        self.check_counts()?;
        let mut hosts = BTreeMap::from([(BROKER.to_owned(), 0), (BACKEND.to_owned(), 0)]);
        if self.has_sentinel() {
            hosts.extend([REPLICA, SENTINEL].map(|host| (host.to_owned(), 0)));
        }
        if let Some(beats) = self.file.beats.as_ref().filter(|beats| !(1..=MAX_BEATS).contains(beats.get_ref())) {
            let message = format!("beats = {} is out of range; expected 1 to {MAX_BEATS}", beats.get_ref());
            return Err(self.problem(beats.span(), message));
        }
        hosts.extend(self.beat_hosts().into_iter().map(|beat| (beat, 0)));
        for (name, worker) in &self.file.workers {
            self.check_host_name(name.get_ref()).map_err(|why| self.problem(name.span(), why))?;
            for (number, queue) in worker.queues.iter().enumerate() {
                self.check_short(&["workers", name.get_ref(), "queues", &number.to_string()], Some(queue))?;
            }
            worker.without.iter().try_for_each(|task| self.check_known(task.get_ref(), task.span()))?;
            let concurrency = worker.concurrency.as_ref().map_or(1, |concurrency| *concurrency.get_ref());
            for host in Scenario::names_of(name.get_ref(), worker) {
                if hosts.contains_key(&host) {
                    return Err(self.problem(name.span(), format!("two hosts are called {host:?}; names must differ")));
                }
                hosts.insert(host, concurrency);
            }
        }
        self.check_clients(&mut hosts)?;
        Ok(hosts)
    }

    fn check_counts(&self) -> Result<(), Problem> {
        if self.file.workers.is_empty() {
            let message = "the file has no workers; add a table such as [workers.w]";
            return Err(self.key_problem(&["workers"], message));
        }
        let mut total = 0;
        for (name, worker) in &self.file.workers {
            for (value, high, key) in [
                (&worker.count, MAX_WORKERS, "count"),
                (&worker.concurrency, MAX_CONCURRENCY, "concurrency"),
                (&worker.memory, u32::MAX, "memory"),
            ] {
                if let Some(value) = value.as_ref().filter(|value| !(1..=high).contains(value.get_ref())) {
                    let message = format!("{key} = {} is out of range; expected 1 to {high}", value.get_ref());
                    return Err(self.problem(value.span(), message));
                }
            }
            // No overflow: the sum is looked at after each table.
            total += worker.count.as_ref().map_or(1, |count| *count.get_ref());
            if total > MAX_WORKERS {
                return Err(self.problem(name.span(), format!("more than {MAX_WORKERS} workers in all")));
            }
        }
        Ok(())
    }

    fn check_clients(&self, hosts: &mut BTreeMap<String, u32>) -> Result<(), Problem> {
        let workers: Vec<_> = self.file.workers.keys().collect();
        for (number, load) in self.file.workload.iter().enumerate() {
            let client = client_of(load);
            let place = ["workload", &number.to_string(), "from"];
            if let Some(from) = &load.from {
                self.check_host_name(from).map_err(|why| self.value_problem(&place, why))?;
            }
            let is_worker = hosts.get(&client).is_some_and(|children| *children > 0);
            if is_worker {
                let message = format!("{client:?} is a worker and makes calls as well; names of hosts must differ");
                let worker = workers.iter().find(|worker| *worker.get_ref() == client);
                return Err(match worker.filter(|_| load.from.is_none()) {
                    Some(worker) => self.problem(worker.span(), message),
                    None => self.value_problem(&place, message),
                });
            }
            hosts.insert(client, 0);
        }
        Ok(())
    }

    /// Why a name can't be a host's.
    fn check_host_name(&self, name: &str) -> Result<(), String> {
        let poisons = name.strip_prefix("saboteur").is_some_and(|rest| rest.parse::<u64>().is_ok());
        let why = match name {
            "" => "it is empty".to_owned(),
            BROKER | BACKEND | BEAT => "every cluster has a host of that name".to_owned(),
            REPLICA | SENTINEL if self.has_sentinel() => "a broker with a Sentinel has a host of that name".to_owned(),
            name if poisons || name == "saboteur" => "hosts of `poison` faults have such names".to_owned(),
            name if name.len() > MAX_NAME => format!("it is longer than {MAX_NAME} bytes"),
            name if name.contains('/') => "a slash stands between a worker and its pool child".to_owned(),
            name if name.contains(|c: char| c.is_whitespace() || c.is_control()) => "it has blanks".to_owned(),
            _ => return Ok(()),
        };
        Err(format!("{name:?} can't be the name of a host: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::cluster::PRODUCER;

    #[test]
    fn the_default_client_has_a_name_that_a_worker_may_not_have() {
        let text = format!("[workers.{PRODUCER}]\n[tasks.t]\n[[workload]]\ntask = 't'\n");
        let problem = crate::scenario::Scenario::parse("f.toml".as_ref(), text).unwrap_err();
        assert_eq!(problem.place, Some((1, 10)));
    }
}

//! What is measured, in order: everybody's turn comes in every round.

use super::bare;
use super::celery_arms::{Celery, POOLS};
use super::producers;
use super::server::{Server, Wire};
use super::simq_arms::{self, BULK, Calls, Setup};
use super::table::{Measured, Section, Table, Trips, Whose};
use super::workers;
use simq::Profile;

/// Celery's multiplier, and one that lets acks gather.
const PREFETCH: [u32; 2] = [4, 500];
const PROFILES: [Profile; 2] = [Profile::Safe, Profile::Celery];
/// Calls of one after the other.
const TRIPS: usize = 500;

/// All arms, and what they came to.
pub(super) struct Bench {
    tasks: usize,
    only: String,
    celery: Option<Celery>,
    table: Table,
    trips: Trips,
}

impl Bench {
    pub(super) fn new(tasks: usize, only: String) -> Bench {
        let celery = Celery::find();
        if celery.is_none() {
            println!("Python's Celery is left out: scripts/setup installs it.");
        }
        Bench { tasks, only, celery, table: Table::default(), trips: Trips::default() }
    }

    fn measure(
        &mut self,
        section: Section,
        name: &str,
        whose: Whose,
        arm: impl FnOnce(&Self, &Server) -> Option<Measured>,
    ) {
        if format!("{}: {name}", section.title()).contains(&self.only) {
            let measured = arm(self, &Server::start());
            self.table.add(section, name, whose, measured);
        }
    }

    /// Slower arms get fewer tasks.
    fn few(&self) -> usize {
        (self.tasks / 10).max(100)
    }

    pub(super) fn round(&mut self) {
        for (section, ignore) in [(Section::Drain, false), (Section::DrainIgnored, true)] {
            self.measure(section, "bare loop, acks of 100", Whose::Bare, |bench, server| {
                fill(server, bench.tasks, ignore)?;
                Some(bare::drain(server, bench.tasks, !ignore))
            });
            self.drain_simq(section, ignore);
            self.drain_celery(section, ignore);
        }
        self.publish();
        self.call();
    }

    fn drain_simq(&mut self, section: Section, ignore: bool) {
        for profile in PROFILES {
            for prefetch in PREFETCH {
                let name = format!("simq {}, prefetch {prefetch} a child", profile.name());
                self.measure(section, &name, Whose::Other, |bench, server| {
                    fill(server, bench.tasks, ignore)?;
                    let worker = simq_arms::worker(&server.site(), Setup { profile, prefetch });
                    workers::drain(server, Wire::Kombu, bench.tasks, vec![worker])
                });
            }
        }
    }

    fn drain_celery(&mut self, section: Section, ignore: bool) {
        if self.celery.is_none() {
            return;
        }
        for (pool, options, processes) in POOLS {
            self.measure(section, &format!("Celery {pool}"), Whose::Celery, |bench, server| {
                fill(server, bench.few(), ignore)?;
                let commands = bench.celery.as_ref()?.workers(&server.site(), options, processes);
                workers::drain(server, Wire::Kombu, bench.few(), commands)
            });
        }
    }

    fn publish(&mut self) {
        let section = Section::Publish;
        for (under_way, name) in [(BULK, "bare loop, confirms pipelined"), (1, "bare loop, confirm by confirm")] {
            self.measure(section, name, Whose::Bare, |bench, server| {
                let tasks = if under_way == 1 { bench.few() } else { bench.tasks };
                fill(server, 1, false)?;
                Some(bare::publish(server, tasks, under_way))
            });
        }
        for profile in PROFILES {
            for under_way in [1, BULK] {
                let confirms = if profile == Profile::Safe { "confirms" } else { "no confirms" };
                let name = format!("simq {} ({confirms}), {under_way} under way", profile.name());
                self.measure(section, &name, Whose::Other, |bench, server| {
                    let tasks = if under_way == 1 { bench.few() } else { bench.tasks };
                    let calls = Calls { profile, tasks, under_way, ignore_result: false };
                    producers::publish(server, tasks, simq_arms::producer(&server.site(), calls))
                });
            }
        }
        if self.celery.is_none() {
            return;
        }
        for (name, what) in [("delay in a loop", "publish"), ("one producer, no result", "publish-one-producer")] {
            self.measure(section, &format!("Celery (no confirms), {name}"), Whose::Celery, |bench, server| {
                let program = bench.celery.as_ref()?.program(&server.site(), what, bench.few());
                producers::publish(server, bench.few(), program)
            });
        }
    }

    fn call(&mut self) {
        if !"there and back".contains(&self.only) {
            return;
        }
        for profile in PROFILES {
            let server = Server::start();
            let worker = vec![simq_arms::worker(&server.site(), Setup { profile, prefetch: PREFETCH[0] })];
            let caller = simq_arms::caller(&server.site(), profile, TRIPS);
            self.trips.add(&format!("simq {}", profile.name()), workers::trips(worker, caller));
        }
        for (pool, options, processes) in POOLS.into_iter().filter(|(.., processes)| *processes == 1) {
            let server = Server::start();
            let Some(celery) = &self.celery else { return };
            let working = celery.workers(&server.site(), options, processes);
            let caller = celery.program(&server.site(), "call", TRIPS);
            self.trips.add(&format!("Celery {pool}"), workers::trips(working, caller));
        }
    }

    pub(super) fn print(mut self) {
        self.table.print();
        self.trips.print();
    }
}

/// Tasks for everybody who reads Celery's wire.
fn fill(server: &Server, tasks: usize, ignore_result: bool) -> Option<Measured> {
    let calls = Calls { profile: Profile::Safe, tasks, under_way: BULK, ignore_result };
    producers::publish(server, tasks, simq_arms::producer(&server.site(), calls))
}

//! What is measured, in order: everybody's turn comes in every round.

use super::bare;
use super::celery_arms::{Celery, POOLS};
use super::peer_arms::{PEERS, Program};
use super::producers;
use super::server::{Wire, site};
use super::servers::Redis;
use super::simq_arms::{self, BULK, Calls, Setup};
use super::simulated;
use super::table::{Measured, Section, Table, Trips, Whose};
use super::workers::{self, SETTLE};
use simq::Profile;

/// Celery's multiplier, and one that lets batches grow.
const PREFETCH: [u32; 2] = [4, 500];
const PROFILES: [Profile; 2] = [Profile::Safe, Profile::Celery];
/// Calls of one after the other.
const TRIPS: usize = 500;

/// All arms, and what they came to.
pub(super) struct Bench {
    tasks: usize,
    only: String,
    celery: Option<Celery>,
    peers: Option<Program>,
    table: Table,
    trips: Trips,
}

impl Bench {
    pub(super) fn new(tasks: usize, only: String) -> Bench {
        let (celery, peers) = (Celery::find(), Program::find());
        if celery.is_none() {
            println!(
                "Python's Celery is left out: scripts/setup installs it, or CELERY_PYTHON names a python that has it."
            );
        }
        if peers.is_none() {
            println!("Other crates are left out: benches/redis/run.sh builds them.");
        }
        Bench { tasks, only, celery, peers, table: Table::default(), trips: Trips::default() }
    }

    fn measure(
        &mut self,
        section: Section,
        name: &str,
        whose: Whose,
        arm: impl FnOnce(&Self, &Redis) -> Option<Measured>,
    ) {
        if format!("{}: {name}", section.title()).contains(&self.only) {
            let measured = arm(self, &Redis::start());
            self.table.add(section, name, whose, measured);
        }
    }

    /// Slower arms get fewer tasks.
    fn few(&self) -> usize {
        (self.tasks / 10).max(100)
    }

    pub(super) fn round(&mut self) {
        for (section, ignore) in [(Section::Drain, false), (Section::DrainIgnored, true)] {
            self.drain_bare(section, ignore);
            self.drain_simq(section, ignore);
            self.drain_celery(section, ignore);
            self.drain_peers(section, ignore);
        }
        self.publish();
        self.call();
    }

    fn drain_bare(&mut self, section: Section, ignore: bool) {
        for batch in [100, 500] {
            self.measure(section, &format!("bare loop, batches of {batch}"), Whose::Bare, |bench, redis| {
                Some(bare::drain(redis, bench.tasks, batch, ignore))
            });
        }
    }

    fn drain_simq(&mut self, section: Section, ignore: bool) {
        for profile in PROFILES {
            for prefetch in PREFETCH {
                let name = format!("simq {}, prefetch {prefetch} a child", profile.name());
                self.measure(section, &name, Whose::Other, |bench, redis| {
                    fill(redis, bench.tasks, ignore)?;
                    let worker = simq_arms::worker(&site(redis), Setup { profile, prefetch });
                    workers::drain(redis, Wire::Kombu, bench.tasks, vec![worker])
                });
            }
        }
    }

    fn drain_celery(&mut self, section: Section, ignore: bool) {
        if self.celery.is_none() {
            return;
        }
        for (pool, options, processes) in POOLS {
            self.measure(section, &format!("Celery {pool}"), Whose::Celery, |bench, redis| {
                fill(redis, bench.few(), ignore)?;
                let commands = bench.celery.as_ref()?.workers(&site(redis), options, processes);
                workers::drain(redis, Wire::Kombu, bench.few(), commands)
            });
        }
    }

    fn drain_peers(&mut self, section: Section, ignore: bool) {
        if self.peers.is_none() {
            return;
        }
        for peer in PEERS.into_iter().filter(|peer| peer.keeps_results != ignore) {
            self.measure(section, peer.name, Whose::Other, |bench, redis| {
                let (program, tasks) = (bench.peers.as_ref()?, (bench.tasks / 2).min(peer.most));
                producers::publish(redis, tasks, program.producer(peer, &redis.url(0), tasks))?;
                workers::drain(redis, peer.wire, tasks, program.worker(peer, &redis.url(0)))
            });
        }
    }

    fn publish(&mut self) {
        let section = Section::Publish;
        self.measure(section, "bare loop, 1,000 at a time", Whose::Bare, |bench, redis| {
            Some(bare::publish(redis, bench.tasks))
        });
        for profile in PROFILES {
            for under_way in [1, BULK] {
                let name = match under_way {
                    1 => format!("simq {}, one by one", profile.name()),
                    _ => format!("simq {}, {under_way} under way", profile.name()),
                };
                self.measure(section, &name, Whose::Other, |bench, redis| {
                    let tasks = if under_way == 1 { bench.few() } else { bench.tasks };
                    let calls = Calls { profile, tasks, under_way, ignore_result: false };
                    producers::publish(redis, tasks, simq_arms::producer(&site(redis), calls))
                });
            }
        }
        if self.celery.is_some() {
            for (name, what) in [("delay in a loop", "publish"), ("one producer, no result", "publish-one-producer")] {
                self.measure(section, &format!("Celery, {name}"), Whose::Celery, |bench, redis| {
                    let program = bench.celery.as_ref()?.program(&site(redis), what, bench.few());
                    producers::publish(redis, bench.few(), program)
                });
            }
        }
        if self.peers.is_some() {
            for peer in PEERS {
                self.measure(section, &format!("{}, one by one", peer.name), Whose::Other, |bench, redis| {
                    let program = bench.peers.as_ref()?.producer(peer, &redis.url(0), bench.few());
                    producers::publish(redis, bench.few(), program)
                });
            }
        }
    }

    fn call(&mut self) {
        if !"there and back".contains(&self.only) {
            return;
        }
        for profile in PROFILES {
            let redis = Redis::start();
            let worker = vec![simq_arms::worker(&site(&redis), setup(profile))];
            let caller = simq_arms::caller(&site(&redis), profile, TRIPS);
            self.trips.add(&format!("simq {}", profile.name()), workers::trips(worker, caller));
        }
        for (pool, options, processes) in POOLS.into_iter().filter(|(.., processes)| *processes == 1) {
            let redis = Redis::start();
            let Some(celery) = &self.celery else { return };
            let working = celery.workers(&site(&redis), options, processes);
            let caller = celery.program(&site(&redis), "call", TRIPS);
            self.trips.add(&format!("Celery {pool}"), workers::trips(working, caller));
        }
    }

    pub(super) fn print(mut self) {
        self.table.print();
        self.trips.print();
        if "idle memory".contains(&self.only) {
            self.print_idle();
        }
        if "commands".contains(&self.only) {
            simulated::print();
        }
    }

    fn print_idle(&self) {
        println!("\n| idle worker | MiB |\n|---|---|");
        let redis = Redis::start();
        let (site, url) = (site(&redis), redis.url(0));
        for profile in PROFILES {
            let mib = workers::idle_mib(vec![simq_arms::worker(&site, setup(profile))], SETTLE);
            println!("| simq {} | {mib:.1} |", profile.name());
        }
        for (pool, options, processes) in POOLS {
            let Some(celery) = &self.celery else { break };
            let mib = workers::idle_mib(celery.workers(&site, options, processes), SETTLE);
            println!("| Celery {pool} | {mib:.1} |");
        }
        for peer in PEERS {
            let Some(program) = &self.peers else { break };
            let mib = workers::idle_mib(program.worker(peer, &url), SETTLE);
            println!("| {} | {mib:.1} |", peer.name);
        }
    }
}

fn setup(profile: Profile) -> Setup {
    Setup { profile, prefetch: PREFETCH[0] }
}

/// Tasks for everybody who reads Celery's wire.
fn fill(redis: &Redis, tasks: usize, ignore_result: bool) -> Option<Measured> {
    let calls = Calls { profile: Profile::Celery, tasks, under_way: BULK, ignore_result };
    producers::publish(redis, tasks, simq_arms::producer(&site(redis), calls))
}

//! What is measured, in order: everybody's turn comes in every round.

use super::celery_arms::{Celery, POOLS};
use super::limit;
use super::peer_arms::Program;
use super::producers;
use super::server::{PEERS, Server, Wire, site};
use super::simq_arms::{self, BULK, Calls, Setup};
use super::table::{Measured, Section, Table, Trips, Whose};
use super::workers::{self, SETTLE};
use simq::Profile;

/// Celery's multiplier, and one that lets results, acks and takes gather.
const PREFETCH: [u32; 2] = [4, 500];
const PROFILES: [Profile; 2] = [Profile::Safe, Profile::Celery];
/// Calls of one after the other.
const TRIPS: usize = 500;

/// Does so many tasks.
pub(super) type Run = Box<dyn Fn(&Server, usize) -> Measured>;

/// An arm that does the least.
pub(super) struct Limit {
    pub(super) name: String,
    /// Gets fewer tasks.
    pub(super) slow: bool,
    pub(super) run: Run,
}

/// All arms, and what they came to.
pub(super) struct Bench {
    tasks: usize,
    /// Only lines with this in their name.
    pub(super) only: String,
    celery: Option<Celery>,
    peers: Option<Program>,
    table: Table,
    trips: Trips,
}

/// Runs as many rounds as the command line asks for, and prints their tables.
pub(super) fn run(arguments: Vec<String>) -> Bench {
    let (mut tasks, mut rounds, mut only) = (20_000, 1, String::new());
    let mut arguments = arguments.into_iter();
    let number = |text: Option<String>, default| text.and_then(|text| text.parse().ok()).unwrap_or(default);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tasks" => tasks = number(arguments.next(), tasks),
            "--rounds" => rounds = number(arguments.next(), rounds),
            "--bench" => {}
            other => only = other.to_owned(),
        }
    }
    let mut bench = Bench::new(tasks, only);
    for round in 1..=rounds {
        eprintln!("== round {round} of {rounds}");
        bench.round();
    }
    bench.print();
    bench
}

impl Bench {
    fn new(tasks: usize, only: String) -> Bench {
        let (celery, peers) = (Celery::find(), Program::find());
        if celery.is_none() {
            println!(
                "Python's Celery is left out: scripts/setup installs it, or CELERY_PYTHON names a python that has it."
            );
        }
        if peers.is_none() {
            println!("Other crates are left out: benches/queues/run.sh builds them.");
        }
        Bench { tasks, only, celery, peers, table: Table::default(), trips: Trips::default() }
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

    fn round(&mut self) {
        for (section, ignore) in [(Section::Drain, false), (Section::DrainIgnored, true)] {
            self.limits(section, limit::drains(ignore));
            self.drain_simq(section, ignore);
            self.drain_celery(section, ignore);
            self.drain_peers(section, ignore);
        }
        self.limits(Section::Publish, limit::publishes());
        self.publish_simq();
        self.publish_others();
        self.call();
    }

    fn limits(&mut self, section: Section, limits: Vec<Limit>) {
        for Limit { name, slow, run } in limits {
            self.measure(section, &name, Whose::Bare, |bench, server| {
                Some(run(server, if slow { bench.few() } else { bench.tasks }))
            });
        }
    }

    fn drain_simq(&mut self, section: Section, ignore: bool) {
        for profile in PROFILES {
            for prefetch in PREFETCH {
                let name = format!("simq {}, prefetch {prefetch} a child", profile.name());
                self.measure(section, &name, Whose::Other, |bench, server| {
                    fill(server, bench.tasks, ignore)?;
                    let worker = simq_arms::worker(&site(server), Setup { profile, prefetch });
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
                let commands = bench.celery.as_ref()?.workers(&site(server), options, processes);
                workers::drain(server, Wire::Kombu, bench.few(), commands)
            });
        }
    }

    fn drain_peers(&mut self, section: Section, ignore: bool) {
        if self.peers.is_none() {
            return;
        }
        for peer in PEERS.iter().filter(|peer| peer.keeps_results != ignore) {
            self.measure(section, peer.name, Whose::Other, |bench, server| {
                let (program, tasks) = (bench.peers.as_ref()?, (bench.tasks / 2).min(peer.most));
                producers::publish(server, tasks, program.producer(peer, &site(server), tasks))?;
                workers::drain(server, peer.wire, tasks, program.worker(peer, &site(server)))
            });
        }
    }

    fn publish_simq(&mut self) {
        for profile in PROFILES {
            for under_way in [1, BULK] {
                let name = match under_way {
                    1 => format!("simq {}, one by one", profile.name()),
                    _ => format!("simq {}, {under_way} under way", profile.name()),
                };
                self.measure(Section::Publish, &name, Whose::Other, |bench, server| {
                    let tasks = if under_way == 1 { bench.few() } else { bench.tasks };
                    let calls = Calls { profile, tasks, under_way, ignore_result: false };
                    producers::publish(server, tasks, simq_arms::producer(&site(server), calls))
                });
            }
        }
    }

    fn publish_others(&mut self) {
        let section = Section::Publish;
        if self.celery.is_some() {
            for (name, what) in [("delay in a loop", "publish"), ("one producer, no result", "publish-one-producer")] {
                self.measure(section, &format!("Celery, {name}"), Whose::Celery, |bench, server| {
                    let program = bench.celery.as_ref()?.program(&site(server), what, bench.few());
                    producers::publish(server, bench.few(), program)
                });
            }
        }
        if self.peers.is_some() {
            for peer in PEERS {
                self.measure(section, &format!("{}, one by one", peer.name), Whose::Other, |bench, server| {
                    let program = bench.peers.as_ref()?.producer(peer, &site(server), bench.few());
                    producers::publish(server, bench.few(), program)
                });
            }
        }
    }

    fn call(&mut self) {
        if !"there and back".contains(&self.only) {
            return;
        }
        for profile in PROFILES {
            let server = Server::start();
            let worker = vec![simq_arms::worker(&site(&server), setup(profile))];
            let caller = simq_arms::caller(&site(&server), profile, TRIPS);
            self.trips.add(&format!("simq {}", profile.name()), workers::trips(worker, caller));
        }
        for (pool, options, processes) in POOLS.into_iter().filter(|(.., processes)| *processes == 1) {
            let server = Server::start();
            let Some(celery) = &self.celery else { return };
            let working = celery.workers(&site(&server), options, processes);
            let caller = celery.program(&site(&server), "call", TRIPS);
            self.trips.add(&format!("Celery {pool}"), workers::trips(working, caller));
        }
    }

    fn print(&mut self) {
        self.table.print();
        self.trips.print();
        if "idle memory".contains(&self.only) {
            self.print_idle();
        }
    }

    fn print_idle(&self) {
        println!("\n| idle worker | MiB |\n|---|---|");
        let server = Server::start();
        let site = site(&server);
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
            let mib = workers::idle_mib(program.worker(peer, &site), SETTLE);
            println!("| {} | {mib:.1} |", peer.name);
        }
    }
}

fn setup(profile: Profile) -> Setup {
    Setup { profile, prefetch: PREFETCH[0] }
}

/// Tasks for everybody who reads Celery's wire.
pub(super) fn fill(server: &Server, tasks: usize, ignore_result: bool) -> Option<Measured> {
    let calls = Calls { profile: Profile::Safe, tasks, under_way: BULK, ignore_result };
    producers::publish(server, tasks, simq_arms::producer(&site(server), calls))
}

//! A simulated cluster: its hosts, what runs on them, and the run itself.
//!
//! Scenario files and the test kit both end up here, as a [`Plan`].

use super::calls::Calls;
use super::ledger::{Ledger, Nanos};
use super::observe::{Look, Watch};
use super::serving::{self, Servers};
use super::world::{env, env_of_worker};
use crate::app::{App, Endpoints, Node};
use crate::beat::Entry;
use crate::env::Env;
use crate::message::Timestamp;
use crate::worker::WorkerOptions;
use simq_sim::{Alternative, Config, Exit, Fault, Order, Pins, Process, Stop, Summary, Trigger, World};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Host of the embedded broker.
pub(crate) const BROKER: &str = "broker";
/// Host of the embedded result store.
pub(crate) const BACKEND: &str = "backend";
/// Host of the workload.
pub(crate) const PRODUCER: &str = "producer";
/// Host of the scheduler.
pub(crate) const BEAT: &str = "beat";
/// 2026-01-01T00:00:00Z: what wall clocks show at the start, unless a plan says otherwise.
pub(crate) const EPOCH_MICROS: i64 = 1_767_225_600_000_000;

/// Builds the application anew, for each process its own.
pub(crate) type Apps = Rc<dyn Fn() -> App>;
/// What a client process does with its application. Runs once for each life of the process.
pub(crate) type Client = Rc<dyn Fn(&Env, &App, &Calls)>;

/// One worker host.
#[derive(Clone)]
pub(crate) struct WorkerPlan {
    pub(crate) name: String,
    pub(crate) options: WorkerOptions,
    /// Messages that fit into its memory.
    pub(crate) memory: Option<u32>,
    /// Its application where that is another than the plan's.
    pub(crate) apps: Option<Apps>,
}

/// When a fault strikes.
#[derive(Clone, Debug)]
pub(crate) enum When {
    At(Duration),
    On(Trigger),
}

/// Everything that a run is made from.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) latency: (Duration, Duration),
    pub(crate) limit: Duration,
    pub(crate) max_events: u64,
    pub(crate) apps: Apps,
    /// What the hosts `broker` and `backend` are.
    pub(crate) servers: Servers,
    /// User code that may sleep through tokio.
    pub(crate) uses_tokio: bool,
    pub(crate) dead_letter_queue: Option<String>,
    pub(crate) workers: Vec<WorkerPlan>,
    pub(crate) clients: Vec<(String, Client)>,
    pub(crate) beat: Vec<Entry>,
    /// Hosts that run these entries.
    pub(crate) beats: Vec<String>,
    /// What every wall clock shows at the start, microseconds since 1970.
    pub(crate) epoch_micros: i64,
    pub(crate) faults: Vec<(When, Fault)>,
    /// Who runs next, and how long messages travel.
    pub(crate) order: Order,
}

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) ledger: Ledger,
    pub(crate) summary: Summary,
    pub(crate) stop: Stop,
    /// Whether each fault of the plan has struck.
    pub(crate) struck: Vec<bool>,
    /// When the last fault struck.
    pub(crate) last_fault: Option<Nanos>,
    /// When nothing was left to do; `None` if that never came.
    pub(crate) settled: Option<Nanos>,
    pub(crate) crashed: Vec<String>,
    /// Second halves of faults that found nothing to strike.
    pub(crate) missed: Vec<String>,
    pub(crate) leak: Option<String>,
    /// The wall clock of the hosts of beat at the end; of several, the one that is furthest back.
    pub(crate) beat_wall: Option<Timestamp>,
    pub(crate) choices: Chosen,
}

/// The choices of a run, as far as somebody wanted to know.
pub(crate) struct Chosen {
    /// Those that were not the first, if they were recorded.
    pub(crate) recorded: Option<Pins>,
    /// Choices among ready tasks; 0 when nobody counted them.
    pub(crate) steps: u64,
    /// Choices that could have been others, if they were wanted.
    pub(crate) alternatives: Vec<Alternative>,
}

/// How often a run looks whether anything is left to do.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing must be left to do before a run is over.
const QUIET_LOOKS: u32 = 10;

/// Runs a plan.
///
/// # Errors
///
/// When no simulated world can be made here; see [`World::new`].
pub(crate) fn run(plan: &Plan, look: Look) -> std::io::Result<Outcome> {
    let Look { sink, observer, record, alternatives } = look;
    let mut ledger = Ledger::new(plan.dead_letter_queue.clone());
    ledger.observer = observer;
    let ledger = Rc::new(RefCell::new(ledger));
    let last_fault = Rc::default();
    let watch = Watch { ledger: ledger.clone(), last_fault: Rc::clone(&last_fault), next: sink };
    let config = Config {
        latency: plan.latency,
        epoch_micros: plan.epoch_micros,
        sink: Some(Box::new(watch)),
        order: plan.order.clone(),
        record,
        alternatives,
        ..Config::new(plan.seed)
    };
    let world = World::new(config)?;
    let calls = plan.clients.iter().map(|_| Calls::default()).collect::<Vec<_>>();
    define_hosts(&world, plan, &ledger, &calls);
    let faults: Vec<usize> = plan.faults.iter().map(|(when, fault)| arm(&world, when, fault)).collect();
    for host in hosts(plan) {
        world.start(&host);
    }
    let (stop, settled) = run_to_the_end(&world, plan, &ledger, &calls, &last_fault);
    let crashed = crashes(&world, &ledger.borrow());
    let missed = world.missed();
    let (summary, leak) = (world.summary(), world.leak());
    let beat_wall = plan.beats.iter().filter_map(|beat| world.wall_micros(beat)).min().map(Timestamp::from_micros);
    let struck = faults.iter().map(|fault| world.struck(*fault)).collect();
    let choices = Chosen { recorded: world.recorded(), steps: world.steps(), alternatives: world.alternatives() };
    drop(world);
    let (ledger, last_fault) = (ledger.take(), *last_fault.borrow());
    Ok(Outcome { ledger, summary, stop, struck, last_fault, settled, crashed, missed, leak, beat_wall, choices })
}

fn arm(world: &World, when: &When, fault: &Fault) -> usize {
    match when {
        When::At(at) => world.fault_at(*at, fault.clone()),
        When::On(trigger) => world.fault_on(trigger.clone(), fault.clone()),
    }
}

/// Names of all hosts, in the order in which they start.
pub(crate) fn hosts(plan: &Plan) -> Vec<String> {
    let mut hosts = vec![BROKER.to_owned(), BACKEND.to_owned()];
    hosts.extend(plan.servers.redis.others().iter().map(|host| (*host).to_owned()));
    hosts.extend(plan.workers.iter().map(|worker| worker.name.clone()));
    hosts.extend(plan.beats.iter().cloned());
    hosts.extend(plan.clients.iter().map(|(name, _)| name.clone()));
    hosts
}

fn define_hosts(world: &World, plan: &Plan, ledger: &Rc<RefCell<Ledger>>, calls: &[Calls]) {
    let door = {
        let ledger = ledger.clone();
        move |process: Process| env(process, ledger.clone())
    };
    let endpoints = plan.servers.endpoints();
    serving::define(world, plan, door.clone());
    for worker in &plan.workers {
        ledger.borrow_mut().workers.insert(worker.name.clone(), Default::default());
        define_worker(world, worker, plan, &endpoints, ledger.clone());
    }
    for beat in &plan.beats {
        let (apps, entries, door) = (plan.apps.clone(), plan.beat.clone(), door.clone());
        let endpoints = endpoints.clone();
        world.define(beat, move |process| {
            Node::start(&door(process), apps(), &endpoints).beat(entries.clone());
        });
    }
    for ((name, client), calls) in plan.clients.iter().zip(calls) {
        let (apps, client, door, calls) = (plan.apps.clone(), client.clone(), door.clone(), calls.clone());
        let (uses_tokio, endpoints) = (plan.uses_tokio, endpoints.clone());
        world.define(name, move |process| {
            if uses_tokio {
                process.uses_tokio();
            }
            // What an earlier life had begun died with it.
            calls.begin_anew();
            let (env, app) = (door(process), apps());
            Node::start(&env, app.clone(), &endpoints);
            client(&env, &app, &calls);
        });
    }
}

fn define_worker(world: &World, worker: &WorkerPlan, plan: &Plan, endpoints: &Endpoints, ledger: Rc<RefCell<Ledger>>) {
    let endpoints = endpoints.clone();
    let apps = worker.apps.as_ref().unwrap_or(&plan.apps).clone();
    let (options, memory, uses_tokio) = (worker.options.clone(), worker.memory, plan.uses_tokio);
    world.define(&worker.name, move |process| {
        if uses_tokio {
            // Children are registered with their worker: they never outlive it.
            process.uses_tokio();
        }
        let env = env_of_worker(process, ledger.clone(), memory);
        let in_children = apps.clone();
        let in_child = endpoints.clone();
        let child_app = move |env: &Env| {
            let app = in_children();
            Node::start(env, app.clone(), &in_child);
            app
        };
        Node::start(&env, apps(), &endpoints).worker(Rc::new(child_app), options.clone());
    });
}

fn run_to_the_end(
    world: &World,
    plan: &Plan,
    ledger: &Rc<RefCell<Ledger>>,
    calls: &[Calls],
    last_fault: &RefCell<Option<Nanos>>,
) -> (Stop, Option<Nanos>) {
    let timed = plan.faults.iter().filter_map(|(when, fault)| match when {
        When::At(at) => Some(at.saturating_add(fault.aftermath())),
        When::On(_) => None,
    });
    let earliest_end = timed.max().unwrap_or_default();
    let aftermath = plan.faults.iter().map(|(_, fault)| fault.aftermath()).max().unwrap_or_default();
    let keeps_running = !plan.beats.is_empty();
    let (mut at, mut quiet) = (Duration::ZERO, 0);
    loop {
        // With beat a run lasts until its limit, and only what is left then counts. While something is left to do, there
        // is no need to look before anything happens.
        let busy = calls.iter().any(|calls| !calls.are_done()) || !ledger.borrow().is_quiet();
        let next = world.next_event().filter(|_| busy).map_or(at, |next| before(next).max(at));
        at = if keeps_running { plan.limit } else { (next + LOOK).min(plan.limit) };
        let stop = world.run(at, plan.max_events);
        let ledger = ledger.borrow();
        let struck = last_fault.borrow().map_or(Duration::ZERO, Duration::from_nanos);
        let faults_over = at > earliest_end && at > struck + aftermath;
        let still = faults_over && calls.iter().all(|calls| calls.are_done()) && ledger.is_quiet();
        quiet = if still { quiet + 1 } else { 0 };
        let settled = (quiet > 0).then_some(ledger.last);
        if stop == Stop::Events || at >= plan.limit {
            return (stop, settled);
        }
        if quiet > QUIET_LOOKS && !keeps_running {
            return (Stop::Idle, settled);
        }
    }
}

/// The last look before a time, or at it.
fn before(at: Duration) -> Duration {
    let looks = at.as_nanos() / LOOK.as_nanos();
    Duration::from_nanos(u64::try_from(looks * LOOK.as_nanos()).unwrap_or(u64::MAX))
}

/// Processes that ended by themselves and not well. A worker that was told to shut down has not: SIGINT gives it status 1.
fn crashes(world: &World, ledger: &Ledger) -> Vec<String> {
    let own = |exit: &Exit| matches!(exit, Exit::Panicked(_)) || matches!(exit, Exit::Status(status) if *status != 0);
    let ended = world
        .exits()
        .into_iter()
        .filter(|(name, exit)| own(exit) && !name.contains('/') && !ledger.drained.contains(&**name));
    ended.map(|(name, exit)| format!("{name}: {exit}")).collect()
}

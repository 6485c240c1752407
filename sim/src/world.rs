//! The world, as its maker sees it, and the loop that runs it.
//!
//! The loop is the whole theory: run what is ready, in the order the seed chooses, until nothing is; then move the
//! clock to the next event and let it happen.

use crate::alternatives::Alternative;
use crate::choices::Stream;
use crate::effect::Trigger;
use crate::fault::Fault;
use crate::life::Exit;
use crate::order::{Order, Pins};
use crate::process::Process;
use crate::shared::Shared;
use crate::timer::nanos;
use crate::trace::{Sink, TraceHash};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2026-01-01T00:00:00Z: where every host's wall clock starts, unless it is told otherwise.
pub const EPOCH_MICROS: i64 = 1_767_225_600_000_000;

/// How a world is made.
pub struct Config {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Wall clock at the start, microseconds since 1970. Default [`EPOCH_MICROS`].
    pub epoch_micros: i64,
    /// Latency of a message: at least the first, and up to the second on top. Default 200 µs and 300 µs.
    pub latency: (Duration, Duration),
    /// Reads the trace as it is made.
    pub sink: Option<Box<dyn Sink>>,
    /// Who runs next, and how long messages travel. Default: [`Order::Uniform`].
    pub order: Order,
    /// Record the choices, for [`World::recorded`]. Default: no.
    pub record: bool,
    /// Note which choices could have been others, for [`World::alternatives`]. Default: no.
    pub alternatives: bool,
}

impl Config {
    /// The defaults, with this seed.
    pub fn new(seed: u64) -> Self {
        let latency = (Duration::from_micros(200), Duration::from_micros(300));
        Config {
            seed,
            epoch_micros: EPOCH_MICROS,
            latency,
            sink: None,
            order: Order::Uniform,
            record: false,
            alternatives: false,
        }
    }
}

/// Why [`World::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// [`Stopper::stop`] was called.
    Asked,
    /// Virtual time reached the limit.
    Time,
    /// Nothing is ready and nothing is planned.
    Idle,
    /// The limit of events was reached, or 10 million polls in one instant: something runs in circles without letting
    /// time pass.
    Events,
}

/// What a run amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Hash of the trace and of where every stream of choices stands.
    pub hash: TraceHash,
    /// Records in the trace.
    pub events: u64,
    /// Virtual nanoseconds.
    pub now: u64,
}

/// A deterministic world.
pub struct World(Rc<Shared>);

impl World {
    /// An empty world at virtual time 0. One world at a time can live on a thread.
    ///
    /// # Errors
    ///
    /// When tokio's runtime can't be made, or when called inside of one: a world brings its own paused runtime.
    pub fn new(config: Config) -> std::io::Result<Self> {
        static WORLDS: AtomicU64 = AtomicU64::new(1);
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(std::io::Error::other(
                "a simulated world can't run inside a tokio runtime; call it from a plain #[test] or fn main",
            ));
        }
        if Shared::here().is_some() {
            return Err(std::io::Error::other("another simulated world lives on this thread; drop it first"));
        }
        let shared = Shared::new(config, WORLDS.fetch_add(1, Ordering::Relaxed))?;
        Ok(World(shared))
    }

    /// A host: its name, and the program that runs on it each time it is started. Defining it again changes the program
    /// from the next start on.
    pub fn define(&self, name: &str, program: impl Fn(Process) + 'static) {
        self.0.define(name, Rc::new(program));
    }

    /// Starts a host's program; false when it runs already or there is no such host.
    pub fn start(&self, name: &str) -> bool {
        self.0.start(name)
    }

    /// Carries out a fault at a virtual time, at once when that has passed; the number returned asks [`World::struck`]
    /// about it.
    pub fn fault_at(&self, at: Duration, fault: Fault) -> usize {
        let plan = self.new_fault();
        let act = move |world: &Rc<Shared>| {
            let struck = world.strike(&fault);
            world.struck(plan, &fault, struck);
        };
        self.0.plan(nanos(at), Box::new(act));
        plan
    }

    /// Carries out a fault at an effect of a process; effects count from now on.
    pub fn fault_on(&self, trigger: Trigger, fault: Fault) -> usize {
        let plan = self.new_fault();
        let mut processes = self.0.processes.borrow_mut();
        if let Some(id) = processes.named(&trigger.process) {
            processes.life_mut(id).watched = true;
        }
        self.0.effects.borrow_mut().arm(trigger, plan, fault);
        plan
    }

    fn new_fault(&self) -> usize {
        let mut strikes = self.0.strikes.borrow_mut();
        strikes.push(false);
        strikes.len() - 1
    }

    /// Whether a planned fault has struck something.
    pub fn struck(&self, plan: usize) -> bool {
        self.0.strikes.borrow()[plan]
    }

    /// Second halves of [`Fault::Then`] that found nothing to strike, in words.
    pub fn missed(&self) -> Vec<String> {
        self.0.missed.borrow().clone()
    }

    /// Calls `then` at a virtual time, at once when that has passed.
    pub fn at(&self, at: Duration, then: impl FnOnce() + 'static) {
        self.0.plan(nanos(at), Box::new(move |_| then()));
    }

    /// A number from one of the streams of choices, from `low` to `high`, both included.
    pub fn choose(&self, stream: Stream, low: u64, high: u64) -> u64 {
        self.0.choices.borrow_mut().stream(stream).between(low, high)
    }

    /// A handle that stops the world from inside: [`World::run`] returns before the next task is polled.
    pub fn stopper(&self) -> Stopper {
        Stopper(Rc::downgrade(&self.0))
    }

    /// A host's wall clock, microseconds since 1970; `None` when there is no such host.
    pub fn wall_micros(&self, host: &str) -> Option<i64> {
        let processes = self.0.processes.borrow();
        let host = processes.hosts.iter().find(|known| &*known.name == host)?;
        let now = i64::try_from(self.0.now()).unwrap_or(i64::MAX);
        Some(self.0.epoch_micros.saturating_add(now.saturating_add(host.wall_offset).div_euclid(1_000)))
    }

    /// When something next happens by itself; `None` when nothing is planned, or when user code may sleep through tokio.
    pub fn next_event(&self) -> Option<Duration> {
        if self.0.tokio.in_use() {
            return None;
        }
        self.0.agenda.borrow_mut().next_at().map(Duration::from_nanos)
    }

    /// Runs until virtual time `limit` or `max_events` records, whichever comes first. Both count from the start of the
    /// world. It can be called again, whatever ended it; time never goes back.
    ///
    /// # Panics
    ///
    /// When called from inside: by a task, a program or a planned action.
    pub fn run(&self, limit: Duration, max_events: u64) -> Stop {
        let world = &self.0;
        assert!(!world.running.replace(true), "World::run was called from inside of the world");
        let stop = self.run_on(nanos(limit).max(world.now()), max_events);
        world.running.set(false);
        stop
    }

    fn run_on(&self, limit: u64, max_events: u64) -> Stop {
        let world = &self.0;
        let _inside = world.tokio.enter();
        world.stopping.set(false);
        let (mut instant, mut polls) = (world.now(), 0);
        loop {
            if world.now() != instant {
                (instant, polls) = (world.now(), 0);
            }
            if !world.settle(&mut polls) {
                return Stop::Events;
            }
            if world.stopping.get() {
                return Stop::Asked;
            }
            if world.trace.borrow().events() >= max_events {
                return Stop::Events;
            }
            let next = world.agenda.borrow_mut().next_at();
            let at = match next {
                Some(at) if at <= limit => at,
                None if !world.tokio.in_use() => return Stop::Idle,
                _ => {
                    if world.advance(limit) {
                        return Stop::Time;
                    }
                    continue;
                }
            };
            if !world.advance(at) {
                continue;
            }
            let event = world.agenda.borrow_mut().pop();
            if let Some(event) = event {
                world.happen(event);
            }
        }
    }

    /// Virtual time since the start.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.now())
    }

    /// How the latest life of a host ended; `None` while it lives or before it starts.
    pub fn exit_of(&self, host: &str) -> Option<Exit> {
        let processes = self.0.processes.borrow();
        let id = processes.hosts[processes.host_named(host)? as usize].current?;
        processes.life(id).exit.clone()
    }

    /// Every life that has ended, in order of birth: name and how.
    pub fn exits(&self) -> Vec<(Rc<str>, Exit)> {
        let processes = self.0.processes.borrow();
        processes.lives.iter().filter_map(|life| Some((life.name.clone(), life.exit.clone()?))).collect()
    }

    /// What leaked in from outside of the world and made the run worthless: threads, tokio tasks.
    pub fn leak(&self) -> Option<String> {
        if self.0.tasks.borrow().woken_from_outside() {
            return Some("simulated code was woken by another thread".to_owned());
        }
        match self.0.tokio.escaped_tasks() {
            0 => None,
            n => Some(format!("{n} tasks were spawned on tokio itself; no kill can reach them")),
        }
    }

    /// The choices so far that were not the first: with [`Order::Pinned`] they make the same run again. `None` unless
    /// [`Config::record`] is set.
    pub fn recorded(&self) -> Option<Pins> {
        self.0.choices.borrow().recorded().cloned()
    }

    /// Choices so far whose other outcome somebody would see, in their order; none unless [`Config::alternatives`] is set.
    pub fn alternatives(&self) -> Vec<Alternative> {
        self.0.choices.borrow().alternatives()
    }

    /// Choices among ready tasks so far; 0 when the order is [`Order::Uniform`] and nothing is recorded.
    pub fn steps(&self) -> u64 {
        self.0.choices.borrow().steps()
    }

    /// What the run amounts to so far.
    pub fn summary(&self) -> Summary {
        let trace = self.0.trace.borrow();
        let hash = trace.hash(&self.0.choices.borrow().positions());
        Summary { hash, events: trace.events(), now: self.0.now() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.0.perish();
    }
}

/// Stops a world from inside.
#[derive(Clone)]
pub struct Stopper(Weak<Shared>);

impl Stopper {
    /// Ends the run.
    pub fn stop(&self) {
        if let Some(world) = self.0.upgrade() {
            world.stopping.set(true);
        }
    }
}

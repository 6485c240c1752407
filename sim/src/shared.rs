//! What the parts of a world share, and how they are made to run: polls, planned actions, the clock.

use crate::choices::Choices;
use crate::effect::Effects;
use crate::executor::{self, Tasks};
use crate::fault::Fault;
use crate::life::{Exit, Processes, State};
use crate::net::Net;
use crate::process::ProcessId;
use crate::timer::{Agenda, Event, nanos};
use crate::tokio_clock::TokioClock;
use crate::trace::{Trace, What};
use crate::world::Config;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

type Plan = Box<dyn FnOnce(&Rc<Shared>)>;

/// Planned actions of the world. A slot is free again once its action has been carried out.
#[derive(Default)]
struct Plans {
    slots: Vec<Option<Plan>>,
    free: Vec<u32>,
}

impl Plans {
    fn keep(&mut self, plan: Plan) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.slots[slot as usize] = Some(plan);
        slot
    }

    fn take(&mut self, slot: u32) -> Option<Plan> {
        self.free.push(slot);
        self.slots[slot as usize].take()
    }
}

/// Polls of one instant after which the world calls it an endless loop.
const POLLS_PER_INSTANT: u64 = 10_000_000;

/// Everything that the parts of a world share. Fine-grained cells: nothing here is borrowed while foreign code runs.
pub(crate) struct Shared {
    now: Cell<u64>,
    pub(crate) stopping: Cell<bool>,
    pub(crate) running: Cell<bool>,
    pub(crate) epoch_micros: i64,
    pub(crate) agenda: RefCell<Agenda>,
    pub(crate) tasks: RefCell<Tasks>,
    pub(crate) processes: RefCell<Processes>,
    pub(crate) net: RefCell<Net>,
    pub(crate) choices: RefCell<Choices>,
    pub(crate) effects: RefCell<Effects>,
    pub(crate) tokio: TokioClock,
    pub(crate) trace: RefCell<Trace>,
    plans: RefCell<Plans>,
    pub(crate) strikes: RefCell<Vec<bool>>,
    /// Second halves of faults that found nothing to strike.
    pub(crate) missed: RefCell<Vec<String>>,
    conditions: Cell<u64>,
    current: Cell<Option<ProcessId>>,
}

thread_local! {
    static HERE: RefCell<Weak<Shared>> = const { RefCell::new(Weak::new()) };
}

/// Where simulated code stands right now, for log lines: virtual nanoseconds and the process that runs. `None` outside
/// of a running world.
pub fn here() -> Option<(u64, Rc<str>)> {
    let world = Shared::here()?;
    let processes = world.processes.try_borrow().ok()?;
    let name = world.current.get().map_or_else(|| "".into(), |id| processes.life(id).name.clone());
    Some((world.now.get(), name))
}

/// Ends the process that runs right now, as a signal or the kernel would: for simulated code that brings its own process
/// down. False outside of a running world. The caller runs on to its next await, without effect.
pub fn end_here(exit: Exit) -> bool {
    let Some(world) = Shared::here() else { return false };
    world.current.get().is_some_and(|id| world.end(id, exit, false))
}

impl Shared {
    /// Makes the world of this thread; its number tells its wakers from those of other worlds.
    pub(crate) fn new(config: Config, number: u64) -> std::io::Result<Rc<Self>> {
        let shared = Rc::new(Shared {
            now: Cell::new(0),
            stopping: Cell::new(false),
            running: Cell::new(false),
            epoch_micros: config.epoch_micros,
            agenda: RefCell::default(),
            tasks: RefCell::new(Tasks::new(number)),
            processes: RefCell::default(),
            net: RefCell::new(Net::new((nanos(config.latency.0), nanos(config.latency.1)))),
            choices: RefCell::new(Choices::new(config.seed, config.order, config.record, config.alternatives)),
            effects: RefCell::default(),
            tokio: TokioClock::new()?,
            trace: RefCell::new(Trace::new(config.sink)),
            plans: RefCell::default(),
            strikes: RefCell::default(),
            missed: RefCell::default(),
            conditions: Cell::new(0),
            current: Cell::new(None),
        });
        HERE.set(Rc::downgrade(&shared));
        Ok(shared)
    }

    /// The world that lives on this thread.
    pub(crate) fn here() -> Option<Rc<Self>> {
        HERE.with_borrow(Weak::upgrade)
    }

    /// The end of the world is a power cut: handles are inert before the first destructor runs. Each part is taken out
    /// whole and dropped unborrowed; handles point back to the world, so what stayed in would never be freed.
    pub(crate) fn perish(&self) {
        let _inside = self.tokio.enter();
        let loose = self.processes.borrow_mut().perish();
        let futures = self.tasks.borrow_mut().clear();
        for (owner, future) in futures {
            let _ = self.run_as(owner, || drop(future));
        }
        drop(loose);
        drop(self.net.replace(Net::new((0, 0))));
        drop(self.plans.take());
        let wakers = self.agenda.borrow_mut().clear();
        drop(wakers);
        HERE.set(Weak::new());
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    #[inline]
    pub(crate) fn record(&self, id: ProcessId, what: What<'_>) {
        let processes = self.processes.borrow();
        self.trace.borrow_mut().record(self.now.get(), id.0, &processes.life(id).name, what);
    }

    /// Carries out `plan` at a virtual time, or at once when that has passed.
    pub(crate) fn plan(&self, at: u64, plan: Plan) {
        let slot = self.plans.borrow_mut().keep(plan);
        self.agenda.borrow_mut().plan(at.max(self.now()), Event::Plan(slot));
    }

    /// A number for something that holds until it is lifted.
    pub(crate) fn next_condition(&self) -> u64 {
        self.conditions.update(|number| number + 1);
        self.conditions.get()
    }

    /// Notes that the second half of a fault was carried out, and whether it found something to strike.
    pub(crate) fn follow_up(&self, fault: &Fault, struck: bool) {
        self.trace.borrow_mut().record(self.now.get(), u32::MAX, "", What::Fault { fault, struck });
        if !struck {
            self.missed.borrow_mut().push(fault.to_string());
        }
    }

    /// Notes that a planned fault was carried out, and whether it found something to strike.
    pub(crate) fn struck(&self, plan: usize, fault: &Fault, struck: bool) {
        self.strikes.borrow_mut()[plan] |= struck;
        self.trace.borrow_mut().record(self.now.get(), u32::MAX, "", What::Fault { fault, struck });
    }

    /// Polls one ready task.
    #[inline]
    fn poll(self: &Rc<Self>, key: executor::TaskKey) {
        let Some(owner) = self.tasks.borrow_mut().owner(key) else { return };
        {
            let mut processes = self.processes.borrow_mut();
            let life = processes.life_mut(owner);
            if life.state == State::Paused {
                life.parked.push(key);
                return;
            }
        }
        let Some(mut runnable) = self.tasks.borrow_mut().take(key) else { return };
        self.current.set(Some(owner));
        let mut cx = Context::from_waker(&runnable.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| runnable.future.as_mut().poll(&mut cx)));
        let left = match polled {
            Ok(Poll::Pending) => self.tasks.borrow_mut().put_back(key, runnable),
            Ok(Poll::Ready(())) => {
                self.tasks.borrow_mut().remove(key);
                Some(runnable)
            }
            Err(panic) => {
                self.end_itself(owner, Exit::Panicked(panic_text(&*panic)));
                self.tasks.borrow_mut().remove(key);
                Some(runnable)
            }
        };
        self.current.set(None);
        if let Some(left) = left
            && let Err(panic) = self.run_as(owner, || drop(left))
        {
            self.end_itself(owner, Exit::Panicked(panic));
        }
    }

    /// Runs foreign code in the name of a process, outside of a poll: its program, its destructors.
    ///
    /// # Errors
    ///
    /// The message of its panic.
    pub(crate) fn run_as(&self, id: ProcessId, code: impl FnOnce()) -> Result<(), String> {
        let before = self.current.replace(Some(id));
        let done = catch_unwind(AssertUnwindSafe(code));
        self.current.set(before);
        done.map_err(|panic| panic_text(&*panic))
    }

    /// Runs until nothing is ready, and counts the polls. False when this instant would never end.
    pub(crate) fn settle(self: &Rc<Self>, polls: &mut u64) -> bool {
        while !self.stopping.get() {
            let next = executor::take_ready(|ready| self.choose(ready));
            let Some(next) = next else { return true };
            self.poll(next);
            *polls += 1;
            if *polls >= POLLS_PER_INSTANT {
                return false;
            }
        }
        true
    }

    #[inline]
    fn choose(&self, ready: &[executor::Waiting]) -> usize {
        let mut choices = self.choices.borrow_mut();
        let chosen = choices.task(ready);
        if choices.notes_alternatives() {
            let mut by_wait: Vec<&executor::Waiting> = ready.iter().collect();
            by_wait.sort_unstable_by_key(|waiting| waiting.since);
            let mut tasks = self.tasks.borrow_mut();
            let owners: Vec<_> = by_wait.into_iter().map(|waiting| tasks.owner(waiting.key)).collect();
            choices.note_task(&owners);
        }
        chosen
    }

    #[inline]
    pub(crate) fn happen(self: &Rc<Self>, event: Event) {
        match event {
            Event::Timer { slot, .. } => {
                let waker = self.agenda.borrow_mut().fire(slot);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            Event::Arrival { connection, side, generation } => self.arrive(connection, generation, side),
            Event::Pace { connection, side, generation } => self.take_next(connection, generation, side),
            Event::Plan(slot) => {
                let plan = self.plans.borrow_mut().take(slot);
                plan.into_iter().for_each(|plan| plan(self));
            }
        }
    }

    /// Moves the clock towards `at`; false when something became ready before.
    #[inline]
    pub(crate) fn advance(&self, at: u64) -> bool {
        if !self.tokio.in_use() {
            self.now.set(at);
            return true;
        }
        let reached = self.tokio.advance(at);
        self.now.set(reached.max(self.now.get()));
        reached == at && executor::ready_count() == 0
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "(no message)".to_owned())
}

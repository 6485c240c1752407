//! The pool: children that run task bodies, one task at a time each.
//!
//! A child is whatever the world offers: a simulated process in a simulated cluster, an async task of this process in
//! production. The worker speaks to it over a pipe; both ends are the same code in both worlds.

mod child;
mod frame;

pub(super) use frame::{FromChild, Job, Outcome, ToChild};

use super::{FromPool, Worker};
use crate::app::App;
use crate::env::{Child, ChildExit, Env, Link};
use actix::Addr;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Makes the application that a child runs: its own one in a process of its own.
pub(crate) type AppSource = Rc<dyn Fn(&Env) -> App>;

struct Slot {
    child: Box<dyn Child>,
    pipe: Link<ToChild, FromChild>,
    /// Which child of this slot it is; what an earlier one still says is stale.
    generation: u64,
    /// Tasks that it was given.
    given: u32,
}

/// The children of one worker.
pub(super) struct Pool {
    env: Env,
    apps: AppSource,
    slots: Vec<Slot>,
    idle: BTreeSet<usize>,
    started: u64,
    share: Option<u32>,
}

/// What a child did.
pub(super) enum ChildEvent {
    Heard(FromChild),
    Exited(ChildExit),
}

impl Pool {
    /// `share` is how many tasks a child runs before it is replaced.
    pub(super) fn new(env: &Env, apps: AppSource, share: Option<u32>) -> Self {
        Pool { env: env.clone(), apps, slots: Vec::new(), idle: BTreeSet::new(), started: 0, share }
    }

    /// Starts `size` children, all idle.
    pub(super) fn fill(&mut self, size: usize, worker: &Addr<Worker>) {
        for at in 0..size {
            let slot = self.start_child(at, worker);
            self.slots.push(slot);
            self.idle.insert(at);
        }
    }

    fn start_child(&mut self, at: usize, worker: &Addr<Worker>) -> Slot {
        self.started += 1;
        let generation = self.started;
        let apps = self.apps.clone();
        let (child, pipe) = self.env.start_child(at + 1, move |env, pipe| child::run(&env, apps(&env), pipe));
        let (listening, exited, worker) = (pipe.clone(), child.exited(), worker.clone());
        self.env.spawn(async move {
            // What the child said before it died comes first: a finished task is not a lost one.
            while let Some(frame) = listening.recv().await {
                worker.do_send(FromPool { slot: at, generation, event: ChildEvent::Heard(frame) });
            }
            let exit = exited.await;
            worker.do_send(FromPool { slot: at, generation, event: ChildEvent::Exited(exit) });
        });
        Slot { child, pipe, generation, given: 0 }
    }

    /// Whether an event is of the child that is in this slot now.
    pub(super) fn is_current(&self, slot: usize, generation: u64) -> bool {
        self.slots.get(slot).is_some_and(|slot| slot.generation == generation)
    }

    /// Takes the first idle child.
    pub(super) fn take_idle(&mut self) -> Option<usize> {
        self.idle.pop_first()
    }

    pub(super) fn send(&mut self, slot: usize, frame: ToChild) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.given += u32::from(matches!(frame, ToChild::Run(_)));
            slot.pipe.send(frame);
        }
    }

    /// The child has finished its task. One that has had its share is told to end: it is replaced when it has.
    pub(super) fn release(&mut self, slot: usize) {
        match self.slots.get(slot).filter(|held| self.share.is_some_and(|share| held.given >= share)) {
            Some(worn) => worn.pipe.close(),
            None => {
                self.idle.insert(slot);
            }
        }
    }

    pub(super) fn kill(&self, slot: usize) {
        if let Some(slot) = self.slots.get(slot) {
            slot.child.kill();
        }
    }

    /// Puts a new child into a slot whose child has ended.
    pub(super) fn replace(&mut self, at: usize, worker: &Addr<Worker>) {
        let slot = self.start_child(at, worker);
        self.slots[at] = slot;
        self.idle.insert(at);
    }
}

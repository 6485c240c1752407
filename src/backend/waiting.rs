//! Who waits for which result in this process, and what each of them wants to hear.

use super::frame::Request;
use super::{Follow, Meta, Reply, Wait};
use crate::collections::Map;
use crate::env::{Env, Instant};
use crate::events::{Event, What};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A question for the state as it is waits no longer than this.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// One caller of `get(timeout)`.
struct Waiter {
    deadline: Instant,
    /// Answer with whatever is there.
    look: bool,
    reply: Reply<Option<Meta>>,
}

/// One reader of a stream of states.
struct Follower {
    to: mpsc::Sender<Meta>,
    /// After a lost connection the store says again what it has said.
    last: Option<Meta>,
}

/// Those who wait for one task.
#[derive(Default)]
struct Audience {
    waiters: Vec<Waiter>,
    followers: Vec<Follower>,
}

impl Audience {
    fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.followers.is_empty()
    }

    fn watch(&self, id: &Arc<str>) -> Request {
        Request::Watch { id: id.clone(), every: !self.followers.is_empty() }
    }
}

/// Everybody who waits in this process.
#[derive(Default)]
pub(super) struct Waiting {
    audiences: Map<Arc<str>, Audience>,
    deadlines: BTreeSet<(Instant, Arc<str>)>,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.audiences.is_empty()
    }

    /// What a new connection has to ask for.
    pub(super) fn watches(&self) -> impl Iterator<Item = Request> {
        self.audiences.iter().map(|(id, audience)| audience.watch(id))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Adds a waiter; returns what to ask the store.
    pub(super) fn wait(&mut self, wait: Wait, env: &Env) -> Request {
        let look = wait.timeout.is_zero();
        let deadline = env.now() + if look { LOOK_TIMEOUT } else { wait.timeout };
        if !look {
            env.emit(&Event { id: &wait.id, what: What::Waiting });
        }
        self.deadlines.insert((deadline, wait.id.clone()));
        let audience = self.audiences.entry(wait.id.clone()).or_default();
        audience.waiters.push(Waiter { deadline, look, reply: wait.reply });
        audience.watch(&wait.id)
    }

    /// Adds a follower; returns what to ask the store.
    pub(super) fn follow(&mut self, follow: Follow) -> Request {
        let audience = self.audiences.entry(follow.id.clone()).or_default();
        audience.followers.push(Follower { to: follow.to, last: None });
        audience.watch(&follow.id)
    }

    /// The store has said what it has of a task. Returns what to tell it when nobody is left who wants to hear more.
    pub(super) fn hear(&mut self, id: &Arc<str>, meta: Option<Meta>, env: &Env) -> Option<Request> {
        let ready = meta.as_ref().is_some_and(|meta| meta.state.is_ready());
        let audience = self.audiences.get_mut(id)?;
        let told: Vec<Waiter> = audience.waiters.extract_if(.., |waiter| ready || waiter.look).collect();
        if let Some(meta) = &meta {
            audience.followers.retain_mut(|follower| follower.tell(meta) && !ready);
        }
        for waiter in told {
            self.deadlines.remove(&(waiter.deadline, id.clone()));
            if !waiter.look {
                env.emit(&Event { id, what: What::Waited { state: meta.as_ref().map(|meta| meta.state) } });
            }
            (waiter.reply)(meta.clone());
        }
        // The store itself forgets those who watch a task that is done.
        self.leave(id).filter(|_| !ready)
    }

    /// Tells those whose time is over; returns what to tell the store.
    pub(super) fn give_up(&mut self, now: Instant, env: &Env) -> Vec<Request> {
        let mut unwatched = Vec::new();
        while self.deadlines.first().is_some_and(|(at, _)| *at <= now) {
            let Some((at, id)) = self.deadlines.pop_first() else { break };
            let Some(audience) = self.audiences.get_mut(&id) else { continue };
            let late: Vec<Waiter> = audience.waiters.extract_if(.., |waiter| waiter.deadline <= at).collect();
            unwatched.extend(self.leave(&id));
            for waiter in late {
                env.emit(&Event { id: &id, what: What::Waited { state: None } });
                (waiter.reply)(None);
            }
        }
        unwatched
    }

    fn leave(&mut self, id: &Arc<str>) -> Option<Request> {
        self.audiences.get(id).filter(|audience| audience.is_empty())?;
        self.audiences.swap_remove(id);
        Some(Request::Unwatch { id: id.clone() })
    }
}

impl Follower {
    /// Passes a state on; false when nobody reads any more. A reader who is far behind misses states on the way, never
    /// the last one: its place is kept.
    fn tell(&mut self, meta: &Meta) -> bool {
        if self.last.as_ref() == Some(meta) {
            return !self.to.is_closed();
        }
        self.last = Some(meta.clone());
        if self.to.capacity() <= 1 && !meta.state.is_ready() {
            return !self.to.is_closed();
        }
        self.to.try_send(meta.clone()).is_ok()
    }
}

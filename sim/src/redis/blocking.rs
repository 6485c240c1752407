//! Clients that wait for a key: who is served, in which order, and whose time is up.
//!
//! A command that creates a key somebody waits for only notes that key as ready. Once the whole command or transaction
//! is done, ready keys are served in the order in which they became so, and the clients of a key in the order in which
//! they began to wait. Serving may make other keys ready (`BLMOVE`); they follow.

use super::call::{Outcome, bulk};
use super::data::{Data, End};
use super::errors::ROLE_CHANGED;
use super::lists::{Popped, move_item, pop_items};
use super::zpop::pop_scored;
use super::{ClientId, Micros, Redis};
use ::redis::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a blocked client will do with a key that has something.
#[derive(Clone, Debug)]
pub(super) enum Want {
    Pop(End),
    /// `BLMPOP`: up to so many.
    PopMany(End, usize),
    /// `BLMOVE`, `BRPOPLPUSH`.
    Move {
        from: End,
        to: End,
        target: Vec<u8>,
    },
    /// `BZPOPMAX` or `BZPOPMIN`.
    PopScored {
        highest: bool,
    },
    /// `WAIT`: no replica ever confirms, so only time serves it.
    Replicas,
}

/// Whom a client waits for, and until when.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) db: usize,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) want: Want,
    pub(super) deadline: Option<Micros>,
}

#[derive(Debug, Default)]
pub(super) struct Blocked {
    waiting: BTreeMap<(usize, Vec<u8>), VecDeque<ClientId>>,
    deadlines: BTreeSet<(Micros, ClientId)>,
    ready: VecDeque<(usize, Vec<u8>)>,
    /// Clients whose wait is over, and who may have sent commands meanwhile.
    released: VecDeque<ClientId>,
}

impl Blocked {
    pub(super) fn next_deadline(&self) -> Option<Micros> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }
}

impl Redis {
    /// How many clients wait for a key.
    pub fn blocked_clients(&self) -> usize {
        self.clients.values().filter(|client| client.wait.is_some()).count()
    }

    /// Makes a client wait.
    pub(super) fn block(&mut self, client: ClientId, wait: Wait) -> Outcome {
        for key in &wait.keys {
            let queue = self.blocked.waiting.entry((wait.db, key.clone())).or_default();
            // A key that is named twice still serves a client once.
            if queue.back() != Some(&client) {
                queue.push_back(client);
            }
        }
        if let Some(deadline) = wait.deadline {
            self.blocked.deadlines.insert((deadline, client));
        }
        if let Some(state) = self.clients.get_mut(&client) {
            state.wait = Some(wait);
        }
        Outcome::Blocked
    }

    /// A key was created.
    pub(super) fn signal_ready(&mut self, db: usize, key: &[u8]) {
        if self.blocked.waiting.is_empty() {
            return;
        }
        let slot = (db, key.to_vec());
        if self.blocked.waiting.contains_key(&slot) && !self.blocked.ready.contains(&slot) {
            self.blocked.ready.push_back(slot);
        }
    }

    /// Forgets what a client waits for.
    pub(super) fn stop_waiting(&mut self, client: ClientId) -> Option<Wait> {
        let wait = self.clients.get_mut(&client)?.wait.take()?;
        for key in &wait.keys {
            let slot = (wait.db, key.clone());
            if let Some(queue) = self.blocked.waiting.get_mut(&slot) {
                if let Some(place) = queue.iter().position(|waiting| *waiting == client) {
                    queue.remove(place);
                }
                if queue.is_empty() {
                    self.blocked.waiting.remove(&slot);
                }
            }
        }
        if let Some(deadline) = wait.deadline {
            self.blocked.deadlines.remove(&(deadline, client));
        }
        Some(wait)
    }

    /// Ends a client's wait with this reply; whether it was waiting.
    pub(super) fn unblock(&mut self, client: ClientId, reply: Value) -> bool {
        if self.stop_waiting(client).is_none() {
            return false;
        }
        self.out.push((client, reply));
        self.blocked.released.push_back(client);
        true
    }

    /// A server that becomes a replica can't serve blocked clients any more.
    pub(super) fn unblock_all(&mut self) {
        let waiting: Vec<ClientId> = self.clients.iter().filter(|(_, c)| c.wait.is_some()).map(|(id, _)| *id).collect();
        for client in waiting {
            self.unblock(client, ROLE_CHANGED.into());
        }
    }

    pub(super) fn time_out_blocked(&mut self) {
        while let Some((deadline, client)) = self.blocked.deadlines.first().copied() {
            if deadline > self.now {
                break;
            }
            self.time_out(client);
        }
    }

    /// Ends a client's wait as if its time were up; whether it was waiting.
    pub(super) fn time_out(&mut self, client: ClientId) -> bool {
        let wait = self.clients.get(&client).and_then(|state| state.wait.as_ref());
        let counts = wait.is_some_and(|wait| matches!(wait.want, Want::Replicas));
        self.unblock(client, if counts { Value::Int(0) } else { Value::Nil })
    }

    /// Serves ready keys, then runs what the served clients had sent ahead, until nothing is left to do.
    pub(super) fn serve_ready(&mut self) {
        loop {
            if let Some((db, key)) = self.blocked.ready.pop_front() {
                self.serve_key(db, &key);
            } else if let Some(client) = self.blocked.released.pop_front() {
                self.go_on(client);
            } else {
                return;
            }
        }
    }

    fn serve_key(&mut self, db: usize, key: &[u8]) {
        let slot = (db, key.to_vec());
        // Clients that this key can't serve stay where they are.
        let mut place = 0;
        while let Some(client) = self.blocked.waiting.get(&slot).and_then(|queue| queue.get(place)).copied() {
            let Some(index) = self.find(db, key) else { return };
            let Some(want) = self.clients.get(&client).and_then(|state| state.wait.as_ref()).map(|wait| &wait.want)
            else {
                return;
            };
            let serves = match self.databases[db].at(index).data {
                Data::List(_) => matches!(want, Want::Pop(_) | Want::PopMany(..) | Want::Move { .. }),
                Data::Sorted(_) => matches!(want, Want::PopScored { .. }),
                _ => false,
            };
            if !serves {
                place += 1;
                continue;
            }
            let want = want.clone();
            let before = self.begin_tracking(client);
            let reply = self.serve_client(client, db, key, &want);
            self.unblock(client, reply);
            self.end_tracking(client, "");
            self.running = before;
            self.commit();
        }
    }

    fn serve_client(&mut self, client: ClientId, db: usize, key: &[u8], want: &Want) -> Value {
        match want {
            Want::Pop(end) => match pop_items(self, db, key, *end, None) {
                Popped::One(item) => Value::Array(vec![bulk(key), Value::BulkString(item)]),
                _ => Value::Nil,
            },
            Want::PopMany(end, count) => match pop_items(self, db, key, *end, Some(*count)) {
                Popped::Many(items) => Value::Array(vec![bulk(key), Value::Array(items)]),
                _ => Value::Nil,
            },
            Want::Move { from, to, target } => match move_item(self, db, key, *from, target, *to) {
                Ok(item) => item.map_or(Value::Nil, Value::BulkString),
                Err(error) => error.into(),
            },
            Want::Replicas => Value::Nil,
            Want::PopScored { highest } => {
                let mut reply = pop_scored(self, db, key, *highest, 1);
                reply.insert(0, bulk(key));
                self.typed_pop(client, reply)
            }
        }
    }

    /// Runs a command that a client sent while it was blocked; it stays first in line until it blocks again.
    fn go_on(&mut self, client: ClientId) {
        let next = self.clients.get_mut(&client).filter(|state| state.wait.is_none());
        let Some(args) = next.and_then(|state| state.ahead.pop_front()) else { return };
        self.blocked.released.push_front(client);
        self.execute(client, &args);
    }
}

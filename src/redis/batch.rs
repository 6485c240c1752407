//! Gathering commands: whatever came while the last write was under way is the next one.
//!
//! A batch costs one trip however many commands it has, and nothing waits for a timer: under little load a command goes
//! at once, alone, and under much load batches grow by themselves.

use crate::env::Env;
use crate::env::redis::{RedisConnection, RedisLost};
use redis::{Cmd, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// Most commands of one write.
const LIMIT: usize = 1_000;

/// Commands in order, each with what its reply is for.
pub(crate) struct Batch<T>(Vec<(Cmd, T)>);

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Batch(Vec::new())
    }
}

impl<T> Batch<T> {
    pub(crate) fn add(&mut self, command: Cmd, purpose: T) {
        self.0.push((command, purpose));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The oldest ones, as many as one write takes.
    fn next(&mut self) -> (Vec<Cmd>, Vec<T>) {
        let rest = self.0.split_off(self.0.len().min(LIMIT));
        std::mem::replace(&mut self.0, rest).into_iter().unzip()
    }
}

/// Writes what is gathered to one connection.
pub(crate) struct Writer<T> {
    gathered: RefCell<Batch<T>>,
    more: Notify,
    /// Commands that are written and not answered.
    under_way: Cell<usize>,
}

impl<T> Writer<T> {
    pub(crate) fn new() -> Self {
        Writer { gathered: RefCell::default(), more: Notify::new(), under_way: Cell::new(0) }
    }

    /// Whether everything has been written and answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.get() == 0 && self.gathered.borrow().is_empty()
    }

    /// There is more to be written, which `prepare` of [`Writer::run`] will say.
    pub(crate) fn wake(&self) {
        self.more.notify_one();
    }

    /// Has commands written with the next batch, in order.
    pub(crate) fn append(&self, batch: &mut Batch<T>) {
        if !batch.is_empty() {
            self.gathered.borrow_mut().0.append(&mut batch.0);
            self.more.notify_one();
        }
    }

    /// Writes, batch after batch, and hands on every reply, until the connection is lost. `prepare` adds to each batch
    /// what can be said in one command for many.
    pub(crate) async fn run(
        &self,
        connection: &Rc<dyn RedisConnection>,
        patience: Duration,
        env: &Env,
        prepare: impl Fn(&mut Batch<T>),
        mut hear: impl FnMut(T, Value),
    ) -> RedisLost {
        loop {
            prepare(&mut self.gathered.borrow_mut());
            let (commands, purposes) = self.gathered.borrow_mut().next();
            if commands.is_empty() {
                self.more.notified().await;
                continue;
            }
            self.under_way.set(commands.len());
            let Ok(written) = env.timeout(patience, connection.send(commands)).await else {
                return RedisLost(format!("no answer within {patience:?}"));
            };
            match written {
                Ok(replies) => {
                    for (purpose, reply) in purposes.into_iter().zip(replies) {
                        self.under_way.set(self.under_way.get() - 1);
                        hear(purpose, reply);
                    }
                }
                Err(lost) => return lost,
            }
        }
    }
}

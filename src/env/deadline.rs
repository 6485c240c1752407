//! A sleep until a deadline that moves.

use super::{Env, Instant};
use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// When whoever waits for what is due next will wake up, and how to wake it earlier.
pub(crate) struct Deadline<T> {
    next: Cell<Option<T>>,
    waker: Cell<Option<Waker>>,
}

impl<T> Default for Deadline<T> {
    fn default() -> Self {
        Deadline { next: Cell::new(None), waker: Cell::new(None) }
    }
}

impl<T: Ord + Copy> Deadline<T> {
    /// The deadline is this one now. Whoever waits is woken if it is earlier than the one that is waited for.
    pub(crate) fn moved(&self, next: Option<T>) {
        if next.is_some() && (self.next.get().is_none() || next < self.next.get()) {
            self.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Waits until the deadline that `current` tells has come, or is another one; `at` says when one comes. One waits at a
    /// time.
    pub(crate) async fn wait(&self, env: &Env, current: impl Fn() -> Option<T>, at: impl Fn(T) -> Instant) {
        let next = current();
        self.next.set(next);
        let mut sleep = env.sleep_until(next.map_or(Instant::NEVER, at));
        let mut woken = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut woken, true) && current() != next {
                return Poll::Ready(());
            }
            self.waker.set(Some(cx.waker().clone()));
            if next.is_some() { sleep.as_mut().poll(cx) } else { Poll::Pending }
        })
        .await;
    }
}

//! Heartbeats, at either end of a connection: something is sent in each half of the agreed interval, and two intervals in
//! which nothing was heard are the end.

use crate::env::{Env, Instant};
use std::cell::Cell;
use std::time::Duration;

/// When something was last heard and sent.
pub(super) struct Pulse {
    heard: Cell<Instant>,
    sent: Cell<Instant>,
}

impl Pulse {
    pub(super) fn new(env: &Env) -> Pulse {
        Pulse { heard: Cell::new(env.now()), sent: Cell::new(env.now()) }
    }

    pub(super) fn heard(&self, env: &Env) {
        self.heard.set(env.now());
    }

    pub(super) fn sent(&self, env: &Env) {
        self.sent.set(env.now());
    }

    /// Sends heartbeats where nothing else is sent, for as long as `goes_on`. Completes when the other end is silent and
    /// `listens` to it, or with `goes_on`.
    pub(super) async fn beat(
        &self,
        env: &Env,
        seconds: u16,
        goes_on: impl Fn() -> bool,
        listens: impl Fn() -> bool,
        send: impl Fn(),
    ) {
        let interval = Duration::from_secs(u64::from(seconds));
        loop {
            env.sleep(interval / 2).await;
            if !goes_on() {
                return;
            }
            let now = env.now();
            if !listens() {
                self.heard.set(now);
            }
            if now.since(self.heard.get()) >= interval * 2 {
                return;
            }
            if now.since(self.sent.get()) >= interval / 2 {
                self.sent.set(now);
                send();
            }
        }
    }
}

//! May it run? What stands between a message and a child: what was done before, what was revoked, what is too late, and
//! whose turn it is.
//!
//! | a task | is |
//! |---|---|
//! | that has succeeded, here or by what the backend says (`worker_deduplicate_successful_tasks`) | acked and skipped |
//! | that was revoked, by a broadcast or by what the backend says (`revoke_in_backend`) | acked; REVOKED |
//! | whose `expires` has passed | acked; REVOKED |
//! | whose ETA has not come | held until then |
//! | with a rate limit and no token | held until its turn |
//!
//! The backend is asked about messages that may have a history: those that were delivered before, that were held for
//! their ETA, and those of beat; with `worker_screen_all` about every message. So a revoke that no worker heard, for none
//! was there, does not reach a message that is delivered for the first time and may run at once, unless all are asked
//! about. A backend that does not answer within ten seconds holds up nobody.

use super::controlled::revoked_failure;
use super::expiry::is_expired;
use super::rates::Turn;
use super::request::{Phase, RequestId};
use super::{Asked, Due, Worker};
use crate::backend::{Meta, Wait};
use crate::broker::Settlement;
use crate::env::Instant;
use crate::events::{Event, State, What};
use crate::message::Timestamp;
use crate::planted::{Fault as Planted, planted};
use crate::settings::RateLimit;
use actix::{AsyncContext, Context};
use std::sync::Arc;
use std::time::Duration;

/// Header of messages that beat sends.
const BEAT_HEADER: &str = "celery_beat_task";

impl Worker {
    /// A message has come: its first check.
    pub(super) fn screen(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        if self.turn_away(id) {
            return;
        }
        let Some(request) = self.requests.get(&id) else { return };
        let from_beat = || request.task.extra.get(BEAT_HEADER).is_some();
        if self.settings.screen_all || request.delivery.redelivered || from_beat() {
            return self.ask(id, Asked::First, ctx);
        }
        self.park_or_admit(id, ctx);
    }

    /// Asks the backend for the task's state, if that could change anything.
    fn ask(&mut self, id: RequestId, asked: Asked, ctx: &mut Context<Self>) {
        let asks = self.settings.worker_deduplicate_successful_tasks || self.settings.revoke_in_backend;
        // Over `rpc://` only the caller hears of results.
        let asks = asks && !self.settings.results_are_replies();
        let Some(request) = self.requests.get_mut(&id).filter(|_| asks) else {
            return self.answered(id, asked, None, ctx);
        };
        request.phase = Phase::Asking;
        let me = ctx.address();
        self.with.backend.do_send(Wait {
            id: request.task.id.clone(),
            timeout: Duration::ZERO,
            reply: Box::new(move |meta| me.do_send(super::Answered { id, asked, meta })),
        });
    }

    /// What the backend says of a task.
    pub(super) fn answered(&mut self, id: RequestId, asked: Asked, meta: Option<Meta>, ctx: &mut Context<Self>) {
        // Forgotten meanwhile: a lost connection, a shutdown.
        if !self.requests.contains_key(&id) {
            return;
        }
        match meta.map(|meta| meta.state) {
            Some(State::Success) if self.settings.worker_deduplicate_successful_tasks => self.skip(id),
            Some(State::Revoked) if self.settings.revoke_in_backend && !planted(Planted::RevokeForgotten) => {
                self.refuse_revoked(id);
            }
            _ if asked == Asked::First => self.park_or_admit(id, ctx),
            _ => self.admit(id, ctx),
        }
    }

    fn park_or_admit(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.get(&id) else { return };
        let wait = request.task.eta.map(|eta| eta.saturating_since(self.env.wall()));
        match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => self.park(id, wait, ctx),
            None => self.admit(id, ctx),
        }
    }

    /// Holds a message until its ETA. It stays unacked, so the window grows by one: others must get past it.
    fn park(&mut self, id: RequestId, wait: Duration, ctx: &mut Context<Self>) {
        let timer = self.timers.set(self.env.now() + wait, Due::Eta(id));
        if let Some(request) = self.requests.get_mut(&id) {
            request.phase = Phase::Parked(timer);
            self.env.emit(&Event { id: &request.task.id, what: What::Parked });
        }
        self.prefetch.park();
        self.update_window();
        self.set_alarm(ctx);
    }

    /// Its ETA has come.
    pub(super) fn unpark(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.phase = Phase::Reserved;
        self.prefetch.unpark();
        self.update_window();
        if !self.turn_away(id) {
            self.ask(id, Asked::AfterEta, ctx);
        }
    }

    /// It may run as soon as it is its turn.
    fn admit(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.phase = Phase::Reserved;
        let Some(limit) = request.definition.options.rate_limit(&self.settings) else { return self.reserve(id) };
        let task = request.task.task.clone();
        match self.rates.take(&task, limit, id, self.env.now()) {
            Turn::Now => self.reserve(id),
            Turn::At(at) => {
                self.hold_back(id);
                self.await_token(task, limit, at, ctx);
            }
            Turn::Behind => self.hold_back(id),
        }
    }

    /// It waits for a token. With `rate_limit_grows_prefetch` others get past it, as they get past those that wait
    /// for their ETA; without, as in Celery, it keeps its place in the window.
    fn hold_back(&mut self, id: RequestId) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.phase = Phase::Limited;
        }
        if self.settings.rate_limit_grows_prefetch {
            self.prefetch.park();
            self.update_window();
        }
    }

    fn await_token(&mut self, task: Arc<str>, limit: RateLimit, at: Instant, ctx: &mut Context<Self>) {
        self.timers.set(at, Due::Token(task, limit));
        self.set_alarm(ctx);
    }

    /// A token has come for whoever is first in line.
    pub(super) fn token(&mut self, task: &Arc<str>, limit: RateLimit, ctx: &mut Context<Self>) {
        let (first, next) = self.rates.release(task, limit, self.env.now());
        let is_late = |id| self.requests.get(&id).is_none_or(|request| is_expired(&request.task, self.env.wall()));
        if let Some(at) = next.filter(|_| !(planted(Planted::TokenTimerLost) && first.is_some_and(is_late))) {
            self.await_token(task.clone(), limit, at, ctx);
        }
        if let Some(id) = first {
            self.let_go(id);
            if !self.turn_away(id) {
                self.reserve(id);
            }
        }
    }

    /// Turns away what waits here, wherever it waits.
    pub(super) fn turn_away_waiting(&mut self, id: RequestId) {
        self.stop_waiting(id);
        self.turn_away(id);
    }

    /// Takes a request out of timers and lines.
    pub(super) fn stop_waiting(&mut self, id: RequestId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        match std::mem::replace(&mut request.phase, Phase::Reserved) {
            Phase::Parked(timer) => {
                self.timers.cancel(timer);
                self.prefetch.unpark();
                self.update_window();
            }
            Phase::Limited => {
                self.rates.forget(&request.task.task, id);
                self.let_go(id);
            }
            _ => {}
        }
    }

    /// It no longer waits for a token.
    fn let_go(&mut self, id: RequestId) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.phase = Phase::Reserved;
        }
        if self.settings.rate_limit_grows_prefetch {
            self.prefetch.unpark();
            self.update_window();
        }
    }

    fn reserve(&mut self, id: RequestId) {
        self.reserved.push_back(id);
        self.dispatch();
    }

    /// The next reserved request that may begin. A second copy of a task that runs here waits until the result of the
    /// first is stored.
    pub(super) fn next_runnable(&mut self) -> Option<RequestId> {
        let mut at = 0;
        while let Some(id) = self.reserved.get(at).copied() {
            let runs = self.requests.get(&id).is_some_and(|request| self.unsettled_ids.contains(&request.task.id));
            if runs && self.settings.worker_deduplicate_successful_tasks {
                at += 1;
                continue;
            }
            self.reserved.remove(at);
            let is_late = |request: &super::Request| is_expired(&request.task, self.env.wall());
            let is_blind =
                planted(Planted::ExpiryOnlyOnArrival) && self.requests.get(&id).is_some_and(|request| is_late(request));
            if self.requests.contains_key(&id) && (is_blind || !self.turn_away(id)) {
                return Some(id);
            }
        }
        None
    }

    /// Turns away what this worker knows not to be run.
    fn turn_away(&mut self, id: RequestId) -> bool {
        let Some(request) = self.requests.get(&id) else { return true };
        let (now, task) = (self.env.wall(), &request.task);
        let clock = match planted(Planted::ExpiryOnTheWrongClock) {
            true => Timestamp::from_micros((self.env.now().0 / 1_000) as i64),
            false => now,
        };
        if self.settings.worker_deduplicate_successful_tasks && self.succeeded.contains(&task.id, now) {
            self.skip(id);
        } else if self.revoked.contains(&task.id, now) {
            self.refuse_revoked(id);
        } else if is_expired(task, clock) {
            self.refuse_with(id, "expired");
        } else {
            return false;
        }
        true
    }

    fn skip(&mut self, id: RequestId) {
        if let Some(request) = self.requests.get(&id) {
            tracing::info!(id = %request.task.id, task = %request.task.task, "it has succeeded before; skipped");
            self.env.emit(&Event { id: &request.task.id, what: What::Skipped });
        }
        self.conclude(id, None, Some(Settlement::Ack));
    }

    fn refuse_revoked(&mut self, id: RequestId) {
        self.refuse_with(id, "revoked");
    }

    fn refuse_with(&mut self, id: RequestId, why: &'static str) {
        let Some(request) = self.requests.get(&id) else { return };
        self.env.emit(&Event { id: &request.task.id, what: What::Refused { why } });
        let state = Some(self.failure_of(request, State::Revoked, &revoked_failure(why)));
        let state = state.filter(|_| !self.ignores(request, Some(State::Revoked)));
        self.conclude(id, state, Some(Settlement::Ack));
    }
}

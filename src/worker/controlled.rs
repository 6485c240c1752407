//! What a worker does when it is told to by remote control.

use super::request::{CutBy, RequestId};
use super::{Due, Worker};
use crate::app::Failure;
use crate::backend::Draft;
use crate::control::{Request, Revoke};
use crate::events::State;
use crate::message::Message;
use actix::Context;
use std::sync::Arc;
use std::time::Duration;

/// Revokes come in bursts; the file that remembers them is written once for each burst.
const SAVE_AFTER: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn controlled(&mut self, message: &Message, ctx: &mut Context<Self>) {
        let request = match Request::decode(message) {
            Ok(request) => request,
            Err(why) => return tracing::error!(%why, "not a request of remote control; left alone"),
        };
        if !request.is_for(&self.env.name()) {
            return;
        }
        match request.as_revoke() {
            Some(revoke) => self.revoke(&revoke, ctx),
            None => tracing::debug!(method = request.method, "remote control: a method that is not built yet"),
        }
    }

    /// Remembers the ids, turns away what waits here, and kills what runs if it is to.
    fn revoke(&mut self, revoke: &Revoke, ctx: &mut Context<Self>) {
        let now = self.env.wall();
        let was_dirty = self.revoked.is_dirty();
        for id in &revoke.ids {
            tracing::info!(id, terminate = revoke.terminate, "revoked");
            let id: Arc<str> = id.as_str().into();
            self.revoked.add(id.clone(), now);
            self.revoke_here(&id, revoke.terminate);
        }
        if self.revoked.is_dirty() && !was_dirty {
            self.timers.set(self.env.now() + SAVE_AFTER, Due::SaveRevoked);
            self.set_alarm(ctx);
        }
    }

    fn revoke_here(&mut self, id: &Arc<str>, terminate: bool) {
        let held: Vec<RequestId> =
            self.requests.iter().filter(|(_, request)| request.task.id == *id).map(|(at, _)| *at).collect();
        let begun = |at: &RequestId| self.requests.get(at).is_some_and(|request| !request.is_unstarted());
        if !held.iter().any(begun) {
            // Whoever waits for it hears of it now.
            self.store_revoked(id);
        }
        for at in held {
            let Some(request) = self.requests.get(&at) else { continue };
            if request.is_running() && terminate {
                self.cut(at, CutBy::Revoke);
            } else if request.is_unstarted() && self.settings.revoke_in_backend {
                self.turn_away_waiting(at);
            }
            // In Celery's way a message that is held stays so until it is its turn, and is discarded then.
        }
    }

    fn store_revoked(&self, id: &Arc<str>) {
        if !self.settings.revoke_in_backend {
            let failure = revoked_failure("revoked");
            let meta = Draft::new(id, State::Revoked).failure(&failure).encode(self.env.wall());
            self.put(id, None, (State::Revoked, meta), Box::new(drop));
        }
    }
}

/// The exception of a revoked task.
pub(super) fn revoked_failure(why: &str) -> Failure {
    Failure::new("TaskRevokedError", why).in_module("celery.exceptions")
}

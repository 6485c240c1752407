//! What other actors ask of the backend actor.

use super::frame::Request;
use super::store::Keep;
use super::{Backend, Draft, Meta, NotStored, Reply};
use crate::app::Failure;
use crate::events::State;
use crate::settings::duration;
use actix::{Context, Handler, Message};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Stores a state.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Put {
    pub(crate) id: Arc<str>,
    pub(crate) state: State,
    pub(crate) meta: Arc<[u8]>,
    /// The queue of whoever made the call, for `rpc://`.
    pub(crate) reply_to: Option<Arc<str>>,
    pub(crate) reply: Reply<Result<(), NotStored>>,
}

/// Drops a result.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Forget {
    pub(crate) id: Arc<str>,
    pub(crate) reply: Reply<Result<(), NotStored>>,
}

/// Stores REVOKED for tasks of which only the ids are known.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StoreRevoked {
    pub(crate) ids: Vec<Arc<str>>,
}

/// Waits for a result; answers `None` when `timeout` is over. A timeout of zero asks for the state as it is.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Wait {
    pub(crate) id: Arc<str>,
    pub(crate) timeout: Duration,
    pub(crate) reply: Reply<Option<Meta>>,
}

/// Tells of every state from the present one to the last.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Follow {
    pub(crate) id: Arc<str>,
    pub(crate) to: mpsc::Sender<Meta>,
}

impl Handler<Put> for Backend {
    type Result = ();

    fn handle(&mut self, put: Put, ctx: &mut Context<Self>) {
        let expires = self.settings.result_failure_expires.filter(|_| put.state == State::Failure);
        let expires = expires.unwrap_or(self.settings.result_expires);
        let lifetime = (expires > 0.0).then(|| duration(expires));
        let keep = Keep { lifetime, precedence: self.settings.result_precedence };
        let Put { id, state, meta, reply_to, reply } = put;
        self.write(Request::Put { id, state, meta, reply_to, keep }, reply, ctx);
    }
}

impl Handler<StoreRevoked> for Backend {
    type Result = ();

    fn handle(&mut self, revoked: StoreRevoked, ctx: &mut Context<Self>) {
        let failure = Failure::new("TaskRevokedError", "revoked").in_module("celery.exceptions");
        for id in revoked.ids {
            let meta = Draft::new(&id, State::Revoked).failure(&failure).encode(self.env.wall());
            // Whoever revokes is told as well: his own queue is the only one that he knows.
            let reply_to = self.rpc.as_ref().map(|rpc| rpc.replies.queue.clone());
            self.handle(Put { id, state: State::Revoked, meta, reply_to, reply: Box::new(drop) }, ctx);
        }
    }
}

impl Handler<Forget> for Backend {
    type Result = ();

    fn handle(&mut self, forget: Forget, ctx: &mut Context<Self>) {
        self.write(Request::Forget { id: forget.id }, forget.reply, ctx);
    }
}

impl Handler<Wait> for Backend {
    type Result = ();

    fn handle(&mut self, wait: Wait, ctx: &mut Context<Self>) {
        let watch = self.waiting.wait(wait, &self.env);
        self.send(watch, ctx);
        self.set_alarm(ctx);
    }
}

impl Handler<Follow> for Backend {
    type Result = ();

    fn handle(&mut self, follow: Follow, ctx: &mut Context<Self>) {
        let watch = self.waiting.follow(follow);
        self.send(watch, ctx);
    }
}

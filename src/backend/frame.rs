//! What crosses the link to the embedded result store.

use super::lease::{Answer, Ask};
use super::store::Keep;
use crate::env::{Digest, Frame};
use crate::events::State;
use std::fmt;
use std::sync::Arc;

/// What a process asks of the store. Writes are answered in order; watches whenever there is something to say.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Keep this state, or send it to whoever made the call. Answer: [`Response::Stored`].
    Put { id: Arc<str>, state: State, meta: Arc<[u8]>, reply_to: Option<Arc<str>>, keep: Keep },
    /// Drop what is there. Answer: [`Response::Stored`].
    Forget { id: Arc<str> },
    /// Say what is there now, and again when the task is done, or with `every` state. Answer: [`Response::Current`].
    Watch { id: Arc<str>, every: bool },
    /// Say no more.
    Unwatch { id: Arc<str> },
    /// Say that the connection lives. Answer: [`Response::Alive`].
    Ping,
    /// About a lease. Answer: [`Response::Lease`].
    Lease(Ask),
}

/// What the store answers.
#[derive(Clone, Debug)]
pub(crate) enum Response {
    /// The oldest unanswered write is done.
    Stored,
    /// The oldest unanswered write can't be done.
    NotStored(Arc<str>),
    /// The connection lives.
    Alive,
    /// The state of a watched task.
    Current { id: Arc<str>, meta: Option<(State, Arc<[u8]>)> },
    /// The oldest unanswered question about a lease is answered.
    Lease(Answer),
}

impl Frame for Request {
    fn label(&self) -> &'static str {
        match self {
            Request::Put { .. } => "result.store",
            Request::Forget { .. } => "result.forget",
            Request::Watch { .. } => "result.watch",
            Request::Unwatch { .. } => "result.unwatch",
            Request::Ping => "heartbeat",
            Request::Lease(ask) => ask.label(),
        }
    }

    fn digest(&self) -> u64 {
        match self {
            Request::Put { id, state, meta, .. } => {
                Digest::of("put").bytes(id.as_bytes()).number(*state as u64).bytes(meta).finish()
            }
            Request::Forget { id } => Digest::of("forget").bytes(id.as_bytes()).finish(),
            Request::Watch { id, every } => Digest::of("watch").bytes(id.as_bytes()).number(u64::from(*every)).finish(),
            Request::Unwatch { id } => Digest::of("unwatch").bytes(id.as_bytes()).finish(),
            Request::Ping => Digest::of("ping").finish(),
            Request::Lease(ask) => ask.digest(),
        }
    }
}

impl Frame for Response {
    fn label(&self) -> &'static str {
        match self {
            Response::Stored => "result.stored",
            Response::NotStored(_) => "result.refused",
            Response::Alive => "heartbeat",
            Response::Current { .. } => "result.current",
            Response::Lease(answer) => answer.label(),
        }
    }

    fn digest(&self) -> u64 {
        match self {
            Response::Stored => Digest::of("stored").finish(),
            Response::NotStored(why) => Digest::of("not stored").bytes(why.as_bytes()).finish(),
            Response::Alive => Digest::of("alive").finish(),
            Response::Lease(answer) => answer.digest(),
            Response::Current { id, meta } => {
                let state = meta.as_ref().map_or(99, |(state, _)| *state as u64);
                Digest::of("current").bytes(id.as_bytes()).number(state).finish()
            }
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Put { id, state, .. } => write!(f, "store {} {id}", state.name()),
            Request::Forget { id } => write!(f, "forget {id}"),
            Request::Watch { id, every: false } => write!(f, "watch {id}"),
            Request::Watch { id, every: true } => write!(f, "watch every state of {id}"),
            Request::Unwatch { id } => write!(f, "unwatch {id}"),
            Request::Ping => f.write_str("ping"),
            Request::Lease(ask) => ask.fmt(f),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Stored => f.write_str("stored"),
            Response::NotStored(why) => write!(f, "not stored: {why}"),
            Response::Alive => f.write_str("alive"),
            Response::Lease(answer) => answer.fmt(f),
            Response::Current { id, meta } => {
                write!(f, "{id} is {}", meta.as_ref().map_or("PENDING", |(state, _)| state.name()))
            }
        }
    }
}

//! What crosses the link to the embedded result store.

use crate::env::{Digest, Frame};
use crate::events::State;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a process asks of the store. Puts are answered in order; watches whenever there is something to say.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Keep this state. Answer: [`Response::Stored`].
    Put { id: Arc<str>, state: State, meta: Arc<[u8]>, lifetime: Option<Duration> },
    /// Say what is there now, and again when the task is done. Answer: [`Response::Current`].
    Watch { id: Arc<str> },
    /// Say no more.
    Unwatch { id: Arc<str> },
    /// Say that the connection lives. Answer: [`Response::Alive`].
    Ping,
}

/// What the store answers.
#[derive(Clone, Debug)]
pub(crate) enum Response {
    /// The oldest unanswered put is done.
    Stored,
    /// The connection lives.
    Alive,
    /// The state of a watched task.
    Current { id: Arc<str>, meta: Option<(State, Arc<[u8]>)> },
}

impl Frame for Request {
    fn label(&self) -> &'static str {
        match self {
            Request::Put { .. } => "result.store",
            Request::Watch { .. } => "result.watch",
            Request::Unwatch { .. } => "result.unwatch",
            Request::Ping => "heartbeat",
        }
    }

    fn digest(&self) -> u64 {
        match self {
            Request::Put { id, state, meta, .. } => {
                Digest::of("put").bytes(id.as_bytes()).number(*state as u64).bytes(meta).finish()
            }
            Request::Watch { id } => Digest::of("watch").bytes(id.as_bytes()).finish(),
            Request::Unwatch { id } => Digest::of("unwatch").bytes(id.as_bytes()).finish(),
            Request::Ping => Digest::of("ping").finish(),
        }
    }
}

impl Frame for Response {
    fn label(&self) -> &'static str {
        match self {
            Response::Stored => "result.stored",
            Response::Alive => "heartbeat",
            Response::Current { .. } => "result.current",
        }
    }

    fn digest(&self) -> u64 {
        match self {
            Response::Stored => Digest::of("stored").finish(),
            Response::Alive => Digest::of("alive").finish(),
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
            Request::Watch { id } => write!(f, "watch {id}"),
            Request::Unwatch { id } => write!(f, "unwatch {id}"),
            Request::Ping => f.write_str("ping"),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Stored => f.write_str("stored"),
            Response::Alive => f.write_str("alive"),
            Response::Current { id, meta } => {
                write!(f, "{id} is {}", meta.as_ref().map_or("PENDING", |(state, _)| state.name()))
            }
        }
    }
}

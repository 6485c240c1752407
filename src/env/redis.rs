//! Connections to a Redis server: the seam under the Redis adapters.
//!
//! It carries redis-rs's own commands and values. In production the commands go over redis-rs's multiplexed connection, in
//! a simulated cluster each is a frame to the simulated server, so that every gap between two commands is a place
//! where a process can die. Pipelines are sent as they stand, in one write; a transaction is its commands between MULTI
//! and EXEC.

use super::LocalFuture;
use redis::{Cmd, PushInfo, Value};
use std::task::{Context, Poll};

/// Where a Redis server is, and how to introduce oneself.
pub use crate::redis::RedisUrl;

/// The connection is gone: whatever was asked on it and not answered was done, or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection to Redis lost: {0}")]
pub struct RedisLost(pub String);

/// A connection in RESP3, in the database of its URL. Dropping the last handle closes it.
pub trait RedisConnection {
    /// Sends commands in one write; completes with one reply for each, the server's errors among them
    /// ([`Value::ServerError`]). What is sent later is answered later.
    ///
    /// Subscriptions go through [`RedisConnection::subscribe`].
    fn send(&self, commands: Vec<Cmd>) -> LocalFuture<Result<Vec<Value>, RedisLost>>;

    /// Sends one of SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE and PUNSUBSCRIBE; completes when all its channels are confirmed.
    fn subscribe(&self, command: Cmd) -> LocalFuture<Result<(), RedisLost>>;

    /// What the server says unasked: messages of subscriptions, invalidations; `None` when the connection is gone.
    fn poll_push(&self, cx: &mut Context<'_>) -> Poll<Option<PushInfo>>;

    /// Closes it.
    fn close(&self);
}

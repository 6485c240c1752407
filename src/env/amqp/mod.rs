//! Connections to RabbitMQ: the seam under its adapter.
//!
//! It carries AMQP 0-9-1's methods on numbered channels. In production they are calls of lapin, in a simulated cluster
//! each is a frame to the simulated server, so that every gap between two of them is a place where a process can die.

mod method;
mod options;
mod url;

pub use method::{
    AmqpError, ChannelNumber, Delivery, DeliveryTag, Method, Name, NameTooLong, Reply, Request, Said, Settlement,
};
pub(crate) use options::Options;
pub use url::{AmqpUrl, BadAmqpUrl};

use super::{ConnectError, LocalFuture};
use std::task::{Context, Poll};

/// A connection that is being opened.
pub type Connecting = LocalFuture<Result<Box<dyn AmqpConnection>, ConnectError>>;

/// A connection, on which channels are opened. Dropping it closes it.
pub trait AmqpConnection {
    /// Asks on a channel; completes with the server's answer. The channel carries out what it is sent in that order.
    fn ask(&self, channel: ChannelNumber, request: Request) -> LocalFuture<Result<Reply, AmqpError>>;

    /// Writes what has no answer, without waiting for it to be written. What fails is told by
    /// [`AmqpConnection::poll_said`].
    ///
    /// # Errors
    ///
    /// When AMQP has no form for it: then nothing is written, and a publish has no number.
    fn write(&self, channel: ChannelNumber, method: Method) -> Result<(), NameTooLong>;

    /// What the server says unasked; `None` when the connection is gone.
    fn poll_said(&self, cx: &mut Context<'_>) -> Poll<Option<Said>>;

    /// Whether it is there, as far as heartbeats tell.
    fn is_open(&self) -> bool;

    /// Closes it after all that was written; completes when the server knows.
    fn close(&self) -> LocalFuture<()>;
}

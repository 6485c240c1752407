//! RabbitMQ in a simulated cluster: simq's own adapter talks to the engine of [`crate::broker::amqp`] over simulated
//! connections.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | one method on a connection: an effect that a fault can name |
//! | `connection` | the client's end: what lapin is in production |
//! | `heartbeat` | how either end finds out that the other is silent |
//! | `hosts` | how the server is set up |
//! | `server` | the server's process |
//! | `disk` | what it has written and not synced, and confirms that wait for that |
//! | `orders` | what it is told of its memory, its disk and its nodes |
//! | `client` | its end of one connection |
//! | `requests` | methods of the wire as the engine's, and its answers back |
//! | `witness` | what the engine's movements mean for tasks, for the ledger |

mod client;
mod connection;
mod disk;
mod frame;
mod heartbeat;
mod hosts;
pub(super) mod orders;
mod requests;
mod server;
mod witness;

pub(super) use connection::connect;
pub(crate) use hosts::RabbitConfig;
pub(super) use hosts::endpoint;
pub(super) use server::serve;

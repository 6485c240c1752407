//! Redis in a simulated cluster: simq's own adapters talk to `simq_sim::redis` over simulated connections.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | one command or reply on a connection: an effect that a fault can name |
//! | `connection` | the client's end: what redis-rs is in production |
//! | `hosts` | which hosts of a cluster are Redis |
//! | `server` | the server's process |
//! | `twins` | what the adapters' scripts do |
//! | `witness` | what the server's changes mean for tasks, for the ledger |

mod connection;
mod frame;
mod hosts;
mod server;
#[cfg(test)]
mod tests;
mod twins;
mod witness;

pub(super) use connection::connect;
pub(crate) use hosts::RedisHosts;
pub(super) use server::serve;

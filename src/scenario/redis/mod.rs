//! Redis in a simulated cluster: simq's own adapters talk to `simq_sim::redis` over simulated connections.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | one command or reply on a connection: an effect that a fault can name |
//! | `connection` | the client's end: what redis-rs is in production |
//! | `hosts` | which hosts of a cluster are Redis |
//! | `part` | what a server is to the cluster: the only one, or one of several |
//! | `replication` | how a replica gets what its master has |
//! | `sentinel` | the process of a Sentinel |
//! | `server` | the server's process |
//! | `twins` | what the adapters' scripts do |
//! | `witness` | what the server's changes mean for tasks, for the ledger |

mod connection;
mod frame;
mod hosts;
mod part;
mod replication;
mod sentinel;
mod server;
#[cfg(test)]
mod tests;
mod twins;
mod witness;

pub(super) use connection::connect;
pub(crate) use hosts::{FailOver, REPLICA, RedisHosts, SENTINEL};
pub(super) use server::serve;

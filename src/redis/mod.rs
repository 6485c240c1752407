//! What the broker's and the result store's Redis adapters share: addresses, batches of commands, scripts.

mod address;
mod batch;
mod login;
mod options;
mod script;
mod sentinel;
mod url;

use crate::tls::Tls;
pub(crate) use batch::{Batch, Writer};
pub(crate) use options::Options;
pub(crate) use script::Script;
pub(crate) use sentinel::{Sentinels, connect as connect_to_master};
pub use url::{BadRedisUrl, RedisUrl};

/// Longest wait for an answer where nothing is set: longer than any command takes.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// What the server says of an error, as on the wire: its code, then the details.
pub(crate) fn said(error: &redis::ServerError) -> String {
    format!("{} {}", error.code(), error.details().unwrap_or_default())
}

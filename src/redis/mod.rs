//! What the broker's and the result store's Redis adapters share: addresses, batches of commands, scripts.

mod address;
mod batch;
mod login;
mod options;
mod script;
mod sentinel;
mod tls;
mod url;

pub(crate) use batch::{Batch, Writer};
pub(crate) use options::Options;
pub(crate) use script::Script;
pub(crate) use sentinel::{Sentinels, connect as connect_to_master};
pub(crate) use tls::Tls;
pub use url::{BadRedisUrl, RedisUrl};

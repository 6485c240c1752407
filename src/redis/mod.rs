//! What the broker's and the result store's Redis adapters share: addresses, batches of commands, scripts.

mod batch;
mod script;
mod url;

pub(crate) use batch::{Batch, Writer};
pub(crate) use script::Script;
pub use url::{BadRedisUrl, RedisUrl};

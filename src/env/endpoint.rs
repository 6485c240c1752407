//! Where a server is that a process talks to.

use super::redis::RedisUrl;
use std::fmt;
use std::sync::Arc;

/// Where a broker or a result store is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Endpoint {
    /// A server of simq's own, by its name.
    Served(Arc<str>),
    /// A Redis server.
    Redis(Box<RedisUrl>),
}

impl Endpoint {
    /// How many servers there are to choose from.
    pub(crate) fn turns(&self) -> usize {
        match self {
            Endpoint::Served(_) => 1,
            Endpoint::Redis(url) => url.alternatives().len(),
        }
    }

    /// The one to be tried in this turn.
    pub(crate) fn turn(&self, turn: u64) -> Endpoint {
        match self {
            Endpoint::Served(_) => self.clone(),
            Endpoint::Redis(url) => {
                let all = url.alternatives();
                let place = usize::try_from(turn % all.len() as u64).unwrap_or_default();
                Endpoint::Redis(all[place].clone().into())
            }
        }
    }

    /// Whether it is simq's own, which keeps the order of what is sent after its client is gone.
    pub(crate) fn is_served(&self) -> bool {
        matches!(self, Endpoint::Served(_))
    }
}

impl From<&str> for Endpoint {
    fn from(name: &str) -> Self {
        Endpoint::Served(name.into())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Served(name) => f.write_str(name),
            Endpoint::Redis(url) => url.fmt(f),
        }
    }
}

//! Where a server is that a process talks to.

use super::amqp::AmqpUrl;
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
    /// RabbitMQ: the nodes of one cluster, in the order in which they are tried.
    Amqp(Arc<[AmqpUrl]>),
    /// For results: whichever broker there is, over which they go to the process that made the call.
    Rpc,
}

impl Endpoint {
    /// How many servers there are to choose from.
    pub(crate) fn turns(&self) -> usize {
        match self {
            Endpoint::Served(_) | Endpoint::Rpc => 1,
            Endpoint::Redis(url) => url.alternatives().len(),
            Endpoint::Amqp(servers) => servers.len(),
        }
    }

    /// The one to be tried in this turn.
    pub(crate) fn turn(&self, turn: u64) -> Endpoint {
        match self {
            Endpoint::Served(_) | Endpoint::Rpc => self.clone(),
            Endpoint::Redis(url) => {
                let all = url.alternatives();
                let place = usize::try_from(turn % all.len() as u64).unwrap_or_default();
                Endpoint::Redis(all[place].clone().into())
            }
            Endpoint::Amqp(servers) => {
                let place = usize::try_from(turn % servers.len().max(1) as u64).unwrap_or_default();
                Endpoint::Amqp(servers.get(place).cloned().into_iter().collect())
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
            Endpoint::Rpc => f.write_str("rpc://"),
            Endpoint::Amqp(servers) => {
                let shown: Vec<String> = servers.iter().map(ToString::to_string).collect();
                f.write_str(&shown.join(";"))
            }
        }
    }
}

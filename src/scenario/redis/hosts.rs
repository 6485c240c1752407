//! Which hosts of a cluster are Redis servers.

use crate::app::Endpoints;
use crate::env::Endpoint;
use crate::env::redis::RedisUrl;
use crate::scenario::cluster::{BACKEND, BROKER};
use simq_sim::redis::RedisConfig;

/// Which of the two servers are Redis, and how they are set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct RedisHosts {
    pub(crate) broker: Option<RedisConfig>,
    pub(crate) backend: Option<RedisConfig>,
}

impl RedisHosts {
    /// Where processes find the two.
    pub(in crate::scenario) fn endpoints(&self) -> Endpoints {
        let at = |redis: &Option<RedisConfig>, host: &str| match redis {
            Some(_) => {
                RedisUrl::parse(&format!("redis://{host}/0")).map_or(host.into(), |url| Endpoint::Redis(url.into()))
            }
            None => host.into(),
        };
        Endpoints { broker: at(&self.broker, BROKER), backend: at(&self.backend, BACKEND) }
    }
}

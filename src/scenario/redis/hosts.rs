//! Which hosts of a cluster are Redis servers.

use super::part::Part;
use crate::app::Endpoints;
use crate::env::redis::RedisUrl;
use crate::env::{Endpoint, Env};
use crate::redis::Options;
use crate::scenario::cluster::{BACKEND, BROKER};
use crate::settings::{Profile, Settings};
use simq_sim::redis::RedisConfig;
use simq_sim::{Process, World};
use std::time::Duration;

/// Host of the replica of the broker.
pub(crate) const REPLICA: &str = "replica";
/// Host of the Sentinel that watches the two.
pub(crate) const SENTINEL: &str = "sentinel";
/// The name under which it does.
pub(super) const MASTER_NAME: &str = "mymaster";

/// Which of the two servers are Redis, and how they are set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct RedisHosts {
    pub(crate) broker: Option<RedisConfig>,
    pub(crate) backend: Option<RedisConfig>,
    /// The broker has a replica and a Sentinel, which processes ask for it.
    pub(crate) fail_over: Option<FailOver>,
}

/// How a replica and a Sentinel are set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailOver {
    /// How long changes wait to be sent to the replica.
    pub(crate) lag: Duration,
    /// How long a master may not answer.
    pub(crate) down_after: Duration,
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
        let broker = self.fail_over.and_then(|_| of_sentinel()).unwrap_or_else(|| at(&self.broker, BROKER));
        Endpoints { broker, backend: at(&self.backend, BACKEND) }
    }

    /// Hosts besides the two that every cluster has.
    pub(in crate::scenario) fn others(&self) -> &'static [&'static str] {
        if self.fail_over.is_some() { &[REPLICA, SENTINEL] } else { &[] }
    }

    /// The broker's place among its servers.
    pub(in crate::scenario) fn first(&self) -> Part {
        let lag = self.fail_over.map_or(Duration::ZERO, |fail_over| fail_over.lag);
        Part::first(BROKER, self.fail_over.is_some(), lag)
    }

    /// The result store's: it is the only one.
    pub(in crate::scenario) fn store(&self) -> Part {
        Part::first(BACKEND, false, Duration::ZERO)
    }

    /// Defines those besides the two, for a broker of this place.
    pub(in crate::scenario) fn define_others(
        &self,
        world: &World,
        first: &Part,
        door: impl Fn(Process) -> Env + Clone + 'static,
    ) {
        let (Some(fail_over), Some(config)) = (self.fail_over, self.broker.clone()) else { return };
        let (part, serve) = (first.under(BROKER), door.clone());
        world.define(REPLICA, move |process| {
            super::serve(&process, &serve(process.clone()), config.clone(), part.clone());
        });
        world.define(SENTINEL, move |process| {
            super::sentinel::serve(&process, &door(process.clone()), fail_over.down_after);
        });
    }
}

/// Whoever the Sentinel calls the master.
fn of_sentinel() -> Option<Endpoint> {
    let mut settings = Settings::new(Profile::Safe);
    settings.redis_master_name = Some(MASTER_NAME.to_owned());
    let options = Options::of_broker(&settings).ok()?;
    let url = RedisUrl::with(&format!("sentinel://{SENTINEL}/0"), &options).ok()?;
    Some(Endpoint::Redis(url.into()))
}

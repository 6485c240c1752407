//! The two servers of a cluster: what runs on the hosts `broker` and `backend`.

use super::cluster::{BACKEND, BROKER, Plan};
use super::format::Variant;
use super::load::Scenario;
use super::rabbit::RabbitConfig;
use super::redis::{FailOver, RedisHosts};
use super::servers::{RedisPersistence, ServerKind};
use crate::app::Endpoints;
use crate::env::Env;
use crate::journal::{JournalError, Journaling};
use crate::message::Table;
use simq_sim::redis::{Persistence, RedisConfig};
use simq_sim::{Process, World};
use std::time::Duration;

/// Redis's `down-after-milliseconds`, unless the file says otherwise.
const DOWN_AFTER: Duration = Duration::from_secs(30);

/// Which of the two are not simq's own, and how they are set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    pub(crate) redis: RedisHosts,
    /// The broker is a RabbitMQ.
    pub(crate) rabbit: Option<RabbitConfig>,
}

impl Servers {
    /// Where processes find the two.
    pub(super) fn endpoints(&self) -> Endpoints {
        let endpoints = self.redis.endpoints();
        match self.rabbit {
            Some(_) => Endpoints { broker: super::rabbit::endpoint(), ..endpoints },
            None => endpoints,
        }
    }
}

impl Scenario {
    /// The servers of a variant.
    pub(crate) fn servers(&self, overlay: &Variant, seed: u64) -> Servers {
        let set = overlay.redis.as_ref().unwrap_or(&self.file.redis);
        let redis = RedisConfig {
            maxmemory: set.maxmemory.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            persistence: match set.persistence {
                Some(RedisPersistence::None) => Persistence::None,
                Some(RedisPersistence::Everysec) => Persistence::EverySecond,
                Some(RedisPersistence::Always) | None => Persistence::Always,
            },
            seed,
            ..RedisConfig::default()
        };
        let on = |kind| (kind == ServerKind::Redis).then(|| redis.clone());
        let fail_over = set.sentinel.then(|| FailOver {
            lag: set.replica_lag.map_or(Duration::ZERO, |lag| lag.0),
            down_after: set.down_after.map_or(DOWN_AFTER, |time| time.0),
        });
        let redis = RedisHosts { broker: on(self.file.broker), backend: on(self.file.backend), fail_over };
        let set = overlay.rabbitmq.as_ref().unwrap_or(&self.file.rabbitmq);
        let mut config = RabbitConfig::default();
        if let Some(heartbeat) = set.heartbeat {
            config.heartbeat = u16::try_from(heartbeat.0.as_secs()).unwrap_or(u16::MAX);
        }
        if let Some(timeout) = set.consumer_timeout {
            let milliseconds = u64::try_from(timeout.0.as_millis()).unwrap_or(u64::MAX);
            config.engine.consumer_timeout = (milliseconds > 0).then_some(milliseconds);
        }
        if let Some(tick) = set.channel_tick_interval {
            config.engine.channel_tick = u64::try_from(tick.0.as_millis()).unwrap_or(u64::MAX);
        }
        for (name, arguments) in &set.queues {
            let mut table = Table::default();
            arguments.iter().for_each(|(name, value)| table.set(name.clone(), value.clone()));
            config.queues.push((name.as_str().into(), table));
        }
        Servers { redis, rabbit: (self.file.broker == ServerKind::RabbitMq).then_some(config) }
    }
}

/// Defines them.
pub(super) fn define(world: &World, plan: &Plan, door: impl Fn(Process) -> Env + Clone + 'static) {
    let (journaling, max_results) = {
        let app = (plan.apps)();
        (Journaling::new(app.settings()), app.settings().embedded_max_result_bytes)
    };
    let (serve, kept, servers) = (door.clone(), journaling.clone(), plan.servers.clone());
    let part = servers.redis.first();
    servers.redis.define_others(world, &part, door.clone());
    world.define(BROKER, move |process| {
        let env = serve(process.clone());
        if let Some(config) = servers.rabbit.clone() {
            return super::rabbit::serve(&process, &env, config);
        }
        if let Some(config) = servers.redis.broker.clone() {
            return super::redis::serve(&process, &env, config, part.clone());
        }
        match kept.clone() {
            None => crate::broker::server::serve(&env, BROKER),
            Some(kept) => env.clone().spawn(async move {
                end_unless(&env, crate::broker::server::serve_kept(&env, BROKER, &kept).await);
            }),
        }
    });
    let (redis, part) = (plan.servers.redis.backend.clone(), plan.servers.redis.store());
    world.define(BACKEND, move |process| {
        let env = door(process.clone());
        if let Some(config) = redis.clone() {
            return super::redis::serve(&process, &env, config, part.clone());
        }
        match journaling.clone() {
            None => crate::backend::server::serve(&env, BACKEND, max_results),
            Some(kept) => env.clone().spawn(async move {
                end_unless(&env, crate::backend::server::serve_kept(&env, BACKEND, &kept, max_results).await);
            }),
        }
    });
}

/// A server that can't read its journal ends.
fn end_unless<T>(env: &Env, served: Result<T, JournalError>) {
    if let Err(error) = served {
        tracing::error!(%error, "the server does not start");
        env.exit(1);
    }
}

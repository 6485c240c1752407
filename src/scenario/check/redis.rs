//! The Redis servers: what goes together.

use crate::scenario::load::Scenario;
use crate::scenario::servers::{RedisServer, ServerKind};
use crate::text::Problem;
use std::time::Duration;

impl Scenario {
    pub(super) fn check_redis(&self) -> Result<(), Problem> {
        self.check_server(&["redis"], &self.file.redis)?;
        self.file.variant.iter().try_for_each(|(name, variant)| match &variant.redis {
            Some(redis) => self.check_server(&["variant", name, "redis"], redis),
            None => Ok(()),
        })
    }

    fn check_server(&self, path: &[&str], redis: &RedisServer) -> Result<(), Problem> {
        let at = |key| [path, &[key]].concat();
        if redis.sentinel && self.file.broker != ServerKind::Redis {
            let message = "a Sentinel watches a Redis server, and the broker is none; add broker = \"redis\"";
            return Err(self.key_problem(&at("sentinel"), message));
        }
        for (key, given) in [("replica_lag", redis.replica_lag), ("down_after", redis.down_after)] {
            if given.is_some() && !redis.sentinel {
                let message = format!("{key} says nothing without a replica and a Sentinel; add sentinel = true");
                return Err(self.key_problem(&at(key), message));
            }
        }
        if redis.down_after.is_some_and(|time| time.0 == Duration::ZERO) {
            return Err(self.value_problem(&at("down_after"), "with \"0s\" every server is down at once"));
        }
        Ok(())
    }

    /// Whether the broker has a replica and a Sentinel in any variant.
    pub(super) fn has_sentinel(&self) -> bool {
        let variants = self.file.variant.values().filter_map(|variant| variant.redis.as_ref());
        variants.chain([&self.file.redis]).any(|redis| redis.sentinel)
    }
}

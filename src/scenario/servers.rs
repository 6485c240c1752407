//! The servers of a scenario file, and the network around them.

use super::values::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a server's host runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServerKind {
    /// simq's own.
    #[default]
    Embedded,
    /// A Redis server.
    Redis,
    /// A RabbitMQ node. For the host `broker`.
    RabbitMq,
}

/// How the simulated Redis servers are set up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisServer {
    /// What survives a restart: `none`, `everysec`, `always`. Default: `always`.
    pub(crate) persistence: Option<RedisPersistence>,
    /// Bytes of memory, at which commands that need more are refused. Default: no limit.
    pub(crate) maxmemory: Option<u64>,
    /// The broker has a replica, on host `replica`, and a Sentinel, on host `sentinel`, that promotes it when the broker
    /// does not answer. Processes ask the Sentinel who the broker is. Default: false, one server alone.
    #[serde(default)]
    pub(crate) sentinel: bool,
    /// How far the replica is behind: changes wait so long before they are sent to it. Default: 0s.
    pub(crate) replica_lag: Option<Span>,
    /// How long the broker may not answer before the Sentinel calls it down: `down-after-milliseconds`. Default: 30s.
    pub(crate) down_after: Option<Span>,
}

/// How the simulated RabbitMQ is set up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RabbitServer {
    /// The heartbeat that it asks its clients for, whole seconds; `0s` for none. Default: 60s.
    pub(crate) heartbeat: Option<Span>,
    /// Longest time that a delivery may stay unacked: a channel with an older one is closed when it next looks. `0s` for no
    /// limit. Default: 30m.
    pub(crate) consumer_timeout: Option<Span>,
    /// How often channels look at the age of their deliveries. Default: 1m.
    pub(crate) channel_tick_interval: Option<Span>,
    /// Queues that are there before anybody declares them: durable, with these x-arguments.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub(crate) queues: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

/// When a Redis server's log is on the disk: `appendfsync`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RedisPersistence {
    /// Nothing is kept.
    None,
    /// Within a second.
    Everysec,
    /// Before a command is answered.
    Always,
}

/// How long messages travel.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// At least this long. Default: 200us.
    pub(crate) latency: Option<Span>,
    /// And up to this much longer, drawn for each message. Default: 300us.
    pub(crate) jitter: Option<Span>,
}

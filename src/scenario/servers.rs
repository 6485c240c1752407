//! The servers of a scenario file, and the network around them.

use super::values::Span;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a server's host runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServerKind {
    /// simq's own.
    #[default]
    Embedded,
    /// A Redis server.
    Redis,
}

/// How the simulated Redis servers are set up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisServer {
    /// What survives a restart: `none`, `everysec`, `always`. Default: `always`.
    pub(crate) persistence: Option<RedisPersistence>,
    /// Bytes of memory, at which commands that need more are refused. Default: no limit.
    pub(crate) maxmemory: Option<u64>,
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

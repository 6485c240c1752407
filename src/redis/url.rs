//! Addresses of Redis servers, in the forms that Celery takes.

use redis::{ConnectionInfo, IntoConnectionInfo};
use std::fmt;
use std::sync::Arc;

/// Where a Redis server is, and how to introduce oneself to it.
///
/// `redis://[[user]:password@]host[:6379][/database]`, `rediss://` for TLS, `redis+socket:///path?virtual_host=database`.
/// Displayed without its password.
#[derive(Clone, Debug)]
pub struct RedisUrl {
    shown: Arc<str>,
    info: ConnectionInfo,
}

/// A text is no address of a Redis server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown:?} is no address of a Redis server: {why}; expected redis://[[user]:password@]host[:6379][/database], \
     rediss://..., or redis+socket:///path?virtual_host=database"
)]
pub struct BadRedisUrl {
    shown: String,
    why: String,
}

impl RedisUrl {
    /// Whether a text has the scheme of such an address.
    pub fn is_one(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| SCHEMES.iter().any(|(name, _)| *name == scheme))
    }

    /// The schemes of such addresses.
    pub(crate) fn schemes() -> impl Iterator<Item = &'static str> {
        SCHEMES.iter().map(|(name, _)| *name)
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<RedisUrl, BadRedisUrl> {
        let shown = crate::settings::masked(text);
        let bad = |why: String| BadRedisUrl { shown: shown.clone(), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no scheme".to_owned()))?;
        let known = SCHEMES.iter().find(|(name, _)| *name == scheme);
        let (_, theirs) = known.ok_or_else(|| bad(format!("the scheme {scheme:?} is not known")))?;
        let rest = if *theirs == "redis+unix" { rest.replace("virtual_host=", "db=") } else { rest.to_owned() };
        let info = format!("{theirs}://{rest}").into_connection_info().map_err(|error| bad(error.to_string()))?;
        if info.redis_settings().db() < 0 {
            return Err(bad("the number of its database is below 0".to_owned()));
        }
        let redis = info.redis_settings().clone().set_protocol(redis::ProtocolVersion::RESP3);
        Ok(RedisUrl { shown: shown.into(), info: info.set_redis_settings(redis) })
    }

    /// The number of its database.
    pub fn database(&self) -> i64 {
        self.info.redis_settings().db()
    }

    /// What redis-rs connects with.
    pub(crate) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// The name of its host; `None` for a socket in the file system.
    #[cfg(feature = "sim")]
    pub(crate) fn host(&self) -> Option<&str> {
        match self.info.addr() {
            redis::ConnectionAddr::Tcp(host, _) | redis::ConnectionAddr::TcpTls { host, .. } => Some(host),
            _ => None,
        }
    }
}

/// Schemes of Celery and of redis-rs.
const SCHEMES: [(&str, &str); 6] = [
    ("redis", "redis"),
    ("rediss", "rediss"),
    ("valkey", "redis"),
    ("valkeys", "rediss"),
    ("redis+socket", "redis+unix"),
    ("unix", "redis+unix"),
];

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn celerys_forms_are_read() {
        for (url, database) in [
            ("redis://localhost", 0),
            ("redis://:secret@h:6380/5", 5),
            ("redis://user:secret@[::1]:6380/5", 5),
            ("rediss://h/1", 1),
            ("valkey://h/2", 2),
            ("redis+socket:///run/redis.sock?virtual_host=3", 3),
        ] {
            assert_eq!(RedisUrl::parse(url).unwrap().database(), database, "{url}");
        }
        assert_eq!(RedisUrl::parse("redis://u:pw@h/1").unwrap().to_string(), "redis://u:********@h/1");
    }

    #[test]
    fn what_is_none_is_refused_without_its_password() {
        for url in ["redis://h/x", "redis://h/-1", "redis:/h", "http://h", "redis://:secret@", ""] {
            let error = RedisUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains("expected redis://") && !error.contains("secret@"), "{error}");
        }
    }
}

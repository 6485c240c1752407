//! How one introduces oneself to Sentinels: `sentinel_kwargs`. The login of their addresses is for the master.

use super::{Options, RedisUrl, Tls};
use redis::{ConnectionAddr, ConnectionInfo, ProtocolVersion, RedisConnectionInfo};
use toml::{Table, Value};

pub(super) struct Login {
    user: Option<String>,
    password: Option<String>,
    tls: Option<Tls>,
}

/// Reads `username`, `password`, `ssl` and the options of TLS. How long a Sentinel may take follows from how long a
/// connect may take.
pub(super) fn of(table: &Table, family: &str) -> Result<Login, String> {
    let bad = |name: &str, expected: &str| format!("{family}.sentinel_kwargs.{name} is not {expected}");
    let text = |name: &str| match table.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(bad(name, "a text")),
    };
    let on = match table.get("ssl") {
        None => table.keys().any(|name| name.starts_with("ssl_")),
        Some(on) => on.as_bool().ok_or_else(|| bad("ssl", "true or false"))?,
    };
    let tls = Tls::of(table.iter().filter(|(name, _)| name.starts_with("ssl_")))
        .map_err(|why| format!("{family}.sentinel_kwargs: {why}"))?;
    let known = ["username", "password", "ssl", "socket_timeout", "socket_connect_timeout"];
    match table.keys().find(|name| !name.starts_with("ssl_") && !known.contains(&name.as_str())) {
        Some(name) => Err(bad(name, "known; there are username, password, ssl and the options of TLS")),
        None => Ok(Login { user: text("username")?, password: text("password")?, tls: on.then_some(tls) }),
    }
}

impl Login {
    /// A Sentinel at this address. Without a word about TLS it is reached as its master is.
    pub(super) fn introduce(&self, info: &ConnectionInfo, options: &Options) -> RedisUrl {
        let mut redis = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &self.user {
            redis = redis.set_username(user);
        }
        if let Some(password) = &self.password {
            redis = redis.set_password(password);
        }
        let tls = self.tls.clone().or_else(|| options.tls.clone());
        let (host, port) = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), *port),
            _ => (String::new(), 0),
        };
        let addr = match &tls {
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.unchecked, tls_params: None },
            None => ConnectionAddr::Tcp(host, port),
        };
        RedisUrl::of_server(info.clone().set_addr(addr).set_redis_settings(redis), tls)
    }
}

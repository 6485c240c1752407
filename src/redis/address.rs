//! The parts of one Redis address, before anything is made of them.

use super::Tls;
use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};
use toml::Value;

/// Redis's port.
const PORT: u16 = 6379;

/// What one address says.
pub(super) struct Address {
    /// `None`: it says nothing about a database.
    pub(super) database: Option<i64>,
    pub(super) info: ConnectionInfo,
    pub(super) tls: Option<Tls>,
}

/// Reads `[[user]:password@]host[:port][/database][?parameters]`.
pub(super) fn server(rest: &str, over_tls: bool, port: u16) -> Result<Address, String> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, host) = authority.rsplit_once('@').map_or(("", authority), |(login, host)| (login, host));
    // As in Celery: without a host it is this machine.
    let host = if host.is_empty() || host.starts_with(':') { format!("localhost{host}") } else { host.to_owned() };
    let at = if login.is_empty() { "" } else { "@" };
    let info = format!("redis://{login}{at}{host}").into_connection_info().map_err(|error| error.to_string())?;
    let (name, given) = match info.addr() {
        ConnectionAddr::Tcp(name, given) => (name.clone(), *given),
        _ => return Err("it has no host".to_owned()),
    };
    let port = if given == PORT && !host.ends_with(":6379") { port } else { given };
    let mut database = database(path.trim_matches('/'))?;
    let mut tls = over_tls.then(Tls::default);
    for (key, value) in parameters(query)? {
        match (key.as_str(), &mut tls) {
            (key, Some(tls)) if key.starts_with("ssl_") => tls.set(key, &Value::String(value))?,
            (key, None) if key.starts_with("ssl_") => {
                return Err(format!("{key} is for TLS, and the scheme is not rediss://"));
            }
            ("virtual_host" | "db", _) => database = self::database(&value)?,
            // simq speaks RESP3 with every server.
            ("protocol", _) => {}
            (key, _) => return Err(unknown(key)),
        }
    }
    let addr = match tls {
        Some(_) => ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None },
        None => ConnectionAddr::Tcp(name, port),
    };
    let login = info.redis_settings().clone();
    let info = info.set_addr(addr).set_redis_settings(introduced(login, database));
    Ok(Address { database, info, tls: tls.map(Tls::checked).transpose()? })
}

/// Reads `[[user]:password@]/path[?virtual_host=database]`.
pub(super) fn socket(rest: &str) -> Result<Address, String> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, path) = match rest.find('/') {
        Some(slash) => (rest[..slash].trim_end_matches('@'), &rest[slash..]),
        None => return Err("it has no path of a socket".to_owned()),
    };
    let (mut user, mut password) = login.split_once(':').map_or((login, None), |(user, pass)| (user, Some(pass)));
    let pairs = parameters(query)?;
    let mut number = None;
    for (key, value) in &pairs {
        match key.as_str() {
            "virtual_host" | "db" => number = database(value)?,
            "user" => user = value,
            "pass" => password = Some(value),
            "protocol" => {}
            key => return Err(unknown(key)),
        }
    }
    let mut login = RedisConnectionInfo::default();
    if !user.is_empty() {
        login = login.set_username(decoded(user)?);
    }
    if let Some(password) = password {
        login = login.set_password(decoded(password)?);
    }
    let info = ConnectionAddr::Unix(decoded(path)?.into()).into_connection_info().map_err(|error| error.to_string())?;
    Ok(Address { database: number, info: info.set_redis_settings(introduced(login, number)), tls: None })
}

fn introduced(login: RedisConnectionInfo, database: Option<i64>) -> RedisConnectionInfo {
    login.set_db(database.unwrap_or_default()).set_protocol(ProtocolVersion::RESP3)
}

fn database(text: &str) -> Result<Option<i64>, String> {
    match text {
        "" => Ok(None),
        text => match text.parse::<i32>() {
            Ok(number) if number >= 0 => Ok(Some(number.into())),
            _ => Err(format!("{text:?} is no database; they have numbers, 0 to 15 unless the server has more")),
        },
    }
}

/// Most parameters of an address.
const LIMIT: usize = 32;

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(LIMIT);
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(key)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| "what is percent-encoded in it is not UTF-8".to_owned())?.into_owned())
}

fn unknown(parameter: &str) -> String {
    format!(
        "it has a parameter {parameter:?}; only virtual_host and those of TLS can be in an address, all others are settings"
    )
}

impl Address {
    /// This one, with what only the other one says.
    pub(super) fn or(self, other: Address) -> Address {
        let (mut redis, theirs) = (self.info.redis_settings().clone(), other.info.redis_settings());
        if redis.password().is_none() && redis.username().is_none() {
            redis = theirs.clone();
        }
        let database = self.database.or(other.database);
        let info = self.info.set_redis_settings(introduced(redis, database));
        Address { database, info, tls: self.tls.or(other.tls) }
    }
}

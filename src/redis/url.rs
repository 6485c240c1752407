//! Addresses of Redis servers, in the forms that Celery takes.

use super::address::{self, Address};
use super::{Options, Sentinels, Tls};
use redis::{ConnectionAddr, ConnectionInfo};
use std::fmt;
use std::sync::Arc;

/// Where a Redis server is, and how to introduce oneself to it.
///
/// `redis://[[user]:password@][host][:6379][/database]`, `rediss://` for TLS, with `?ssl_cert_reqs=required`,
/// `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` and `ssl_check_hostname`; `redis+socket:///path?virtual_host=database`;
/// `sentinel://host:26379;sentinel://host:26379/database`, whose master's name is a setting. Passwords and paths are
/// percent-encoded. Displayed without its password.
#[derive(Clone, Debug)]
pub struct RedisUrl {
    shown: Arc<str>,
    info: ConnectionInfo,
    tls: Option<Arc<Tls>>,
    sentinels: Option<Arc<Sentinels>>,
    /// What is tried where this one can't be reached.
    others: Arc<[RedisUrl]>,
}

/// A text is no address of a Redis server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown:?} is no address of a Redis server: {why}; expected redis://[[user]:password@]host[:6379][/database], \
     rediss://..., redis+socket:///path?virtual_host=database, or sentinel://host:26379;sentinel://..."
)]
pub struct BadRedisUrl {
    shown: String,
    why: String,
}

/// What a scheme stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Tls,
    Socket,
    Sentinel,
}

/// Schemes of Celery and of redis-rs.
const SCHEMES: [(&str, Kind); 7] = [
    ("redis", Kind::Tcp),
    ("rediss", Kind::Tls),
    ("valkey", Kind::Tcp),
    ("valkeys", Kind::Tls),
    ("redis+socket", Kind::Socket),
    ("unix", Kind::Socket),
    ("sentinel", Kind::Sentinel),
];

/// Ports of servers and of Sentinels.
const PORTS: (u16, u16) = (6379, 26379);

impl RedisUrl {
    /// Whether a text has the scheme of such an address.
    pub fn is_one(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| kind(scheme).is_some())
    }

    /// The schemes of such addresses.
    pub(crate) fn schemes() -> impl Iterator<Item = &'static str> {
        SCHEMES.iter().map(|(name, _)| *name)
    }

    /// Reads an address for which settings say nothing more.
    ///
    /// # Errors
    ///
    /// When it is none, or is that of Sentinels: they need the name of a master.
    pub fn parse(text: &str) -> Result<RedisUrl, BadRedisUrl> {
        RedisUrl::with(text, &Options::default())
    }

    /// Reads an address, with what settings say besides.
    pub(crate) fn with(text: &str, options: &Options) -> Result<RedisUrl, BadRedisUrl> {
        let shown = crate::settings::masked(text);
        let bad = |why: String| BadRedisUrl { shown: shown.clone(), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no scheme".to_owned()))?;
        let kind = kind(scheme).ok_or_else(|| bad(format!("the scheme {scheme:?} is not known")))?;
        let address = match kind {
            Kind::Tcp | Kind::Tls => address::server(rest, kind == Kind::Tls, PORTS.0),
            Kind::Socket => address::socket(rest),
            Kind::Sentinel => return RedisUrl::of_sentinels(text, options).map_err(bad),
        };
        Ok(RedisUrl::new(&shown, address.map_err(bad)?, options))
    }

    fn new(shown: &str, address: Address, options: &Options) -> RedisUrl {
        let Address { info, tls, .. } = address;
        // What an address says itself goes before what settings say.
        let tls = match tls {
            Some(own) if own == Tls::default() => Some(options.tls.clone().unwrap_or(own)),
            Some(own) => Some(own),
            // TLS is not spoken on a socket in the file system.
            None if matches!(info.addr(), ConnectionAddr::Unix(_)) => None,
            None => options.tls.clone(),
        };
        let url = RedisUrl { shown: shown.into(), info, tls: tls.map(Arc::new), sentinels: None, others: Arc::new([]) };
        let (addr, settings) = (url.info.addr().clone(), url.info.tcp_settings().clone());
        let addr = match addr {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => url.address(host, port),
            other => other,
        };
        let settings = match &options.keepalive {
            Some(keepalive) => settings.set_keepalive(keepalive.clone()),
            None => settings,
        };
        RedisUrl { info: url.info.clone().set_addr(addr).set_tcp_settings(settings), ..url }
    }

    /// Sentinels stand between `;`. Who connects to the master and to which database stands in any of them.
    fn of_sentinels(text: &str, options: &Options) -> Result<RedisUrl, String> {
        let family = if options.family.is_empty() { "broker_transport_options" } else { options.family };
        let master = options.master.as_deref().ok_or_else(|| {
            format!("Sentinels need to know which master is meant: set {family}.master_name to the name that they watch it under")
        })?;
        let to_sentinels = super::login::of(&options.to_sentinels, family)?;
        let mut servers = Vec::new();
        let mut first: Option<Address> = None;
        for part in text.split(';').filter(|part| !part.is_empty()).take(LIMIT) {
            let rest = part.strip_prefix("sentinel://").unwrap_or(part);
            let address = address::server(rest, options.tls.is_some(), PORTS.1)?;
            servers.push(to_sentinels.introduce(&address.info, options));
            first = Some(match first {
                None => address,
                Some(first) => first.or(address),
            });
        }
        let address = first.ok_or("it names no Sentinel")?;
        let sentinels = Sentinels { servers, master: master.into(), others: options.other_sentinels };
        let url = RedisUrl::new(&crate::settings::masked(text), address, options);
        Ok(RedisUrl { sentinels: Some(Arc::new(sentinels)), ..url })
    }

    pub(super) fn of_server(info: ConnectionInfo, tls: Option<Tls>) -> RedisUrl {
        RedisUrl {
            shown: info.addr().to_string().into(),
            info,
            tls: tls.map(Arc::new),
            sentinels: None,
            others: Arc::new([]),
        }
    }

    fn address(&self, host: String, port: u16) -> ConnectionAddr {
        match &self.tls {
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.unchecked, tls_params: None },
            None => ConnectionAddr::Tcp(host, port),
        }
    }

    /// The same, on the server that Sentinels call the master.
    pub(super) fn at(&self, host: &str, port: u16) -> RedisUrl {
        let info = self.info.clone().set_addr(self.address(host.to_owned(), port));
        RedisUrl {
            shown: format!("{host}:{port}").into(),
            info,
            tls: self.tls.clone(),
            sentinels: None,
            others: Arc::new([]),
        }
    }

    /// The same, with others that are tried in turn where it can't be reached.
    pub(crate) fn or_else(self, others: Vec<RedisUrl>) -> RedisUrl {
        RedisUrl { others: others.into(), ..self }
    }

    /// It, and what is tried where it can't be reached; each without the others.
    pub(crate) fn alternatives(&self) -> Vec<RedisUrl> {
        let alone = RedisUrl { others: Arc::new([]), ..self.clone() };
        std::iter::once(alone).chain(self.others.iter().cloned()).collect()
    }

    /// The number of its database.
    pub fn database(&self) -> i64 {
        self.info.redis_settings().db()
    }

    /// What redis-rs connects with.
    pub(crate) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// What is checked and shown where it is over TLS.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// Whom to ask for its master.
    pub(crate) fn sentinels(&self) -> Option<&Sentinels> {
        self.sentinels.as_deref()
    }

    /// The name of its host; `None` for a socket in the file system.
    #[cfg(feature = "sim")]
    pub(crate) fn host(&self) -> Option<&str> {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => Some(host),
            _ => None,
        }
    }
}

/// Most Sentinels of an address.
const LIMIT: usize = 100;

fn kind(scheme: &str) -> Option<Kind> {
    SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, kind)| *kind)
}

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
            ("redis://", 0),
            ("redis://:secret@h:6380/5", 5),
            ("redis://user:secret@[::1]:6380/5", 5),
            ("rediss://h/1?ssl_cert_reqs=CERT_REQUIRED", 1),
            ("valkey://h/2", 2),
            ("redis://h?virtual_host=4", 4),
            ("redis+socket:///run/redis.sock?virtual_host=3", 3),
            ("redis+socket://user:pw@/run/redis.sock?virtual_host=3", 3),
        ] {
            assert_eq!(RedisUrl::parse(url).unwrap().database(), database, "{url}");
        }
        assert_eq!(RedisUrl::parse("redis://u:pw@h/1").unwrap().to_string(), "redis://u:********@h/1");
    }

    #[test]
    fn what_is_percent_encoded_is_decoded() {
        for url in ["redis://us%40er:p%2Fa%3Ass@h", "redis+socket://us%40er:p%2Fa%3Ass@/run/r%20s"] {
            let url = RedisUrl::parse(url).unwrap();
            assert_eq!(url.info().redis_settings().username(), Some("us@er"));
            assert_eq!(url.info().redis_settings().password(), Some("p/a:ss"));
        }
        let url = RedisUrl::parse("rediss://h?ssl_ca_certs=%2Fetc%2Fca.pem&ssl_cert_reqs=optional").unwrap();
        assert_eq!(url.tls().unwrap().authorities.as_deref(), Some("/etc/ca.pem"));
    }

    #[test]
    fn what_is_none_is_refused_without_its_password() {
        for url in [
            "redis://h/x",
            "redis://h/-1",
            "redis://h/99999999999",
            "redis:/h",
            "http://h",
            "redis://:secret@h:x",
            "redis://:secret@h?timeout=3",
            "redis://:secret@h?ssl_cert_reqs=none",
            "rediss://:secret@h?ssl_cert_reqs=perhaps",
            "redis+socket://path",
            "sentinel://:secret@h",
            "",
        ] {
            let error = RedisUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains("expected redis://") && !error.contains("secret@"), "{error}");
        }
    }

    fn options(master: &str) -> Options {
        Options { master: Some(master.to_owned()), ..Options::default() }
    }

    #[test]
    fn sentinels_share_a_login_and_a_database() {
        let url = RedisUrl::with("sentinel://:pw@a:1;sentinel://b/7;c", &options("m")).unwrap();
        assert_eq!((url.database(), url.info().redis_settings().password()), (7, Some("pw")));
        let sentinels = url.sentinels().unwrap();
        let shown: Vec<String> = sentinels.servers.iter().map(RedisUrl::to_string).collect();
        assert_eq!(shown, ["a:1", "b:26379", "c:26379"]);
        // The login is the master's: Sentinels have their own.
        assert!(sentinels.servers.iter().all(|server| server.info().redis_settings().password().is_none()));
        let error = RedisUrl::parse("sentinel://a").unwrap_err().to_string();
        assert!(error.contains("set broker_transport_options.master_name"), "{error}");
    }
}

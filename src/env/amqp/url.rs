//! Addresses of RabbitMQ servers.

use super::Options;
use crate::settings::LoginMethod;
use crate::tls::Tls;
use lapin::uri::{AMQPUri, SASLMechanism};
use std::fmt;
use std::sync::Arc;

/// Where a RabbitMQ server is, and how to introduce oneself to it.
///
/// `amqp://[user:password@]host[:5672][/vhost]`, `amqps://` for TLS. Without a virtual host, or with an empty one, it is
/// `/`, as kombu reads it. `?heartbeat=` is in seconds, `?ssl_ca_certs=` and so on are options of TLS. Displayed without
/// its password.
#[derive(Clone, Debug)]
pub struct AmqpUrl {
    shown: Arc<str>,
    uri: Arc<AMQPUri>,
    tls: Option<Arc<Tls>>,
}

/// A text is no address of a RabbitMQ server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown:?} is no address of a RabbitMQ server: {why}; expected amqp://[user:password@]host[:5672][/vhost], or \
     amqps://..."
)]
pub struct BadAmqpUrl {
    shown: String,
    why: String,
}

/// RabbitMQ's own limit of a frame, and kombu's, in bytes. lapin that learns it only from the server makes its buffers of
/// 32 frames a second time and touches all of them: 8 MiB of an idle worker.
const FRAME_MAX: u32 = 131_072;

/// Schemes of kombu and of lapin.
const SCHEMES: [(&str, &str); 4] = [("amqp", "amqp"), ("amqps", "amqps"), ("pyamqp", "amqp"), ("pyamqps", "amqps")];

impl AmqpUrl {
    /// Whether a text has the scheme of such an address.
    pub fn is_one(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| SCHEMES.iter().any(|(name, _)| *name == scheme))
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<AmqpUrl, BadAmqpUrl> {
        AmqpUrl::with(text, &Options::default())
    }

    /// Reads an address; what it does not say itself is as in the options.
    pub(crate) fn with(text: &str, options: &Options) -> Result<AmqpUrl, BadAmqpUrl> {
        let shown = crate::settings::masked(text);
        let bad = |why: String| BadAmqpUrl { shown: shown.clone(), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no scheme".to_owned()))?;
        let known = SCHEMES.iter().find(|(name, _)| *name == scheme);
        let (_, theirs) = known.ok_or_else(|| bad(format!("the scheme {scheme:?} is not known")))?;
        let tls = tls(rest, *theirs == "amqps", options).map_err(&bad)?;
        let theirs = if tls.is_some() { "amqps" } else { "amqp" };
        let plain = format!("{theirs}://{rest}");
        let parsed: Result<AMQPUri, String> = plain.parse();
        let mut uri = parsed.map_err(|why| bad(why.replace(&plain, &shown)))?;
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        if let Some(address) = bracketed(rest) {
            address.clone_into(&mut uri.authority.host);
        }
        let login = options.login.map(|login| match login {
            LoginMethod::Plain => SASLMechanism::Plain,
            LoginMethod::AmqPlain => SASLMechanism::AMQPlain,
            LoginMethod::External => SASLMechanism::External,
        });
        uri.query.auth_mechanism = uri.query.auth_mechanism.or(login);
        Ok(AmqpUrl { shown: shown.into(), uri: uri.into(), tls: tls.map(Arc::new) })
    }

    /// What lapin connects with: `heartbeat` is in seconds. What the address says itself goes before.
    pub(crate) fn uri(&self, heartbeat: u16) -> AMQPUri {
        let mut uri = AMQPUri::clone(&self.uri);
        uri.query.heartbeat.get_or_insert(heartbeat);
        uri.query.frame_max.get_or_insert(FRAME_MAX);
        uri
    }

    /// Its options of TLS; `None` in the clear.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// The name of its host.
    #[cfg(feature = "sim")]
    pub(crate) fn host(&self) -> &str {
        &self.uri.authority.host
    }
}

/// TLS where the scheme, the options or a parameter ask for it. Parameters go before the options, as a whole.
fn tls(rest: &str, secure: bool, options: &Options) -> Result<Option<Tls>, String> {
    let query = rest.rsplit_once('?').map_or("", |(_, query)| query);
    let mut own: Option<Tls> = None;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if name.starts_with("ssl_") {
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            own.get_or_insert_default().set(name, &toml::Value::String(value))?;
        }
    }
    let tls = own.or_else(|| options.tls.clone()).or_else(|| secure.then(Tls::default));
    tls.map(Tls::checked).transpose()
}

/// An IPv6 address in the place of a host, which lapin's parser takes for none.
fn bracketed(rest: &str) -> Option<&str> {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[').and_then(|host| host.split_once(']')).map(|(address, _)| address)
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn celerys_forms_are_read() {
        for (url, host, port, vhost, user) in [
            ("amqp://localhost", "localhost", 5672, "/", "guest"),
            ("amqp://localhost/", "localhost", 5672, "/", "guest"),
            ("amqp://ada:pw@h:5673//", "h", 5673, "/", "ada"),
            ("pyamqp://ada:p%40w@h/%2f", "h", 5672, "/", "ada"),
            ("amqps://ada:pw@h/jobs", "h", 5671, "jobs", "ada"),
            ("amqp://ada:pw@[::1]:5673/jobs", "::1", 5673, "jobs", "ada"),
        ] {
            let uri = AmqpUrl::parse(url).unwrap().uri(60);
            assert_eq!((uri.authority.host.as_str(), uri.authority.port), (host, port), "{url}");
            assert_eq!((uri.vhost.as_str(), uri.authority.userinfo.username.as_str()), (vhost, user), "{url}");
        }
        assert_eq!(AmqpUrl::parse("amqp://u:pw@h//").unwrap().to_string(), "amqp://u:********@h//");
    }

    #[test]
    fn tls_is_asked_for_by_scheme_setting_or_parameter() {
        let ca = |ca: &str| Tls { authorities: Some(ca.into()), ..Tls::default() };
        let setting = Options { tls: Some(ca("/setting")), login: Some(LoginMethod::AmqPlain) };
        for (url, options, port, tls) in [
            ("amqp://h", Options::default(), 5672, None),
            ("amqps://h", Options::default(), 5671, Some(Tls::default())),
            ("amqp://h", setting.clone(), 5671, Some(ca("/setting"))),
            ("amqps://h:1//?ssl_ca_certs=/own%20ca", setting.clone(), 1, Some(ca("/own ca"))),
        ] {
            let read = AmqpUrl::with(url, &options).unwrap();
            assert_eq!((read.uri(60).authority.port, read.tls().cloned()), (port, tls), "{url}");
        }
        let login = |url: &str| AmqpUrl::with(url, &setting).unwrap().uri(60).query.auth_mechanism;
        assert_eq!(login("amqp://h"), Some(SASLMechanism::AMQPlain));
        assert_eq!(login("amqp://h?auth_mechanism=external"), Some(SASLMechanism::External));
        assert!(
            AmqpUrl::parse("amqps://h?ssl_ca_cert=x").unwrap_err().to_string().contains("did you mean ssl_ca_certs?")
        );
    }

    #[test]
    fn what_is_none_is_refused_without_its_password() {
        for url in ["amqp://u:secret@h:port/", "amqp:/h", "http://u:secret@h", ""] {
            let error = AmqpUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains("expected amqp://") && !error.contains("secret@"), "{error}");
        }
    }
}

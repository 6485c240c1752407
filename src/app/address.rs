//! The addresses that settings name: of Sentinels, of several brokers, in parts.

use crate::env::amqp::{self, AmqpUrl};
use crate::env::redis::RedisUrl;
use crate::redis::Options;
use crate::settings::Settings;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

/// What may stand in a user or a password as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `broker_url`, one text where it means one broker: Sentinels stand for one. Without it, what `broker_transport`,
/// `broker_host` and so on say, where they say something.
pub(super) fn of_broker(settings: &Settings) -> Vec<String> {
    if let Some(urls) = &settings.broker_url {
        let urls: Vec<String> = urls.iter().map(|url| url.expose().to_owned()).collect();
        let sentinels = urls[0].starts_with("sentinel://");
        return if sentinels { vec![urls.join(";")] } else { urls };
    }
    if settings.broker_transport.is_none() && settings.broker_host.is_none() {
        return Vec::new();
    }
    vec![composed(Parts {
        scheme: settings.broker_transport.as_deref().unwrap_or("amqp"),
        host: settings.broker_host.as_deref(),
        port: settings.broker_port,
        user: settings.broker_user.as_deref(),
        password: settings.broker_password.as_ref().map(|password| password.expose()),
        database: settings.broker_vhost.clone(),
    })]
}

/// `result_backend`. Where it is no more than a scheme, the rest stands in `redis_host` and so on.
pub(super) fn of_results(settings: &Settings) -> Option<String> {
    let text = settings.result_backend.as_ref()?.expose();
    let scheme = text.strip_suffix("://").unwrap_or(text);
    if scheme.contains("://") || !RedisUrl::is_one(&format!("{scheme}://")) {
        return Some(text.to_owned());
    }
    Some(composed(Parts {
        scheme,
        host: settings.redis_host.as_deref(),
        port: settings.redis_port,
        user: settings.redis_username.as_deref(),
        password: settings.redis_password.as_ref().map(|password| password.expose()),
        database: settings.redis_db.map(|database| database.to_string()),
    }))
}

struct Parts<'a> {
    scheme: &'a str,
    host: Option<&'a str>,
    port: Option<u32>,
    user: Option<&'a str>,
    password: Option<&'a str>,
    database: Option<String>,
}

fn composed(parts: Parts<'_>) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let login = match (parts.user, parts.password) {
        (None, None) => String::new(),
        (user, None) => format!("{}@", encoded(user.unwrap_or_default())),
        (user, Some(password)) => format!("{}:{}@", encoded(user.unwrap_or_default()), encoded(password)),
    };
    let port = parts.port.map_or_else(String::new, |port| format!(":{port}"));
    let database = parts.database.unwrap_or_default();
    let host = parts.host.unwrap_or("localhost");
    format!("{}://{login}{host}{port}/{}", parts.scheme, database.trim_start_matches('/'))
}

/// The Redis servers of such texts: the first one, and what is tried where it can't be reached.
pub(super) fn servers(texts: &[String], options: &Options) -> Result<Option<RedisUrl>, String> {
    let read = |text: &String| RedisUrl::with(text, options).map_err(|error| error.to_string());
    let mut servers = texts.iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter();
    Ok(servers.next().map(|first| first.or_else(servers.collect())))
}

/// The nodes of a RabbitMQ cluster, where the first text is one.
pub(super) fn rabbits(texts: &[String], settings: &Settings) -> Result<Option<Arc<[AmqpUrl]>>, String> {
    if !texts.first().is_some_and(|text| AmqpUrl::is_one(text)) {
        return Ok(None);
    }
    let options = amqp::Options::of(settings)?;
    let read = |text: &String| AmqpUrl::with(text, &options).map_err(|error| error.to_string());
    texts.iter().map(read).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Profile;

    fn settings(set: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::new(Profile::Safe);
        set.iter().for_each(|(name, value)| settings.set_text(name, value).unwrap());
        settings
    }

    #[test]
    fn sentinels_are_one_broker_and_urls_are_several() {
        let of = |url: &str| of_broker(&settings(&[("broker_url", url)]));
        assert_eq!(of("sentinel://a:1;sentinel://b:2/3"), ["sentinel://a:1;sentinel://b:2/3"]);
        assert_eq!(of("redis://a;redis://b"), ["redis://a", "redis://b"]);
    }

    #[test]
    fn an_address_is_made_of_its_parts() {
        let broker = settings(&[
            ("broker_transport", "redis"),
            ("broker_host", "h"),
            ("broker_port", "6380"),
            ("broker_password", "p@ss/1"),
            ("broker_vhost", "2"),
        ]);
        assert_eq!(of_broker(&broker), ["redis://:p%40ss%2F1@h:6380/2"]);
        let results = settings(&[("result_backend", "redis"), ("redis_db", "3"), ("redis_username", "me")]);
        assert_eq!(of_results(&results).as_deref(), Some("redis://me@localhost/3"));
        let whole = settings(&[("result_backend", "redis://h/1"), ("redis_db", "3")]);
        assert_eq!(of_results(&whole).as_deref(), Some("redis://h/1"));
    }
}

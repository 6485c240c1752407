//! What settings say about connections to Redis, beside their addresses.

use super::Tls;
use crate::settings::Settings;
use redis::io::tcp::socket2::TcpKeepalive;
use std::time::Duration;
use toml::Table;

/// Of the broker, or of the result store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Where the options of Sentinel stand, for errors.
    pub(super) family: &'static str,
    pub(super) tls: Option<Tls>,
    pub(super) keepalive: Option<TcpKeepalive>,
    pub(super) master: Option<String>,
    pub(super) other_sentinels: u32,
    pub(super) to_sentinels: Table,
}

impl Options {
    pub(crate) fn of_broker(settings: &Settings) -> Result<Options, String> {
        let options = settings.redis_socket_keepalive_options.as_ref();
        Ok(Options {
            family: "broker_transport_options",
            tls: Tls::of_setting(&settings.broker_use_ssl, "broker_use_ssl")?,
            keepalive: keepalive(settings.redis_socket_keepalive == Some(true), options)?,
            master: settings.redis_master_name.clone(),
            other_sentinels: settings.redis_min_other_sentinels.unwrap_or_default(),
            to_sentinels: settings
                .redis_sentinel_kwargs
                .as_ref()
                .map(|table| table.expose().clone())
                .unwrap_or_default(),
        })
    }

    pub(crate) fn of_results(settings: &Settings) -> Result<Options, String> {
        Ok(Options {
            family: "result_backend_transport_options",
            tls: Tls::of_setting(&settings.redis_backend_use_ssl, "redis_backend_use_ssl")?,
            keepalive: keepalive(settings.result_socket_keepalive, None)?,
            master: settings.result_master_name.clone(),
            other_sentinels: settings.result_min_other_sentinels.unwrap_or_default(),
            to_sentinels: settings
                .result_sentinel_kwargs
                .as_ref()
                .map(|table| table.expose().clone())
                .unwrap_or_default(),
        })
    }
}

/// redis-py takes the numbers of Linux for the options of a socket; here they also have their names.
fn keepalive(on: bool, options: Option<&Table>) -> Result<Option<TcpKeepalive>, String> {
    if !on {
        return Ok(None);
    }
    let mut keepalive = TcpKeepalive::new();
    for (name, value) in options.into_iter().flatten() {
        let bad = || {
            format!(
                "socket_keepalive_options: {name} = {value} is not TCP_KEEPIDLE, TCP_KEEPINTVL or TCP_KEEPCNT (4, 5, 6) with a whole number above 0"
            )
        };
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        let seconds = number.map(|number| Duration::from_secs(number.into()));
        keepalive = match (name.as_str(), seconds, number) {
            ("TCP_KEEPIDLE" | "4", Some(seconds), _) => keepalive.with_time(seconds),
            ("TCP_KEEPINTVL" | "5", Some(seconds), _) => keepalive.with_interval(seconds),
            ("TCP_KEEPCNT" | "6", _, Some(number)) => keepalive.with_retries(number),
            _ => return Err(bad()),
        };
    }
    Ok(Some(keepalive))
}

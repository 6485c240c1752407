//! What settings say about connections to RabbitMQ, beside their addresses.

use crate::settings::{LoginMethod, Settings, UseTls};
use crate::tls::Tls;

/// Of all nodes of a cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(super) tls: Option<Tls>,
    pub(super) login: Option<LoginMethod>,
}

impl Options {
    pub(crate) fn of(settings: &Settings) -> Result<Options, String> {
        Ok(Options { tls: tls(&settings.broker_use_ssl)?, login: settings.broker_login_method })
    }
}

/// py-amqp's names for the options of TLS are those of redis-py without `ssl_`.
fn tls(setting: &UseTls) -> Result<Option<Tls>, String> {
    let Some(table) = setting.options() else { return Ok(None) };
    let named = |(name, value)| match <String as AsRef<str>>::as_ref(&name).starts_with("ssl_") {
        true => (name, value),
        false => (format!("ssl_{name}"), value),
    };
    let table: toml::Table = table.into_iter().map(named).collect();
    Tls::of(&table).map(Some).map_err(|why| format!("broker_use_ssl: {why}"))
}

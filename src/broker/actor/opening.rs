//! Opening a connection to a broker of whichever kind.

use crate::broker::frame::{FromServer, ToServer};
use crate::env::{ConnectError, Endpoint, Env, Link};
use crate::settings::{Settings, duration};

/// What one broker actor keeps of its connections before.
#[derive(Clone, Default)]
pub(in crate::broker) struct Before {
    redis: crate::broker::redis::Before,
    rabbit: crate::broker::rabbit::Learnt,
}

/// Opens one; both ends speak AMQP's methods.
pub(in crate::broker) async fn open(
    env: &Env,
    server: Endpoint,
    settings: &Settings,
    before: &Before,
) -> Result<Link<ToServer, FromServer>, ConnectError> {
    let limit = duration(settings.broker_connection_timeout);
    match server {
        Endpoint::Served(name) => env.connect(name, limit).await,
        Endpoint::Amqp(servers) => crate::broker::rabbit::connect(env, &servers, settings, limit, &before.rabbit).await,
        Endpoint::Rpc => Err(ConnectError { server: "rpc://".to_owned(), reason: "it is no broker".to_owned() }),
        Endpoint::Redis(url) => {
            let limit = settings.redis_socket_connect_timeout.map_or(limit, |own| duration(own).min(limit));
            crate::broker::redis::connect(env, &url, settings, limit, &before.redis).await
        }
    }
}

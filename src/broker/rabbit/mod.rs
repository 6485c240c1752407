//! RabbitMQ as a broker, beside Celery's processes.
//!
//! The broker actor's methods are AMQP's already; here they become those of a connection's
//! channels ([`crate::env::amqp`]), and what RabbitMQ says becomes events.
//! Nothing that it confirms, delivers or refuses is kept over a connection: the broker actor opens the next one and
//! declares anew.
//!
//! - Publishes are written without waiting for each other; their confirms come in bulk (`publishes`).
//! - Acks that gather while the actor is busy are one frame, where their order allows it (`acks`).
//! - Declarations never clash with Celery's (`policy`). A queue that is there with other arguments is used as it is.
//! - What is rejected becomes a dead letter before it is acked (`letters`).
//! - What comes back from a classic queue is counted in a queue beside (`tallies`), in its place in the line (`deliveries`).
//! - A quorum queue that settings do not know of is noticed, and changes how the prefetch window is asked for (`learnt`).
//! - AMQP 0-9-1 has no `released`: it is a return like any other, and a quorum queue counts it.

mod acks;
mod deliveries;
mod learnt;
mod letters;
mod methods;
mod policy;
mod publishes;
mod shell;
mod tallies;

use super::frame::{FromServer, ToServer};
use crate::env::amqp::AmqpUrl;
use crate::env::{ConnectError, Env, Link};
use crate::settings::Settings;
pub(super) use learnt::Learnt;
use policy::Policy;
use std::time::Duration;

/// Connects to the first server that answers; each has `limit` to do so.
pub(super) async fn connect(
    env: &Env,
    servers: &[AmqpUrl],
    settings: &Settings,
    limit: Duration,
    learnt: &Learnt,
) -> Result<Link<ToServer, FromServer>, ConnectError> {
    let mut failed = ConnectError { server: "RabbitMQ".to_owned(), reason: "no address".to_owned() };
    for url in servers {
        let policy = Policy::new(settings, learnt);
        match env.connect_amqp(url, policy.heartbeat, limit).await {
            Ok(connection) => match shell::serve(env, url, policy, connection, limit).await {
                Ok(link) => return Ok(link),
                Err(error) => failed = error,
            },
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

//! What operators ask of a broker: how much waits in its queues, and to have that deleted.

use super::actor::open;
use super::amqp::{Event, Method};
use super::frame::{FromServer, ToServer};
use crate::env::{ConnectError, Endpoint, Env};
use crate::settings::{Settings, duration};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The broker did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the broker refused: {0}")]
    Refused(String),
    #[error("no answer from {0} within {PATIENCE:?}")]
    NoAnswer(String),
    #[error("{0} has no queues that can be looked at")]
    Unsupported(String),
}

/// A queue, and how many messages wait in it; or why nobody knows.
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) ready: Result<u64, String>,
}

/// What is known of a broker.
pub(crate) struct Status {
    pub(crate) queues: Vec<Queue>,
    /// Delivered and not acked, of all queues.
    pub(crate) unacked: Option<u64>,
    /// Connections that consume, whichever queues.
    pub(crate) consumers: Option<u64>,
}

/// Deletes what waits in a queue; returns how much that was. What workers hold stays theirs.
pub(crate) async fn purge(env: &Env, server: &Endpoint, settings: &Settings, queue: &str) -> Result<u32, AdminError> {
    if let Endpoint::Redis(_) = server {
        // A key that is no queue is somebody's, and a purge deletes keys.
        let found = status(env, server, settings, &[queue.to_owned()]).await?;
        let wrong = found.queues.into_iter().find_map(|queue| queue.ready.err());
        wrong.map_or(Ok(()), |why| Err(AdminError::Refused(why)))?;
    }
    let link = open(env, server.clone(), settings, &super::redis::Before::default()).await?;
    link.send(ToServer::Method(Method::QueuePurge { queue: queue.into() }));
    let answer = async {
        while let Some(frame) = link.recv().await {
            match frame {
                FromServer::Event(Event::QueueDeleted { messages }) => return Ok(messages),
                FromServer::Event(Event::Closed { text, .. }) => return Err(AdminError::Refused(text.to_string())),
                _ => {}
            }
        }
        Err(AdminError::Refused("it closed the connection".to_owned()))
    };
    let answered = env.timeout(PATIENCE, answer).await;
    link.close();
    answered.unwrap_or_else(|_| Err(AdminError::NoAnswer(server.to_string())))
}

/// Looks at queues, and changes nothing.
pub(crate) async fn status(
    env: &Env,
    server: &Endpoint,
    settings: &Settings,
    queues: &[String],
) -> Result<Status, AdminError> {
    let Endpoint::Redis(url) = server else { return Err(AdminError::Unsupported(server.to_string())) };
    let limit = duration(settings.broker_connection_timeout);
    let looked = env.timeout(PATIENCE, super::redis::inspect(env, url, settings, limit, queues)).await;
    looked.unwrap_or_else(|_| Err(AdminError::NoAnswer(server.to_string())))
}

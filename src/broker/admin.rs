//! What operators ask of a broker: how much waits in its queues, and to have that deleted.

use super::actor::{Before, open};
use super::amqp::{Event, Method, QueueOptions};
use super::frame::{FromServer, ToServer};
use crate::env::{ConnectError, Endpoint, Env, Link};
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
    /// Who consumes from it, where the broker tells.
    pub(crate) consumers: Option<u64>,
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
    let link = open(env, server.clone(), settings, &Before::default()).await?;
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
    let limit = duration(settings.broker_connection_timeout);
    let looked = match server {
        Endpoint::Redis(url) => env.timeout(PATIENCE, super::redis::inspect(env, url, settings, limit, queues)).await,
        Endpoint::Amqp(_) => env.timeout(PATIENCE, look(env, server, settings, queues)).await,
        _ => return Err(AdminError::Unsupported(server.to_string())),
    };
    looked.unwrap_or_else(|_| Err(AdminError::NoAnswer(server.to_string())))
}

/// AMQP tells of a queue whoever declares it passively. One that is not there costs the connection.
async fn look(env: &Env, server: &Endpoint, settings: &Settings, names: &[String]) -> Result<Status, AdminError> {
    let (mut queues, mut kept) = (Vec::new(), None);
    for name in names {
        let link = match kept.take() {
            Some(link) => link,
            None => open(env, server.clone(), settings, &Before::default()).await?,
        };
        let options = QueueOptions::default();
        link.send(ToServer::Method(Method::QueueDeclare { queue: name.as_str().into(), passive: true, options }));
        let found = loop {
            match link.recv().await {
                Some(FromServer::Event(Event::QueueDeclared { messages, consumers, .. })) => {
                    kept = Some(link);
                    break Ok((u64::from(messages), u64::from(consumers)));
                }
                Some(FromServer::Event(Event::Closed { text, .. })) => break Err(text.to_string()),
                Some(_) => {}
                None => break Err("the broker closed the connection".to_owned()),
            }
        };
        let consumers = found.as_ref().ok().map(|(_, consumers)| *consumers);
        queues.push(Queue { name: name.clone(), ready: found.map(|(messages, _)| messages), consumers });
    }
    kept.iter().for_each(Link::close);
    Ok(Status { queues, unacked: None, consumers: None })
}

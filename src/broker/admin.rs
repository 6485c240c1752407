//! What operators ask of a broker: how much waits in its queues, and to have that deleted.

use super::actor::{Before, open};
use super::amqp::{Event, Method, QueueOptions};
use super::frame::{FromServer, ToServer};
use crate::env::{ConnectError, Endpoint, Env, Link};
#[cfg(feature = "sim")]
use crate::message::Message;
use crate::settings::{Settings, duration};
#[cfg(feature = "sim")]
use std::sync::Arc;
use std::time::Duration;

/// AMQP's NOT_FOUND.
#[cfg(feature = "sim")]
const NOT_FOUND: u16 = 404;
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

/// Takes all messages out of a queue that wait there for a consumer, the first one first; none if there is no such queue.
#[cfg(feature = "sim")]
pub(crate) async fn take(
    env: &Env,
    server: &Endpoint,
    settings: &Settings,
    queue: &str,
) -> Result<Vec<Arc<Message>>, AdminError> {
    let link = open(env, server.clone(), settings, &Before::default()).await?;
    let taking = async {
        match server {
            Endpoint::Redis(_) => take_by_consuming(&link, queue).await,
            _ => take_one_by_one(&link, queue).await,
        }
    };
    let taken = env.timeout(PATIENCE, taking).await;
    link.close();
    taken.unwrap_or_else(|_| Err(AdminError::NoAnswer(server.to_string())))
}

#[cfg(feature = "sim")]
async fn take_one_by_one(link: &Link<ToServer, FromServer>, queue: &str) -> Result<Vec<Arc<Message>>, AdminError> {
    let mut taken = Vec::new();
    loop {
        link.send(ToServer::Method(Method::Get { queue: queue.into(), no_ack: true }));
        match link.recv().await {
            Some(FromServer::Event(Event::Delivered(delivery))) => taken.push(delivery.message),
            Some(FromServer::Heartbeat) => {}
            Some(FromServer::Event(Event::Closed { code, text, .. })) if code != NOT_FOUND => {
                return Err(AdminError::Refused(text.to_string()));
            }
            _ => return Ok(taken),
        }
    }
}

/// Redis's virtual channel knows no `basic.get`: as many are consumed as wait there.
#[cfg(feature = "sim")]
async fn take_by_consuming(link: &Link<ToServer, FromServer>, queue: &str) -> Result<Vec<Arc<Message>>, AdminError> {
    let (queue, options) = (super::amqp::Name::from(queue), QueueOptions::default());
    link.send(ToServer::Method(Method::QueueDeclare { queue: queue.clone(), passive: true, options }));
    let (mut waiting, mut taken) = (u32::MAX, Vec::new());
    while taken.len() as u64 != u64::from(waiting) {
        match link.recv().await {
            Some(FromServer::Event(Event::QueueDeclared { messages, .. })) => {
                waiting = messages;
                if messages > 0 {
                    let (queue, consumer) = (queue.clone(), queue.clone());
                    link.send(ToServer::Method(Method::Qos { prefetch: messages }));
                    link.send(ToServer::Method(Method::Consume { queue, consumer, no_ack: false }));
                }
            }
            Some(FromServer::Event(Event::Delivered(delivery))) => {
                taken.push(delivery.message);
                link.send(ToServer::Method(Method::Ack { tag: delivery.tag, multiple: false }));
            }
            Some(FromServer::Event(Event::Closed { text, .. })) => return Err(AdminError::Refused(text.to_string())),
            Some(_) => {}
            None => return Err(AdminError::Refused("it closed the connection".to_owned())),
        }
    }
    // Until what was acked is gone.
    link.send(ToServer::Close);
    while link.recv().await.is_some() {}
    Ok(taken)
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

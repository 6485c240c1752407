//! What the client script of a test does.

use crate::app::{App, Error};
use crate::broker::admin;
use crate::env::{Endpoint, Env, LocalFuture};
use crate::message::Message;
use crate::producer::Forward;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What the client script of a test has at hand.
#[derive(Clone)]
pub struct Client {
    /// Its own copy of the application: calls made through it go to the simulated broker.
    pub app: App,
    pub(super) env: Env,
    pub(super) broker: Endpoint,
}

impl Client {
    /// Waits in virtual time.
    pub fn sleep(&self, duration: Duration) -> LocalFuture<()> {
        self.env.sleep(duration)
    }

    /// Virtual time since the cluster started.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.env.now().0)
    }

    /// Puts a message into a queue as it is, whatever it may be: what another producer sent, or what nobody should send.
    ///
    /// # Errors
    ///
    /// As [`Task::delay`](crate::app::Task::delay): it was not published in time.
    pub async fn publish(&self, queue: &str, message: Message) -> Result<(), Error> {
        let (told, reply) = oneshot::channel();
        let forward = Forward {
            message: Arc::new(message),
            to: crate::broker::Target::queue(queue.into()),
            reply: Box::new(move |sent| {
                // Nobody listens any more when the script has gone on.
                let _ = told.send(sent);
            }),
        };
        self.app.client()?.producer.do_send(forward);
        let sent = reply.await.map_err(|_| Error::NotRunning("the producer has stopped".to_owned()))?;
        sent.map_err(Error::from)
    }

    /// Takes all messages out of a queue that wait there for a consumer, the first one first; none if there is no such
    /// queue. To leave them, publish them again.
    ///
    /// # Errors
    ///
    /// When the broker can't be reached.
    pub async fn take(&self, queue: &str) -> Result<Vec<Arc<Message>>, Error> {
        let taken = admin::take(&self.env, &self.broker, self.app.settings(), queue).await;
        taken.map_err(|error| Error::NotRunning(error.to_string()))
    }
}

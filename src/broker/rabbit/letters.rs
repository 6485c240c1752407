//! Dead letters: published to their queue and confirmed there before the original is acked.
//!
//! A crash between the two leaves both, a failure the original: a dead letter may be there twice, and is never lost.

use super::content;
use super::shell::{Held, Shell};
use super::table::short;
use crate::broker::amqp::DeliveryTag;
use lapin::Confirmation;
use lapin::options::BasicPublishOptions;
use std::rc::Rc;

impl Shell {
    /// Makes a dead letter of a delivery, in the background.
    pub(super) fn bury(self: &Rc<Self>, tag: DeliveryTag, held: Held, to: &str, reason: &'static str) {
        self.burying.set(self.burying.get() + 1);
        let (shell, to) = (self.clone(), to.to_owned());
        self.env.spawn(async move {
            match shell.letter(&held, &to, reason).await {
                Ok(()) => {
                    shell.acks.borrow_mut().ack(tag);
                    shell.flush();
                }
                // It comes back when this connection ends.
                Err(why) => tracing::error!(queue = %held.queue, to, why, "no dead letter; the message stays unacked"),
            }
            shell.burying.set(shell.burying.get() - 1);
            shell.idle.notify_one();
        });
    }

    async fn letter(&self, held: &Held, to: &str, reason: &str) -> Result<(), String> {
        let Some(channel) = &self.letters else { return Err("there is no queue for them".to_owned()) };
        let said = |error: lapin::Error| error.to_string();
        let seconds = self.env.wall().as_micros() / 1_000_000;
        let dead = content::dead(&held.message, &held.queue, &held.exchange, &held.routing_key, reason, seconds);
        let properties = content::properties(&dead).map_err(|error| error.to_string())?;
        let to = short(to).map_err(|error| error.to_string())?;
        // One at a time: lapin tells a return with the next confirm, whichever that is.
        let _turn = self.burial.lock().await;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let published = channel.basic_publish("".into(), to, options, &dead.body, properties).await.map_err(said)?;
        match published.await.map_err(said)? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => Err("the queue does not exist".to_owned()),
            Confirmation::Nack(_) | Confirmation::NotRequested => Err("the server refused it".to_owned()),
        }
    }
}

//! Looks at the queues: takes with `atomic`, blocking pops with `kombu`.

use super::super::taking::seconds;
use super::{Shell, words};
use crate::env::redis::{RedisConnection, RedisLost};
use crate::settings::RedisConsume;
use redis::{Value, cmd};
use std::rc::Rc;

impl Shell {
    pub(super) async fn consume(self: Rc<Self>) {
        let consumed = match self.policy.consume {
            RedisConsume::Atomic => self.take().await,
            RedisConsume::Kombu => self.pop().await,
        };
        if let Err(lost) = consumed {
            self.lost(&lost);
        }
    }

    async fn take(&self) -> Result<(), RedisLost> {
        while !self.closed.get() {
            let take = self.channel.borrow_mut().take();
            let Some(take) = take else {
                self.room.notified().await;
                self.looked.set(self.env.now());
                continue;
            };
            let replies = self.answered(self.connection.send(vec![take.command.clone()])).await?;
            self.looked.set(self.env.now());
            let taken = self.channel.borrow_mut().taken(&take, replies.into_iter().next().unwrap_or_default());
            self.flush();
            self.idle.notify_waiters();
            if taken == 0 && !self.closed.get() && self.are_empty(take.lists).await? {
                // Whichever comes first: the server's word, or the time for another look.
                let _ = self.env.timeout(self.policy.poll, self.news.notified()).await;
            }
        }
        Ok(())
    }

    /// Whether nothing is in these lists. Having been asked, the server tells when that changes.
    async fn are_empty(&self, lists: Vec<String>) -> Result<bool, RedisLost> {
        let mut look = cmd("EXISTS");
        look.arg(&lists);
        self.lists.replace(lists);
        let replies = self.answered(self.connection.send(vec![words(&["CLIENT", "CACHING", "YES"]), look])).await?;
        Ok(!matches!(replies.last(), Some(Value::Int(lists)) if *lists > 0))
    }

    async fn pop(&self) -> Result<(), RedisLost> {
        let mut blocking: Option<Rc<dyn RedisConnection>> = None;
        while !self.closed.get() {
            let take = self.channel.borrow_mut().pop();
            let Some(take) = take else {
                self.room.notified().await;
                self.looked.set(self.env.now());
                continue;
            };
            let connection = match &blocking {
                Some(connection) => connection.clone(),
                None => {
                    let connected = self.env.connect_redis(&self.url, self.policy.patience).await;
                    let connected: Rc<dyn RedisConnection> =
                        connected.map_err(|error| RedisLost(error.to_string()))?.into();
                    blocking.insert(connected).clone()
                }
            };
            let replies = self.answered(connection.send(vec![take.command.clone()])).await?;
            if self.closed.get() {
                // Popped for nobody: kombu's window of loss.
                break;
            }
            self.looked.set(self.env.now());
            let now = seconds(self.env.wall().as_micros());
            let reply = replies.into_iter().next().unwrap_or_default();
            let popped = self.channel.borrow_mut().popped(&take, reply, now);
            self.flush();
            if let Some(popped) = popped {
                // As in kombu, a message is on record before its worker sees it, and before the next pop.
                while !self.writer.is_idle() && !self.closed.get() {
                    self.idle.notified().await;
                }
                self.channel.borrow_mut().recorded(popped);
                self.flush();
            }
            self.idle.notify_waiters();
        }
        Ok(())
    }

    /// The answer to a look at the queues, which may take as long as a poll and then some.
    pub(super) async fn answered(
        &self,
        answer: impl Future<Output = Result<Vec<Value>, RedisLost>>,
    ) -> Result<Vec<Value>, RedisLost> {
        let limit = self.policy.poll + self.policy.patience;
        let late = |_| RedisLost(format!("no answer within {limit:?}"));
        self.env.timeout(limit, answer).await.map_err(late)?
    }
}

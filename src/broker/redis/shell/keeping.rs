//! What a worker does besides: it says what it holds, and looks for what others have left behind.

use super::Shell;
use crate::env::Instant;
use crate::env::redis::RedisLost;
use crate::planted::{Fault as Planted, planted};
use crate::settings::RedisConsume;
use redis::{Value, cmd};
use std::rc::Rc;
use std::time::Duration;

impl Shell {
    /// Says what is held, and restores what others have left behind.
    pub(super) async fn keep(self: Rc<Self>) {
        let atomic = self.policy.consume == RedisConsume::Atomic;
        let beat = if atomic { self.policy.renewal() } else { self.policy.sweep };
        // Many workers that start together need not all look together.
        let early = self.env.random_up_to(u64::try_from(beat.as_nanos() / 4).unwrap_or(u64::MAX));
        let mut next_sweep = if atomic { self.env.now() + Duration::from_nanos(early) } else { self.env.now() };
        let mut next_refresh = self.env.now() + beat;
        while !self.closed.get() {
            let next = if atomic { next_sweep.min(next_refresh) } else { next_sweep };
            self.env.sleep_until(next).await;
            let now = self.env.now();
            if atomic && next_refresh <= now {
                self.channel.borrow_mut().refresh();
                self.flush();
                next_refresh = now + beat;
            }
            if next_sweep <= now {
                if !self.channel.borrow().consumers.is_empty()
                    && let Err(lost) = self.sweep().await
                {
                    return self.lost(&lost);
                }
                next_sweep = self.env.now() + self.policy.sweep;
                if planted(Planted::SweepStops) {
                    next_sweep = Instant::NEVER;
                }
            }
        }
    }

    async fn sweep(&self) -> Result<(), RedisLost> {
        if self.policy.consume == RedisConsume::Kombu && !self.lock().await? {
            return Ok(());
        }
        let (mut from, mut left) = (Some(0), self.policy.restore_limit);
        while let Some(at) = from {
            let look = self.channel.borrow().overdue(at);
            let replies = self.answered(self.connection.send(vec![look])).await?;
            let reply = replies.into_iter().next().unwrap_or_default();
            from = self.channel.borrow_mut().restore(at, reply, &mut left);
            self.flush();
        }
        Ok(())
    }

    /// kombu's lock: one sweep at a time. It is not taken off again here: nobody else needs to look so soon.
    async fn lock(&self) -> Result<bool, RedisLost> {
        let mut lock = cmd("SET");
        lock.arg(&*self.policy.layout.unacked_mutex).arg(&*self.env.uuid()).arg("NX").arg("PX");
        lock.arg(u64::try_from(self.policy.mutex_expire.min(self.policy.sweep / 2).as_millis()).unwrap_or(u64::MAX));
        let replies = self.answered(self.connection.send(vec![lock])).await?;
        Ok(replies.first() == Some(&Value::Okay))
    }
}

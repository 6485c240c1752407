//! What settings say about a queue on Redis.

use super::layout::Layout;
use crate::redis::PATIENCE;
use crate::settings::{QueueOrder, RedisConsume, Settings, duration};
use std::sync::Arc;
use std::time::Duration;

/// Settings of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) layout: Layout,
    pub(super) consume: RedisConsume,
    pub(super) order: QueueOrder,
    pub(super) base64: bool,
    pub(super) lease: Duration,
    pub(super) visibility: Duration,
    pub(super) restore_limit: usize,
    pub(super) mutex_expire: Duration,
    /// Between two sweeps.
    pub(super) sweep: Duration,
    pub(super) poll: Duration,
    /// Longest wait for an answer.
    pub(super) patience: Duration,
    /// Returns after which a message is a dead letter.
    pub(super) delivery_limit: Option<u32>,
    pub(super) dead_letters: Option<Arc<str>>,
    pub(super) client_name: Option<String>,
    /// Whether a message that is delivered can be restored.
    pub(super) restores: bool,
    /// Where messages go that no binding leads on.
    pub(super) unroutable: Option<Arc<str>>,
}

/// Most messages of one sweep, where nothing is set.
const RESTORED: u32 = 10_000;

impl Policy {
    pub(super) fn new(settings: &Settings, database: i64) -> Policy {
        let lease = duration(settings.redis_lease.max(1.0));
        // Without a record there is nothing that could be done as one step.
        let consume = if settings.redis_ack_emulation { settings.redis_consume } else { RedisConsume::Kombu };
        let sweep = match consume {
            RedisConsume::Atomic => lease / 2,
            RedisConsume::Kombu => {
                duration(settings.redis_unacked_restore_interval) * settings.redis_unacked_restore_throttle.max(1)
            }
        };
        Policy {
            layout: Layout::new(settings, database),
            consume,
            order: settings.redis_queue_order_strategy,
            base64: settings.redis_body_encoding.as_deref() == Some("base64"),
            lease,
            visibility: duration(settings.redis_visibility_timeout),
            restore_limit: settings.redis_unacked_restore_limit.unwrap_or(RESTORED) as usize,
            mutex_expire: duration(settings.redis_unacked_mutex_expire),
            sweep: sweep.max(Duration::from_millis(100)),
            poll: duration(settings.redis_polling_interval).max(Duration::from_millis(1)),
            patience: settings.redis_socket_timeout.map_or(PATIENCE, duration),
            delivery_limit: settings.task_delivery_limit,
            dead_letters: settings.task_dead_letter_queue.as_deref().map(Arc::from),
            client_name: settings.redis_client_name.clone(),
            restores: settings.redis_ack_emulation,
            unroutable: settings.redis_deadletter_queue.as_deref().map(Arc::from),
        }
    }

    /// Between two renewals of what is held: often enough for the lease, and for everybody's visibility timeout.
    pub(super) fn renewal(&self) -> Duration {
        (self.lease.min(self.visibility) / 3).max(Duration::from_millis(100))
    }

    /// Where a message goes that is not to be delivered any more; `None`: nowhere.
    pub(super) fn dead_letters_of(&self, queue: &str) -> Option<&Arc<str>> {
        self.dead_letters.as_ref().filter(|dead_letters| ***dead_letters != *queue)
    }

    /// Whether a message that was returned so often is returned no more. Dead letters are never worked on.
    pub(super) fn is_worn_out(&self, queue: &str, deliveries: u32) -> bool {
        self.dead_letters_of(queue).is_some() && self.delivery_limit.is_some_and(|limit| deliveries > limit)
    }
}

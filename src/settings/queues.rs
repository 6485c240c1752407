//! The queues that the settings describe.

use super::{ExchangeType, Settings};
use crate::routing::{Defaults, Kind, QueueSpec, Queues};

impl Settings {
    /// `task_queues`, and what `task_default_*` and `task_create_missing_*` say of the others.
    pub fn queues(&self) -> Queues {
        let queue = QueueSpec {
            exchange: self.task_default_exchange.clone(),
            kind: self.task_default_exchange_type.into(),
            routing_key: self.task_default_routing_key.clone(),
            ..QueueSpec::named(self.task_default_queue.clone())
        };
        let missing_kind = self.task_create_missing_queue_exchange_type.map_or(Kind::Direct, Kind::from);
        let defaults = Defaults { queue, create_missing: self.task_create_missing_queues, missing_kind };
        // On Redis the key is in the name of the channel: Celery's workers listen to that of the default queue.
        let keyed = |queue: &QueueSpec| match &queue.routing_key {
            None if queue.broadcast => {
                QueueSpec { routing_key: Some(defaults.queue.routing_key().to_owned()), ..queue.clone() }
            }
            _ => queue.clone(),
        };
        Queues::new(self.task_queues.iter().map(keyed).collect(), defaults)
    }
}

impl From<ExchangeType> for Kind {
    fn from(kind: ExchangeType) -> Self {
        match kind {
            ExchangeType::Direct => Kind::Direct,
            ExchangeType::Topic => Kind::Topic,
            ExchangeType::Fanout => Kind::Fanout,
        }
    }
}

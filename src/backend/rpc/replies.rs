//! The queue of one process's results, and results as messages.

use crate::backend::form::{Form, Told, meta_of};
use crate::broker::amqp::{Delivery, Method, Name, QueueOptions};
use crate::broker::{Entities, Source, Target};
use crate::env::Env;
use crate::events::State;
use crate::message::{DeliveryMode, Message, Properties};
use crate::settings::Settings;
use std::sync::Arc;

/// A queue of this process's own: Celery's `oid`.
#[derive(Clone)]
pub(crate) struct Replies {
    pub(crate) queue: Name,
    pub(crate) entities: Entities,
    /// A result is acked when it is here: one that a dead connection was sent comes again.
    pub(super) acks: bool,
}

impl Replies {
    /// One that nobody has used.
    pub(crate) fn new(env: &Env, settings: &Settings) -> Replies {
        let queue: Name = env.uuid();
        let options = QueueOptions {
            durable: true,
            auto_delete: !settings.result_queue_waits,
            expires: (settings.result_expires > 0.0).then_some((settings.result_expires * 1000.0) as u64),
            ..QueueOptions::default()
        };
        let declare = Method::QueueDeclare { queue: queue.clone(), passive: false, options };
        let entities = Entities::These(queue.clone(), [declare].into());
        Replies { queue, entities, acks: settings.result_queue_waits }
    }

    pub(super) fn source(&self) -> Source {
        Source {
            queue: self.queue.clone(),
            no_ack: !self.acks,
            broadcast: false,
            delays: false,
            entities: self.entities.clone(),
        }
    }
}

/// Somebody's queue of results: it is his to declare, and gone with him.
pub(super) fn target(queue: Name) -> Target {
    Target { entities: Entities::These("".into(), [].into()), broadcast: true, ..Target::queue(queue) }
}

/// The message of a state; `None` when it can't be written and nobody needs it.
pub(super) fn message(form: &Form, id: &Arc<str>, state: State, meta: Arc<[u8]>, persistent: bool) -> Option<Message> {
    let (_, body) = form.write(id, state, meta)?;
    let serializer = form.serializer();
    let properties = Properties {
        content_type: Some(serializer.content_type().into()),
        content_encoding: Some(serializer.content_encoding().into()),
        correlation_id: Some(id.clone()),
        delivery_mode: if persistent { DeliveryMode::Persistent } else { DeliveryMode::Transient },
        ..Properties::default()
    };
    Some(Message { properties, body, ..Message::default() })
}

/// The state that a message tells of, and of which task.
pub(super) fn told(form: &Form, delivery: &Delivery) -> Option<(Arc<str>, Told)> {
    let id = delivery.message.properties.correlation_id.clone()?;
    let told = form.read(&delivery.message.body);
    let told = told.unwrap_or_else(|failure| (State::Failure, meta_of(&id, &failure, None)));
    Some((id, told))
}

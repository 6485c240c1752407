//! What settings say about queues on RabbitMQ.
//!
//! A task queue is declared as Celery declares it: durable, with `x-max-priority`, `x-queue-type` and the queue's own
//! limits, and without anything of simq's. Two declarations of one queue must agree, so whoever comes first, Celery or
//! simq, the other is let in. The delivery limit and the dead letters of profile `safe` are therefore the client's
//! work here, as on Redis.

use super::learnt::Learnt;
use crate::broker::amqp::{Overflow, QueueOptions};
use crate::message::Table;
use crate::settings::{QueueType, Settings, duration};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Policy {
    default_queue: Arc<str>,
    default_type: QueueType,
    /// Queues of `task_queues`: their kind is their own business.
    specified: BTreeSet<String>,
    missing_type: QueueType,
    global_qos: bool,
    learnt: Learnt,
    delivery_limit: Option<u32>,
    pub(super) dead_letters: Option<Arc<str>>,
    /// Longest wait for what was said last to be confirmed.
    pub(super) patience: Duration,
    /// Seconds.
    pub(super) heartbeat: u16,
}

impl Policy {
    pub(super) fn new(settings: &Settings, learnt: &Learnt) -> Policy {
        Policy {
            default_queue: settings.task_default_queue.as_str().into(),
            default_type: settings.task_default_queue_type,
            specified: settings.task_queues.iter().map(|queue| queue.name.clone()).collect(),
            missing_type: settings.task_create_missing_queue_type,
            global_qos: !settings.has_quorum_queues(),
            learnt: learnt.clone(),
            delivery_limit: settings.task_delivery_limit,
            dead_letters: settings.task_dead_letter_queue.as_deref().map(Arc::from),
            patience: duration(settings.confirm_timeout),
            heartbeat: duration(settings.broker_heartbeat).as_secs().try_into().unwrap_or(u16::MAX),
        }
    }

    /// Quorum queues have no prefetch window of a whole channel: kombu's rule is that one of them changes it for all.
    pub(super) fn global_qos(&self) -> bool {
        self.global_qos && !self.learnt.has_quorum_queues()
    }

    /// Takes note of what the server says of its queues when it refuses something.
    pub(super) fn learn(&self, code: u16, text: &str) {
        self.learnt.hear(code, text, self.global_qos);
    }

    /// Where a message goes that is not to be delivered any more; `None`: what the server's own policy says.
    pub(super) fn dead_letters_of(&self, queue: &str) -> Option<&Arc<str>> {
        self.dead_letters.as_ref().filter(|dead_letters| ***dead_letters != *queue)
    }

    /// Whether a message that was returned so often is returned no more.
    pub(super) fn is_worn_out(&self, queue: &str, returned: u32) -> bool {
        self.dead_letters_of(queue).is_some() && self.delivery_limit.is_some_and(|limit| returned > limit)
    }

    /// Whether messages are counted that come back from a classic queue.
    pub(super) fn counts_returns(&self, queue: &str) -> bool {
        self.delivery_limit.is_some() && self.dead_letters_of(queue).is_some()
    }

    /// Dead letters are as safe as the tasks that they were.
    fn kind(&self, queue: &str) -> QueueType {
        if *self.default_queue == *queue {
            self.default_type
        } else if self.specified.contains(queue) {
            QueueType::Classic
        } else if self.dead_letters.as_deref() == Some(queue) {
            self.default_type
        } else {
            self.missing_type
        }
    }

    /// The arguments of a declaration.
    pub(super) fn arguments(&self, queue: &str, options: &QueueOptions) -> Table {
        let mut arguments = options.other.clone();
        let number = |value: u64| Some(Value::from(value));
        let text = |text: &str| Some(Value::from(text));
        let temporary = options.exclusive || options.auto_delete || !options.durable;
        let told = arguments.get("x-queue-type").is_some();
        let quorum = !temporary && !told && self.kind(queue) == QueueType::Quorum;
        let own_letters = self.dead_letters.is_some() && options.dead_letter_routing_key == self.dead_letters;
        for (name, value) in [
            ("x-queue-type", quorum.then_some("quorum").and_then(text)),
            ("x-max-priority", options.max_priority.and_then(|max| number(max.into()))),
            ("x-message-ttl", options.message_ttl.and_then(number)),
            ("x-expires", options.expires.and_then(number)),
            ("x-max-length", options.max_length.and_then(|max| number(max.into()))),
            ("x-overflow", (options.overflow == Overflow::RejectPublish).then_some("reject-publish").and_then(text)),
            ("x-dead-letter-exchange", options.dead_letter_exchange.as_deref().filter(|_| !own_letters).and_then(text)),
            (
                "x-dead-letter-routing-key",
                options.dead_letter_routing_key.as_deref().filter(|_| !own_letters).and_then(text),
            ),
        ] {
            if let Some(value) = value {
                arguments.set(name, value);
            }
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Source;
    use crate::broker::amqp::Method;
    use crate::broker::entities::task_queue;
    use crate::settings::Profile;

    fn declared(settings: &Settings, queue: &str) -> Vec<String> {
        let options = task_queue(queue, QueueOptions::default(), settings);
        assert!(options.durable && !options.exclusive && !options.auto_delete);
        let arguments = Policy::new(settings, &Learnt::default()).arguments(queue, &options);
        arguments.iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// `golden`: Celery's declaration of a plain queue has no arguments.
    #[test]
    fn a_task_queue_is_declared_as_celery_declares_it() {
        for profile in [Profile::Safe, Profile::Celery] {
            let mut settings = Settings::new(profile);
            assert_eq!(declared(&settings, "celery"), [""; 0]);
            settings.task_queue_max_priority = Some(9);
            assert_eq!(declared(&settings, "celery"), ["x-max-priority"]);
            settings.task_queue_max_priority = None;
            settings.task_default_queue_type = QueueType::Quorum;
            assert_eq!(declared(&settings, "celery"), ["x-queue-type"]);
            assert_eq!(declared(&settings, "other"), [""; 0]);
            assert!(!Policy::new(&settings, &Learnt::default()).global_qos());
        }
    }

    #[test]
    fn dead_letters_are_in_a_queue_of_the_default_type() {
        let mut settings = Settings::new(Profile::Safe);
        settings.task_default_queue_type = QueueType::Quorum;
        let kinds = ["celery", "celery.dead", "other"].map(|queue| declared(&settings, queue));
        assert_eq!(kinds, [vec!["x-queue-type".to_owned()], vec!["x-queue-type".to_owned()], vec![]]);
    }

    #[test]
    fn a_queue_that_goes_with_its_connection_is_classic() {
        let mut settings = Settings::new(Profile::Safe);
        settings.task_create_missing_queue_type = QueueType::Quorum;
        let to = crate::broker::Target::broadcast("events", true);
        let source = Source::copy_of(to, "mine".into(), true, QueueOptions::default());
        let crate::broker::entities::Entities::These(_, methods) = source.entities else { panic!("{source:?}") };
        let options = methods.iter().find_map(|method| match method {
            Method::QueueDeclare { options, .. } => Some(options),
            _ => None,
        });
        let arguments = Policy::new(&settings, &Learnt::default()).arguments("mine", options.unwrap());
        assert!(arguments.is_empty(), "{arguments:?}");
    }
}

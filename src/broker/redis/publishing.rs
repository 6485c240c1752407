//! Exchanges on Redis: where a message goes, and how its publisher is told (wire sheet, section 5.3).

use super::channel::{Channel, Purpose, bytes};
use super::{envelope, topic};
use crate::broker::amqp::{Event, ExchangeKind, Name, Refusal};
use crate::message::Message;
use redis::{Value, cmd};
use std::sync::Arc;

/// A publish that waits for the bindings of its exchange.
pub(super) struct Routing {
    pub(super) seq: u64,
    exchange: Name,
    routing_key: Name,
    mandatory: bool,
    message: Arc<Message>,
}

impl Channel {
    pub(super) fn publish(&mut self, exchange: Name, routing_key: Name, mandatory: bool, message: Arc<Message>) {
        self.published += 1;
        let seq = self.published;
        if exchange.is_empty() {
            self.push(&message, "", &routing_key, &[&routing_key], seq);
        } else if self.exchanges.get(&exchange) == Some(&ExchangeKind::Fanout) {
            let mut publish = cmd("PUBLISH");
            let envelope = self.envelope(&message, &exchange, &routing_key);
            publish.arg(self.policy.layout.channel(&exchange, &routing_key)).arg(envelope);
            self.order(publish, Purpose::Confirm(seq));
        } else {
            let mut members = cmd("SMEMBERS");
            members.arg(&self.policy.layout.bindings(&exchange)[0]);
            let routing = Routing { seq, exchange, routing_key, mandatory, message };
            self.order(members, Purpose::Route(Box::new(routing)));
        }
    }

    fn envelope(&self, message: &Message, exchange: &str, routing_key: &str) -> Vec<u8> {
        envelope::write(message, exchange, routing_key, &(self.draw)(), self.policy.base64)
    }

    /// The bindings are there.
    pub(super) fn route(&mut self, routing: Routing, members: Value) {
        let queues = self.bound_queues(&routing.exchange, &routing.routing_key, members);
        let Routing { seq, exchange, routing_key, mandatory, message } = routing;
        if queues.is_empty()
            && let Some(unroutable) = self.policy.unroutable.clone()
        {
            tracing::warn!(%exchange, %routing_key, queue = %unroutable, "no binding leads a message on");
            return self.push(&message, &exchange, &routing_key, &[&unroutable], seq);
        }
        if queues.is_empty() {
            if mandatory {
                self.say(Event::Returned { exchange, routing_key, message });
            }
            return self.say(Event::Confirmed { seq, multiple: false });
        }
        let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
        self.push(&message, &exchange, &routing_key, &queues, seq);
    }

    /// The queues that an exchange's bindings lead to.
    pub(super) fn bound_queues(&self, exchange: &Name, routing_key: &str, members: Value) -> Vec<String> {
        let members: Vec<Value> = match members {
            Value::Array(members) | Value::Set(members) => members,
            _ => Vec::new(),
        };
        let topic = self.exchanges.get(exchange) == Some(&ExchangeKind::Topic);
        let leads = |key: &str| if topic { topic::matches(key, routing_key) } else { key == routing_key };
        let mut queues = Vec::new();
        for member in members.into_iter().filter_map(bytes) {
            let bound = std::str::from_utf8(&member).ok().and_then(|member| self.policy.layout.bound(member));
            if let Some((_, queue)) = bound.filter(|(key, _)| leads(key)) {
                queues.push(queue.to_owned());
            }
        }
        queues.sort_unstable();
        queues.dedup();
        queues
    }

    /// Puts a message into queues: into all or none.
    fn push(&mut self, message: &Message, exchange: &str, routing_key: &str, queues: &[&str], seq: u64) {
        let priority = message.properties.priority;
        let several = queues.len() > 1;
        if several {
            self.order(cmd("MULTI"), Purpose::Nothing);
        }
        for queue in queues {
            // Each copy has a tag of its own, so that acking one in Celery leaves the others alone.
            let envelope = self.envelope(message, exchange, routing_key);
            let mut push = cmd("LPUSH");
            push.arg(self.policy.layout.bucket(queue, priority)).arg(envelope);
            self.order(push, if several { Purpose::Nothing } else { Purpose::Confirm(seq) });
        }
        if several {
            self.order(cmd("EXEC"), Purpose::Confirm(seq));
        }
    }

    /// The server would not take a message.
    pub(super) fn refuse(&mut self, seq: u64, text: &str) {
        tracing::warn!(error = text, "the server refused a message");
        self.say(Event::Refused { seq, why: Refusal::Said(text.into()) });
    }

    pub(super) fn bind(&mut self, queue: &Name, exchange: &Name, routing_key: &Name) {
        if self.exchanges.get(exchange) == Some(&ExchangeKind::Fanout) {
            let pattern = self.policy.layout.channel_pattern(exchange, routing_key);
            self.listening.insert(pattern, queue.clone());
            return self.say(Event::Done);
        }
        self.bind_directly(exchange, routing_key, queue);
        self.say(Event::Done);
    }

    /// Writes a binding where kombu's processes look for it.
    pub(super) fn bind_directly(&mut self, exchange: &str, routing_key: &str, queue: &str) {
        let pattern = if self.exchanges.get(exchange) == Some(&ExchangeKind::Topic) {
            topic::kombus_pattern(routing_key)
        } else {
            String::new()
        };
        let member = self.policy.layout.binding(routing_key, &pattern, queue);
        for set in self.policy.layout.bindings(exchange) {
            let mut add = cmd("SADD");
            add.arg(set).arg(&member);
            self.order(add, Purpose::Nothing);
        }
    }

    pub(super) fn unbind(&mut self, queue: &str, exchange: &str, routing_key: &str) {
        let pattern = if self.exchanges.get(exchange) == Some(&ExchangeKind::Topic) {
            topic::kombus_pattern(routing_key)
        } else {
            String::new()
        };
        let member = self.policy.layout.binding(routing_key, &pattern, queue);
        let [all, permanent] = self.policy.layout.bindings(exchange);
        for (set, purpose) in [(all, Purpose::Nothing), (permanent, Purpose::Done)] {
            let mut remove = cmd("SREM");
            remove.arg(set).arg(&member);
            self.order(remove, purpose);
        }
    }
}

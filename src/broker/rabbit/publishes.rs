//! Publishes under way: written without waiting, confirmed in bulk, reported in the order of their numbers.
//!
//! RabbitMQ returns a mandatory message before it confirms it, with the confirms of others between perhaps: a return is
//! matched by what was published.

use crate::broker::amqp::{Event, Name, Refusal};
use crate::env::amqp::DeliveryTag;
use crate::message::Message;
use crate::planted::{Fault as Planted, planted};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

enum State {
    /// Written under this number of the channel.
    Written(DeliveryTag),
    Confirmed,
    Refused(Refusal),
}

struct Publish {
    seq: u64,
    exchange: Name,
    routing_key: Name,
    message: Arc<Message>,
    returned: bool,
    state: State,
}

/// The publishes of a channel. Without confirms only those that are refused at once are remembered.
#[derive(Default)]
pub(super) struct Publishes {
    confirming: Cell<bool>,
    published: Cell<u64>,
    /// Those on the channel have numbers of their own: what is refused at once has none.
    written: Cell<DeliveryTag>,
    under_way: RefCell<VecDeque<Publish>>,
}

impl Publishes {
    pub(super) fn select_confirms(&self) {
        self.confirming.set(true);
    }

    pub(super) fn are_confirmed(&self) -> bool {
        self.confirming.get()
    }

    /// A publish was written.
    pub(super) fn written(&self, exchange: Name, routing_key: Name, message: Arc<Message>) {
        if self.confirming.get() {
            let tag = self.written.get() + 1;
            self.written.set(tag);
            self.push(exchange, routing_key, message, State::Written(tag));
        } else {
            self.published.set(self.published.get() + 1);
        }
    }

    /// A publish that is not even written.
    pub(super) fn refuse(&self, exchange: Name, routing_key: Name, message: Arc<Message>, why: &str) -> Vec<Event> {
        self.push(exchange, routing_key, message, State::Refused(Refusal::Said(why.into())));
        report(&mut self.under_way.borrow_mut())
    }

    fn push(&self, exchange: Name, routing_key: Name, message: Arc<Message>, state: State) {
        let seq = self.published.get() + 1;
        self.published.set(seq);
        let publish = Publish { seq, exchange, routing_key, message, returned: false, state };
        self.under_way.borrow_mut().push_back(publish);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.borrow().is_empty()
    }

    pub(super) fn returned(&self, exchange: &str, routing_key: &str, correlation_id: Option<&str>) {
        let mut under_way = self.under_way.borrow_mut();
        match under_way.iter_mut().find(|publish| publish.is(exchange, routing_key, correlation_id)) {
            Some(publish) => publish.returned = true,
            None => tracing::warn!(exchange, routing_key, "a message came back that nobody waits for"),
        }
    }

    /// The server has these messages, or does not take them. Returns what is to be said of the oldest.
    pub(super) fn confirmed(&self, tag: DeliveryTag, multiple: bool, taken: bool) -> Vec<Event> {
        let mut under_way = self.under_way.borrow_mut();
        for publish in under_way.iter_mut() {
            match publish.state {
                State::Written(own) if own > tag => break,
                State::Written(own) if own == tag || multiple && !planted(Planted::ConfirmOfManyTakenForOne) => {
                    publish.state = if taken { State::Confirmed } else { State::Refused(Refusal::QueueFull) };
                }
                _ => {}
            }
        }
        report(&mut under_way)
    }
}

impl Publish {
    fn is(&self, exchange: &str, routing_key: &str, correlation_id: Option<&str>) -> bool {
        !self.returned
            && *self.exchange == *exchange
            && *self.routing_key == *routing_key
            && self.message.properties.correlation_id.as_deref() == correlation_id
    }
}

/// Takes the oldest that are done. A run of plain confirms is one event.
fn report(under_way: &mut VecDeque<Publish>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut run = None;
    while under_way.front().is_some_and(|publish| !matches!(publish.state, State::Written(_)))
        && let Some(publish) = under_way.pop_front()
    {
        let Publish { seq, exchange, routing_key, message, returned, state } = publish;
        if matches!(state, State::Confirmed) && !returned {
            run = Some(seq);
            continue;
        }
        events.extend(run.take().map(|seq| Event::Confirmed { seq, multiple: true }));
        match state {
            State::Refused(why) => events.push(Event::Refused { seq, why }),
            State::Confirmed => {
                events.push(Event::Returned { exchange, routing_key, message });
                events.push(Event::Confirmed { seq, multiple: false });
            }
            State::Written(_) => {}
        }
    }
    events.extend(run.map(|seq| Event::Confirmed { seq, multiple: true }));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Publishes {
        let publishes = Publishes::default();
        publishes.select_confirms();
        for key in ["a", "b", "c"] {
            publishes.written("".into(), key.into(), Arc::default());
        }
        publishes
    }

    #[test]
    fn a_run_of_confirms_is_one_event_and_ends_at_what_is_open() {
        let publishes = three();
        assert_eq!(publishes.confirmed(3, false, true), []);
        assert_eq!(publishes.confirmed(1, false, true), [Event::Confirmed { seq: 1, multiple: true }]);
        assert_eq!(publishes.confirmed(2, true, true), [Event::Confirmed { seq: 3, multiple: true }]);
        assert!(publishes.is_idle());
    }

    #[test]
    fn what_came_back_is_told_before_its_own_confirm_only() {
        let publishes = three();
        let refused = Refusal::Said("blocked".into());
        let late = publishes.refuse("".into(), "d".into(), Arc::default(), "blocked");
        assert_eq!(late, []);
        publishes.written("".into(), "e".into(), Arc::default());
        publishes.returned("", "b", None);
        let (exchange, routing_key) = (Name::from(""), Name::from("b"));
        assert_eq!(
            publishes.confirmed(4, true, true),
            [
                Event::Confirmed { seq: 1, multiple: true },
                Event::Returned { exchange, routing_key, message: Arc::default() },
                Event::Confirmed { seq: 2, multiple: false },
                Event::Confirmed { seq: 3, multiple: true },
                Event::Refused { seq: 4, why: refused },
                Event::Confirmed { seq: 5, multiple: true },
            ]
        );
    }

    #[test]
    fn a_refused_message_is_told_of_by_its_number() {
        let publishes = three();
        assert_eq!(publishes.confirmed(1, false, false), [Event::Refused { seq: 1, why: Refusal::QueueFull }]);
    }
}

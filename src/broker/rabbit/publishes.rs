//! Publishes under way: written without waiting, confirmed in bulk, reported in the order of their numbers.
//!
//! RabbitMQ returns a mandatory message before it confirms it. lapin hands a return to whichever publish is confirmed
//! next, which may be another one: a return is therefore matched by what was published, among all publishes, before any
//! of those confirmed is reported.

use crate::broker::amqp::{Event, Name, Refusal};
use crate::message::Message;
use lapin::message::BasicReturnMessage;
use lapin::{Confirmation, PublisherConfirm, Result};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Writing = Pin<Box<dyn Future<Output = Result<PublisherConfirm>>>>;

enum State {
    Writing(Writing),
    Written(PublisherConfirm),
    Confirmed,
    /// Without confirms it is done when it is written.
    Unasked,
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

/// The publishes of a channel.
#[derive(Default)]
pub(super) struct Publishes {
    published: Cell<u64>,
    under_way: RefCell<VecDeque<Publish>>,
    waker: RefCell<Option<Waker>>,
}

impl Publishes {
    /// Begins to write a publish: what is begun later is written later.
    pub(super) fn begin(&self, exchange: Name, routing_key: Name, message: Arc<Message>, writing: Writing) {
        let mut state = State::Writing(writing);
        // An error is seen when it is polled for good.
        let early = state.poll(&mut Context::from_waker(Waker::noop()));
        if let Err(error) = early {
            state = State::Writing(Box::pin(std::future::ready(Err(error))));
        }
        self.push(exchange, routing_key, message, state);
    }

    /// A publish that is not even written.
    pub(super) fn refuse(&self, exchange: Name, routing_key: Name, message: Arc<Message>, why: &str) {
        self.push(exchange, routing_key, message, State::Refused(Refusal::Said(why.into())));
    }

    fn push(&self, exchange: Name, routing_key: Name, message: Arc<Message>, state: State) {
        let seq = self.published.get() + 1;
        self.published.set(seq);
        let publish = Publish { seq, exchange, routing_key, message, returned: false, state };
        self.under_way.borrow_mut().push_back(publish);
        self.wake();
    }

    /// Has whoever polls look again.
    pub(super) fn wake(&self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.borrow().is_empty()
    }

    /// What has become of the oldest.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Vec<Event>>> {
        self.waker.replace(Some(cx.waker().clone()));
        let mut under_way = self.under_way.borrow_mut();
        let mut returns = Vec::new();
        for publish in under_way.iter_mut() {
            match publish.state.poll(cx) {
                Ok(returned) => returns.extend(returned),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        for returned in &returns {
            match under_way.iter_mut().find(|publish| publish.is(returned)) {
                Some(publish) => publish.returned = true,
                None => tracing::warn!(?returned, "a message came back that nobody has published"),
            }
        }
        let events = report(&mut under_way);
        if events.is_empty() { Poll::Pending } else { Poll::Ready(Ok(events)) }
    }
}

impl State {
    /// Goes as far as it can; a message that came back with a confirm may be another's.
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Option<BasicReturnMessage>> {
        if let State::Writing(writing) = self {
            match writing.as_mut().poll(cx) {
                Poll::Ready(confirm) => *self = State::Written(confirm?),
                Poll::Pending => return Ok(None),
            }
        }
        let State::Written(confirm) = self else { return Ok(None) };
        let Poll::Ready(confirmation) = Pin::new(confirm).poll(cx) else { return Ok(None) };
        let (state, returned) = match confirmation? {
            Confirmation::Ack(returned) => (State::Confirmed, returned),
            Confirmation::Nack(returned) => (State::Refused(Refusal::QueueFull), returned),
            Confirmation::NotRequested => (State::Unasked, None),
        };
        *self = state;
        Ok(returned)
    }
}

impl Publish {
    fn is(&self, returned: &BasicReturnMessage) -> bool {
        let id = returned.delivery.properties.correlation_id().as_ref().map(|id| id.as_str());
        !self.returned
            && *self.exchange == *returned.delivery.exchange.as_str()
            && *self.routing_key == *returned.delivery.routing_key.as_str()
            && self.message.properties.correlation_id.as_deref() == id
    }
}

/// Takes the oldest that are done. A run of plain confirms is one event.
fn report(under_way: &mut VecDeque<Publish>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut run = None;
    while under_way.front().is_some_and(|publish| !publish.state.is_open())
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
            State::Unasked | State::Writing(_) | State::Written(_) => {}
        }
    }
    events.extend(run.map(|seq| Event::Confirmed { seq, multiple: true }));
    events
}

impl State {
    fn is_open(&self) -> bool {
        matches!(self, State::Writing(_) | State::Written(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(seq: u64, state: State) -> Publish {
        let (exchange, routing_key) = (Name::from(""), Name::from("q"));
        Publish { seq, exchange, routing_key, message: Arc::default(), returned: false, state }
    }

    #[test]
    fn a_run_of_confirms_is_one_event_and_ends_at_what_is_open() {
        let open = || State::Writing(Box::pin(std::future::pending()));
        let mut under_way: VecDeque<Publish> = [
            publish(1, State::Confirmed),
            publish(2, State::Confirmed),
            publish(3, open()),
            publish(4, State::Confirmed),
        ]
        .into();
        assert_eq!(report(&mut under_way), [Event::Confirmed { seq: 2, multiple: true }]);
        assert_eq!(under_way.len(), 2);
    }

    #[test]
    fn what_came_back_is_told_before_its_own_confirm_only() {
        let mut returned = publish(2, State::Confirmed);
        returned.returned = true;
        let refused = State::Refused(Refusal::QueueFull);
        let mut under_way: VecDeque<Publish> =
            [publish(1, State::Confirmed), returned, publish(3, refused), publish(4, State::Confirmed)].into();
        let (exchange, routing_key) = (Name::from(""), Name::from("q"));
        assert_eq!(
            report(&mut under_way),
            [
                Event::Confirmed { seq: 1, multiple: true },
                Event::Returned { exchange, routing_key, message: Arc::default() },
                Event::Confirmed { seq: 2, multiple: false },
                Event::Refused { seq: 3, why: Refusal::QueueFull },
                Event::Confirmed { seq: 4, multiple: true },
            ]
        );
    }
}

//! Publishes under way on a channel: written without waiting, confirmed in bulk.
//!
//! lapin hands a message that came back to whichever publish is confirmed next, which may be another one. All returns are
//! therefore said before any of those confirmed: whoever hears of a confirm has heard of the return.

use super::bell::Bell;
use crate::env::amqp::{ChannelNumber, DeliveryTag, Said};
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
    Refused,
}

struct Publish {
    tag: DeliveryTag,
    state: State,
}

/// The publishes of a channel.
pub(super) struct Publishes {
    bell: Arc<Bell>,
    confirming: Cell<bool>,
    last: Cell<DeliveryTag>,
    under_way: RefCell<VecDeque<Publish>>,
    /// Came back before anybody looked.
    returned: RefCell<Vec<BasicReturnMessage>>,
}

impl Publishes {
    pub(super) fn new(bell: Arc<Bell>) -> Publishes {
        Publishes {
            bell,
            confirming: Cell::new(false),
            last: Cell::new(0),
            under_way: RefCell::default(),
            returned: RefCell::default(),
        }
    }

    /// From here on publishes are numbered.
    pub(super) fn select_confirms(&self) {
        self.confirming.set(true);
    }

    /// Begins to write a publish: what is begun later is written later.
    pub(super) fn begin(&self, writing: Writing) {
        if self.confirming.get() {
            self.last.set(self.last.get() + 1);
        }
        let waker = Waker::from(self.bell.clone());
        let mut state = State::Writing(writing);
        match state.poll(&mut Context::from_waker(&waker)) {
            Ok(returned) => self.returned.borrow_mut().extend(returned),
            // It is told when it is polled for good.
            Err(error) => state = State::Writing(Box::pin(std::future::ready(Err(error)))),
        }
        if !matches!(state, State::Written(_)) {
            self.bell.ring();
        }
        self.under_way.borrow_mut().push_back(Publish { tag: self.last.get(), state });
    }

    pub(super) fn is_writing(&self) -> bool {
        self.under_way.borrow().iter().any(|publish| matches!(publish.state, State::Writing(_)))
    }

    /// Says what has become of the oldest.
    pub(super) fn poll(&self, channel: ChannelNumber, said: &mut VecDeque<Said>) -> Result<()> {
        let waker = Waker::from(self.bell.clone());
        let mut cx = Context::from_waker(&waker);
        let mut under_way = self.under_way.borrow_mut();
        said.extend(self.returned.take().iter().map(|returned| came_back(channel, returned)));
        for publish in under_way.iter_mut() {
            if let Some(returned) = publish.state.poll(&mut cx)? {
                said.push_back(came_back(channel, &returned));
            }
        }
        report(channel, &mut under_way, said);
        Ok(())
    }
}

fn came_back(channel: ChannelNumber, returned: &BasicReturnMessage) -> Said {
    let delivery = &returned.delivery;
    Said::Returned {
        channel,
        exchange: delivery.exchange.as_str().into(),
        routing_key: delivery.routing_key.as_str().into(),
        correlation_id: delivery.properties.correlation_id().as_ref().map(|id| id.as_str().into()),
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
            Confirmation::Nack(returned) => (State::Refused, returned),
            Confirmation::NotRequested => (State::Unasked, None),
        };
        *self = state;
        Ok(returned)
    }

    fn is_open(&self) -> bool {
        matches!(self, State::Writing(_) | State::Written(_))
    }
}

/// Takes the oldest that are done. A run of confirms is said at once.
fn report(channel: ChannelNumber, under_way: &mut VecDeque<Publish>, said: &mut VecDeque<Said>) {
    let mut run = None;
    let confirmed = |tag, multiple, taken| Said::Confirmed { channel, tag, multiple, taken };
    while under_way.front().is_some_and(|publish| !publish.state.is_open())
        && let Some(Publish { tag, state }) = under_way.pop_front()
    {
        match state {
            State::Confirmed => run = Some(tag),
            State::Refused => {
                said.extend(run.take().map(|tag| confirmed(tag, true, true)));
                said.push_back(confirmed(tag, false, false));
            }
            State::Unasked | State::Writing(_) | State::Written(_) => {}
        }
    }
    said.extend(run.map(|tag| confirmed(tag, true, true)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_confirms_is_said_at_once_and_ends_at_what_is_open() {
        let open = || State::Writing(Box::pin(std::future::pending()));
        let states = [State::Confirmed, State::Confirmed, State::Refused, State::Confirmed, open(), State::Confirmed];
        let mut under_way: VecDeque<Publish> =
            states.into_iter().zip(1..).map(|(state, tag)| Publish { tag, state }).collect();
        let mut said = VecDeque::new();
        report(1, &mut under_way, &mut said);
        let confirmed = |tag, multiple, taken| Said::Confirmed { channel: 1, tag, multiple, taken };
        assert_eq!(said, [confirmed(2, true, true), confirmed(3, false, false), confirmed(4, true, true)]);
        assert_eq!(under_way.len(), 2);
    }
}

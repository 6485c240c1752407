//! The server's end of a connection.

use super::frame::{FromRabbit, ToRabbit};
use super::heartbeat::Pulse;
use crate::broker::amqp::ChannelId;
use crate::env::amqp::{ChannelNumber, Said};
use crate::env::{Env, Link};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

pub(super) struct Client {
    env: Env,
    link: Link<FromRabbit, ToRabbit>,
    pulse: Pulse,
    /// Its open channels.
    pub(super) channels: RefCell<BTreeMap<ChannelNumber, ChannelId>>,
    /// The first channel of its connection, which is there as long as that.
    pub(super) first: ChannelId,
    /// It has been opened, and may have been closed again.
    pub(super) used_first: Cell<bool>,
    /// It has published while the memory was short: nothing of it is read.
    blocked: Cell<bool>,
    /// What has arrived and is not read.
    unread: RefCell<VecDeque<ToRabbit>>,
    ended: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Client {
    pub(super) fn new(env: &Env, link: Link<FromRabbit, ToRabbit>, first: ChannelId) -> Client {
        Client {
            env: env.clone(),
            link,
            pulse: Pulse::new(env),
            channels: RefCell::default(),
            first,
            used_first: Cell::new(false),
            blocked: Cell::new(false),
            unread: RefCell::default(),
            ended: Cell::new(false),
            waker: Cell::new(None),
        }
    }

    pub(super) fn send(&self, frame: FromRabbit) {
        self.pulse.sent(&self.env);
        self.link.send(frame);
    }

    pub(super) fn say(&self, said: Said) {
        self.send(FromRabbit::Said(said));
    }

    /// Its end is seen by whoever reads.
    pub(super) fn close(&self) {
        self.ended.set(true);
        self.link.close();
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    /// Whether it has published while the memory is short.
    pub(super) fn set_blocked(&self, blocked: bool) {
        if self.blocked.replace(blocked) && !blocked {
            self.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// The next frame; `None` when the connection is gone, and what was not read with it.
    pub(super) async fn next(&self) -> Option<ToRabbit> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<ToRabbit>> {
        self.waker.set(Some(cx.waker().clone()));
        while !self.ended.get() {
            match self.link.poll_recv(cx) {
                Poll::Ready(Some(frame)) => {
                    self.pulse.heard(&self.env);
                    self.unread.borrow_mut().push_back(frame);
                }
                Poll::Ready(None) => self.ended.set(true),
                Poll::Pending => break,
            }
        }
        let next = if self.blocked.get() { None } else { self.unread.borrow_mut().pop_front() };
        match next {
            Some(frame) => Poll::Ready(Some(frame)),
            None if self.ended.get() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Gives the connection up when the client is silent. Nothing is expected of one that is not read.
    pub(super) async fn beat(self: Rc<Self>, heartbeat: u16) {
        let (goes_on, listens) = (|| !self.ended.get(), || !self.blocked.get());
        self.pulse.beat(&self.env, heartbeat, goes_on, listens, || self.link.send(FromRabbit::Heartbeat)).await;
        self.close();
    }
}

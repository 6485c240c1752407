//! Signals of the operating system, handed to every part of the program that handles them.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

#[cfg(feature = "sim")]
pub(crate) mod interrupt;

use crate::env::Signal;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::signal::unix::{SignalKind, signal};

/// What has come and is not handled yet.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: RefCell<VecDeque<Signal>>,
    waker: Cell<Option<Waker>>,
}

/// Signals that nobody looks at are not kept beyond this number.
const UNHANDLED: usize = 16;

impl Inbox {
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        match self.waiting.borrow_mut().pop_front() {
            Some(signal) => Poll::Ready(signal),
            None => {
                self.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn put(&self, signal: Signal) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() < UNHANDLED {
            waiting.push_back(signal);
        }
        drop(waiting);
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

/// The signals of one program.
#[derive(Clone, Default)]
pub(super) struct Signals(Rc<Shared>);

#[derive(Default)]
struct Shared {
    inboxes: RefCell<Vec<Rc<Inbox>>>,
    listens: Cell<bool>,
}

impl Signals {
    pub(super) fn add(&self, inbox: &Rc<Inbox>) {
        self.0.inboxes.borrow_mut().push(inbox.clone());
    }

    pub(super) fn raise(&self, signal: Signal) {
        self.0.inboxes.borrow().iter().for_each(|inbox| inbox.put(signal));
    }

    /// From now on signals no longer end the program by themselves.
    pub(super) fn listen(&self) {
        if self.0.listens.replace(true) {
            return;
        }
        for (kind, means) in [
            (SignalKind::terminate(), Signal::Terminate),
            (SignalKind::interrupt(), Signal::Interrupt),
            (SignalKind::quit(), Signal::Quit),
        ] {
            let mut stream = match signal(kind) {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::error!(?means, %error, "signals of this kind are not handled");
                    continue;
                }
            };
            let signals = self.clone();
            tokio::task::spawn_local(async move {
                while stream.recv().await.is_some() {
                    signals.raise(means);
                }
            });
        }
    }
}

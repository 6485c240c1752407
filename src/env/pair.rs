//! Connections inside of a process: no network, no delay, nothing to fail.

use super::{Frame, Socket};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// One direction of a connection.
#[derive(Default)]
struct Lane {
    frames: RefCell<VecDeque<Box<dyn Frame>>>,
    closed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Lane {
    fn wake(&self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

struct End {
    incoming: Rc<Lane>,
    outgoing: Rc<Lane>,
}

/// Both ends of a new connection.
pub(crate) fn pair() -> (Box<dyn Socket>, Box<dyn Socket>) {
    let (there, back) = (Rc::<Lane>::default(), Rc::<Lane>::default());
    let ours = End { incoming: back.clone(), outgoing: there.clone() };
    (Box::new(ours), Box::new(End { incoming: there, outgoing: back }))
}

impl Socket for End {
    fn send(&self, frame: Box<dyn Frame>) {
        if !self.outgoing.closed.get() {
            self.outgoing.frames.borrow_mut().push_back(frame);
            self.outgoing.wake();
        }
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Box<dyn Frame>>> {
        match self.incoming.frames.borrow_mut().pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None if self.incoming.closed.get() => Poll::Ready(None),
            None => {
                self.incoming.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn close(&self) {
        for lane in [&self.incoming, &self.outgoing] {
            lane.closed.set(true);
            lane.wake();
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.close();
    }
}

//! Connections between processes: ordered, reliable until they break, carrying one message per event.
//!
//! A connection behaves as TCP does between two hosts. Order is kept per direction; a partition holds messages back and
//! delivers them after it heals, as retransmission would; a killed process's kernel closes its connections after what
//! was already sent; a reset loses what is in flight. Pipes between a process and its child cross no network.
//!
//! `table` keeps the connections, `dial` makes them, `flight` carries messages, `weather` is what faults do to links.

mod dial;
mod flight;
mod table;
mod weather;

pub(crate) use flight::Unsaid;
pub(crate) use table::Net;

use crate::process::{Process, ProcessId};
use crate::shared::Shared;
use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What a connection carries: one message, typed by the programs at its ends.
pub trait Payload: Any + fmt::Display {
    /// The effect's name, `basic.ack` for example. Static, so that counting effects costs nothing.
    fn label(&self) -> &'static str;
    /// Covers everything the peer could tell apart; part of the trace's hash.
    fn digest(&self) -> u64;
    /// A second copy, for duplication faults; `None` when this message can't be duplicated.
    fn duplicate(&self) -> Option<Box<dyn Payload>>;
}

/// The connection was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection refused")]
pub struct ConnectError;

/// One end of a connection. Dropping the last clone closes it. One task at a time can wait for its messages.
#[derive(Clone)]
pub struct Connection(Rc<Handle>);

struct Handle {
    world: Rc<Shared>,
    end: EndKey,
    number: u64,
}

/// One end of a connection, as its owner knows it. The generation tells a new connection in the slot from the old one.
#[derive(Clone, Copy)]
pub(crate) struct EndKey {
    slot: u32,
    generation: u32,
    side: u8,
    process: ProcessId,
}

impl Connection {
    /// Hands a message to the network. Nothing comes back to tell whether it arrives; nothing happens when the process
    /// has ended.
    #[inline]
    pub fn send(&self, payload: Box<dyn Payload>) {
        self.0.world.send(self.0.end, payload);
    }

    /// The next message, or `None` once the connection is gone and everything that arrived before has been read, or this
    /// end was closed.
    #[inline]
    pub fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Box<dyn Payload>>> {
        let key = self.0.end;
        let mut net = self.0.world.net.borrow_mut();
        let Some(conn) = net.get(key.slot, key.generation) else { return Poll::Ready(None) };
        let end = &mut conn.ends[key.side as usize];
        if let Some(payload) = end.inbox.pop_front() {
            return Poll::Ready(Some(payload));
        }
        if end.finished || end.closed {
            return Poll::Ready(None);
        }
        if !end.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            // Dropped last: a waker may own something that comes back to the network.
            let _old = end.waker.replace(cx.waker().clone());
            drop(net);
        }
        Poll::Pending
    }

    /// Waits for [`Connection::poll_recv`].
    pub async fn recv(&self) -> Option<Box<dyn Payload>> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Closes this end now: the peer reads what was sent and then the end.
    pub fn close(&self) {
        self.0.world.close(self.0.end);
    }

    /// The connection's number in the trace.
    pub fn number(&self) -> u64 {
        self.0.number
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.world.close(self.end);
    }
}

/// Accepts connections. Dropping it closes those that nobody accepted, and later ones are refused.
pub struct Listener {
    process: Process,
    number: u64,
}

impl Listener {
    /// The next connection.
    pub async fn accept(&self) -> Connection {
        std::future::poll_fn(|cx| {
            let world = &self.process.world;
            let host = world.processes.borrow().life(self.process.id).host;
            let mut net = world.net.borrow_mut();
            let Some(backlog) = net.backlog(host, self.number) else { return Poll::Pending };
            if let Some(connection) = backlog.waiting.pop_front() {
                return Poll::Ready(connection);
            }
            let _old: Option<Waker> = backlog.waker.replace(cx.waker().clone());
            drop(net);
            Poll::Pending
        })
        .await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.process.world.stop_listening(self.process.id, self.number);
    }
}

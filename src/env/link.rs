//! Connections between processes of simq: typed at both ends, opaque to the world that carries them.

use super::LocalFuture;
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::{Context, Poll};

/// One message on a [`Link`].
pub trait Frame: Any + Send + fmt::Display {
    /// Its name as an effect: `basic.ack`, `result.store`.
    fn label(&self) -> &'static str;
    /// Covers whatever the receiver could tell apart.
    fn digest(&self) -> u64;
    /// A second copy, for duplication faults; `None` where doubling makes no sense.
    fn duplicate(&self) -> Option<Box<dyn Frame>> {
        None
    }
}

/// Nobody serves there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't connect to {server}: {reason}")]
pub struct ConnectError {
    /// Whom it tried.
    pub server: String,
    /// What the world said.
    pub reason: String,
}

/// An ordered, reliable connection, as the world sees it. Dropping it closes it.
pub trait Socket {
    /// Hands a frame over. Nothing tells whether it arrives.
    fn send(&self, frame: Box<dyn Frame>);
    /// The next frame; `None` when the connection is gone.
    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Box<dyn Frame>>>;
    /// Closes it.
    fn close(&self);
}

/// Accepts connections.
pub trait Listener {
    /// The next one.
    fn accept(&self) -> LocalFuture<Box<dyn Socket>>;
}

/// A connection that sends `S` and receives `R`. Clones share it; the last one closes it.
pub struct Link<S, R> {
    socket: Rc<dyn Socket>,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R> Clone for Link<S, R> {
    fn clone(&self) -> Self {
        Link { socket: self.socket.clone(), types: PhantomData }
    }
}

impl<S: Frame, R: Frame> Link<S, R> {
    /// Types a socket.
    pub fn new(socket: Box<dyn Socket>) -> Self {
        Link { socket: socket.into(), types: PhantomData }
    }

    /// Hands a frame over.
    #[inline]
    pub fn send(&self, frame: S) {
        self.socket.send(Box::new(frame));
    }

    /// The next frame; `None` when the connection is gone, or when the peer speaks another protocol.
    #[inline]
    pub fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<R>> {
        self.socket.poll_recv(cx).map(|frame| {
            let frame: Box<dyn Any> = frame?;
            frame.downcast().ok().map(|frame| *frame)
        })
    }

    /// Waits for the next frame.
    pub async fn recv(&self) -> Option<R> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Closes it.
    pub fn close(&self) {
        self.socket.close();
    }
}

//! The client's end of a simulated connection to RabbitMQ.

use super::frame::{FromRabbit, ToRabbit};
use super::heartbeat::Pulse;
use crate::env::amqp::{AmqpConnection, AmqpError, AmqpUrl, ChannelNumber, Method, NameTooLong, Reply, Request, Said};
use crate::env::{ConnectError, Env, Link, LocalFuture, Socket};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;

type Waiting = oneshot::Sender<Result<Reply, AmqpError>>;

struct Shared {
    env: Env,
    link: Link<ToRabbit, FromRabbit>,
    pulse: Pulse,
    /// Who waits for an answer on a channel that is open, oldest first.
    channels: RefCell<BTreeMap<ChannelNumber, VecDeque<Waiting>>>,
    said: RefCell<VecDeque<Said>>,
    waker: Cell<Option<Waker>>,
    /// Who waits for the end.
    closing: RefCell<Option<oneshot::Sender<()>>>,
    gone: Cell<bool>,
}

struct Connection(Rc<Shared>);

/// Connects over a link, and introduces itself.
pub(in crate::scenario) async fn connect(
    env: &Env,
    url: &AmqpUrl,
    heartbeat: u16,
    socket: Box<dyn Socket>,
) -> Result<Box<dyn AmqpConnection>, ConnectError> {
    let link: Link<ToRabbit, FromRabbit> = Link::new(socket);
    link.send(ToRabbit::Open { heartbeat });
    let heartbeat = match link.recv().await {
        Some(FromRabbit::Opened { heartbeat }) => heartbeat,
        _ => return Err(ConnectError { server: url.to_string(), reason: "connection closed".to_owned() }),
    };
    let shared = Rc::new(Shared {
        env: env.clone(),
        link,
        pulse: Pulse::new(env),
        channels: RefCell::default(),
        said: RefCell::default(),
        waker: Cell::new(None),
        closing: RefCell::default(),
        gone: Cell::new(false),
    });
    env.spawn(read(shared.clone()));
    if heartbeat > 0 {
        env.spawn(beat(shared.clone(), heartbeat));
    }
    Ok(Box::new(Connection(shared)))
}

async fn read(shared: Rc<Shared>) {
    while let Some(frame) = shared.link.recv().await {
        shared.pulse.heard(&shared.env);
        match frame {
            FromRabbit::Reply(channel, reply) => shared.answered(channel, reply),
            FromRabbit::Said(said) => {
                if let Said::ChannelClosed { channel, code, text } = &said {
                    shared.refused(*channel, *code, text);
                }
                shared.said.borrow_mut().push_back(said);
                shared.waker.take().into_iter().for_each(Waker::wake);
            }
            FromRabbit::Closed => break,
            FromRabbit::Opened { .. } | FromRabbit::Heartbeat => {}
        }
    }
    shared.end();
}

async fn beat(shared: Rc<Shared>, heartbeat: u16) {
    let goes_on = || !shared.gone.get();
    shared.pulse.beat(&shared.env, heartbeat, goes_on, || true, || shared.link.send(ToRabbit::Heartbeat)).await;
    shared.end();
}

impl Shared {
    fn send(&self, frame: ToRabbit) {
        self.pulse.sent(&self.env);
        self.link.send(frame);
    }

    fn answered(&self, channel: ChannelNumber, reply: Reply) {
        let waiting = self.channels.borrow_mut().get_mut(&channel).and_then(VecDeque::pop_front);
        // Whoever asked may have lost patience.
        waiting.into_iter().for_each(|waiting| drop(waiting.send(Ok(reply.clone()))));
    }

    fn refused(&self, channel: ChannelNumber, code: u16, text: &str) {
        for waiting in self.channels.borrow_mut().remove(&channel).into_iter().flatten() {
            let _ = waiting.send(Err(AmqpError::Closed { code, text: text.to_owned() }));
        }
    }

    fn end(&self) {
        self.gone.set(true);
        self.link.close();
        self.channels.borrow_mut().clear();
        self.closing.take();
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

fn lost() -> AmqpError {
    AmqpError::Lost("connection closed".to_owned())
}

fn check(name: &str) -> Result<(), NameTooLong> {
    if name.len() > 255 { Err(NameTooLong(name.len())) } else { Ok(()) }
}

impl AmqpConnection for Connection {
    fn ask(&self, channel: ChannelNumber, request: Request) -> LocalFuture<Result<Reply, AmqpError>> {
        let (told, answer) = oneshot::channel();
        {
            let mut channels = self.0.channels.borrow_mut();
            if request == Request::OpenChannel && !self.0.gone.get() {
                channels.entry(channel).or_default();
            }
            // On a channel that is closed nothing is answered.
            if let Some(waiting) = channels.get_mut(&channel) {
                waiting.push_back(told);
                self.0.send(ToRabbit::Ask(channel, request));
            }
        }
        Box::pin(async move { answer.await.unwrap_or_else(|_| Err(lost())) })
    }

    fn write(&self, channel: ChannelNumber, method: Method) -> Result<(), NameTooLong> {
        if let Method::Publish { exchange, routing_key, message, .. } = &method {
            check(exchange)?;
            check(routing_key)?;
            message.headers.iter().try_for_each(|(name, _)| check(name))?;
        }
        if self.0.channels.borrow().contains_key(&channel) {
            self.0.send(ToRabbit::Write(channel, method));
        }
        Ok(())
    }

    fn poll_said(&self, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        match self.0.said.borrow_mut().pop_front() {
            Some(said) => Poll::Ready(Some(said)),
            None if self.0.gone.get() => Poll::Ready(None),
            None => {
                self.0.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn is_open(&self) -> bool {
        !self.0.gone.get()
    }

    fn close(&self) -> LocalFuture<()> {
        if self.0.gone.get() {
            return Box::pin(std::future::ready(()));
        }
        let (told, end) = oneshot::channel();
        self.0.closing.replace(Some(told));
        self.0.send(ToRabbit::Close);
        Box::pin(async move {
            // Told, or dropped with the connection.
            let _ = end.await;
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.end();
    }
}

//! Real connections to RabbitMQ: lapin's, which reads and writes on a thread of its own.

mod asking;
mod bell;
mod consumers;
mod content;
mod publishes;
mod table;
mod tls;

use crate::env::amqp::{AmqpConnection, AmqpError, AmqpUrl, ChannelNumber, Method, NameTooLong, Reply, Request, Said};
use crate::env::amqp::{DeliveryTag, Settlement};
use crate::env::{ConnectError, LocalFuture};
use bell::Bell;
use consumers::Consumers;
use futures_core::Stream;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicPublishOptions};
use lapin::{Channel, Connection, ConnectionProperties, Error, ErrorKind, Event};
use publishes::Publishes;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use table::short;
use tokio::sync::Notify;

pub(super) async fn connect(url: AmqpUrl, heartbeat: u16) -> Result<Box<dyn AmqpConnection>, ConnectError> {
    // What is lost is opened anew by the broker actor, which knows what to declare: lapin recovers nothing.
    let properties = ConnectionProperties::default().with_connection_name("simq".into());
    let uri = url.uri(heartbeat);
    let login = uri.query.auth_mechanism;
    let connected = match url.tls() {
        None => Connection::connect_uri(uri, properties).await.map_err(|error| reason(&error)),
        Some(tls) => tls::connect(uri, properties, tls).await,
    };
    match connected {
        Ok(connection) => Ok(Box::new(Connected(Rc::new(Shared::new(connection))))),
        Err(mut reason) => {
            let shows_certificate = url.tls().is_some_and(|tls| tls.certificate.is_some());
            if reason.contains("reset by peer") || reason.contains("Broken pipe") {
                reason.push_str(&hung_up(login.map(|login| login.name()), shows_certificate));
            }
            Err(ConnectError { server: url.to_string(), reason })
        }
    }
}

/// What a server may mean that hangs up: it knows no such login, or an alert about the certificate has come too late to be
/// read.
fn hung_up(login: Option<&str>, shows_certificate: bool) -> String {
    let login = login.map(|login| format!("; does the server take logins by {login}?"));
    let certificate = shows_certificate.then_some("; does the server trust the certificate in ssl_certfile?");
    login.unwrap_or_default() + certificate.unwrap_or_default()
}

/// RabbitMQ's own words, where it said any, and what a user can do.
fn reason(error: &Error) -> String {
    let said = match error.kind() {
        ErrorKind::ProtocolError(said) => return said.get_message().to_string(),
        _ => error.to_string(),
    };
    match super::tls::advice(&said) {
        Some(advice) => format!("{advice} ({said})"),
        None => said,
    }
}

struct Open {
    channel: Channel,
    publishes: Publishes,
}

struct Shared {
    connection: Connection,
    channels: RefCell<BTreeMap<ChannelNumber, Open>>,
    consumers: RefCell<Consumers>,
    events: RefCell<Pin<Box<dyn Stream<Item = Event>>>>,
    /// What is to be said before anything else.
    said: RefCell<VecDeque<Said>>,
    bell: std::sync::Arc<Bell>,
    /// Publishes have been written.
    progress: Notify,
    gone: Cell<bool>,
}

struct Connected(Rc<Shared>);

impl Shared {
    fn new(connection: Connection) -> Shared {
        let events = Box::pin(connection.events_listener());
        Shared {
            connection,
            channels: RefCell::default(),
            consumers: RefCell::default(),
            events: RefCell::new(events),
            said: RefCell::default(),
            bell: Bell::new(),
            progress: Notify::new(),
            gone: Cell::new(false),
        }
    }

    fn channel(&self, number: ChannelNumber) -> Option<Channel> {
        self.channels.borrow().get(&number).map(|open| open.channel.clone())
    }

    fn say(&self, said: Said) {
        self.said.borrow_mut().push_back(said);
        self.bell.ring();
    }

    fn end(&self) {
        self.gone.set(true);
        self.progress.notify_one();
        self.bell.ring();
    }

    /// Something failed on a channel: it is closed, or the connection is.
    fn failed(&self, channel: ChannelNumber, error: &Error) {
        match error.kind() {
            ErrorKind::ProtocolError(said) if error.is_amqp_soft_error() => {
                if self.channels.borrow_mut().remove(&channel).is_some() {
                    let (code, text) = (said.get_id(), said.get_message().to_string());
                    self.say(Said::ChannelClosed { channel, code, text });
                }
            }
            _ => self.lost(error),
        }
    }

    fn lost(&self, error: &Error) {
        if self.gone.get() {
            return;
        }
        match error.kind() {
            ErrorKind::ProtocolError(said) => {
                self.say(Said::Closed { code: said.get_id(), text: said.get_message().to_string() });
            }
            _ => tracing::warn!(%error, "connection to RabbitMQ lost"),
        }
        self.end();
    }

    fn hear(&self, event: Event) {
        match event {
            Event::ConnectionBlocked(why) => self.say(Said::Blocked(why)),
            Event::ConnectionUnblocked => self.say(Said::Unblocked),
            // It does not say of which channel.
            Event::Error(error) if error.is_amqp_soft_error() => {
                let closed =
                    |(number, open): (&ChannelNumber, &Open)| (!open.channel.status().connected()).then_some(*number);
                let closed: Vec<ChannelNumber> = self.channels.borrow().iter().filter_map(closed).collect();
                closed.into_iter().for_each(|number| self.failed(number, &error));
            }
            Event::Error(error) => self.lost(&error),
            _ => {}
        }
    }

    fn settle(&self, number: ChannelNumber, tag: DeliveryTag, multiple: bool, how: Settlement) {
        let Some(channel) = self.channel(number) else { return };
        match how {
            Settlement::Ack => self.begin(number, channel.basic_ack(tag, BasicAckOptions { multiple })),
            Settlement::Requeue => {
                self.begin(number, channel.basic_nack(tag, BasicNackOptions { multiple, requeue: true }));
            }
            Settlement::Discard => {
                self.begin(number, channel.basic_nack(tag, BasicNackOptions { multiple, requeue: false }));
            }
        }
    }

    /// Writes without waiting for it to be written.
    fn begin(&self, channel: ChannelNumber, writing: impl Future<Output = lapin::Result<()>>) {
        if let Poll::Ready(Err(error)) = pin!(writing).poll(&mut Context::from_waker(Waker::noop())) {
            self.failed(channel, &error);
        }
    }

    fn poll_publishes(&self) {
        let mut failed = Vec::new();
        for (number, open) in self.channels.borrow().iter() {
            match open.publishes.poll(*number, &mut self.said.borrow_mut()) {
                Ok(()) => {}
                Err(error) => failed.push((*number, error)),
            }
        }
        failed.into_iter().for_each(|(number, error)| self.failed(number, &error));
        self.progress.notify_one();
    }

    fn is_writing(&self) -> bool {
        self.connection.status().connected()
            && !self.gone.get()
            && self.channels.borrow().values().any(|open| open.publishes.is_writing())
    }
}

impl AmqpConnection for Connected {
    fn ask(&self, channel: ChannelNumber, request: Request) -> LocalFuture<Result<Reply, AmqpError>> {
        let shared = self.0.clone();
        Box::pin(async move { shared.answer(channel, request).await })
    }

    fn write(&self, number: ChannelNumber, method: Method) -> Result<(), NameTooLong> {
        match method {
            Method::Settle { tag, multiple, how } => self.0.settle(number, tag, multiple, how),
            Method::Publish { exchange, routing_key, mandatory, message } => {
                let (to, key, properties) = (short(&exchange)?, short(&routing_key)?, content::properties(&message)?);
                let channels = self.0.channels.borrow();
                let Some(open) = channels.get(&number) else { return Ok(()) };
                let channel = open.channel.clone();
                let options = BasicPublishOptions { mandatory, ..BasicPublishOptions::default() };
                let writing = async move { channel.basic_publish(to, key, options, &message.body, properties).await };
                open.publishes.begin(Box::pin(writing));
            }
        }
        Ok(())
    }

    fn poll_said(&self, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        let shared = &*self.0;
        shared.bell.listen(cx.waker());
        if let Some(said) = shared.said.borrow_mut().pop_front() {
            return Poll::Ready(Some(said));
        }
        if shared.gone.get() {
            return Poll::Ready(None);
        }
        let delivered = shared.consumers.borrow_mut().poll(cx);
        if let Poll::Ready(said) = delivered {
            match said {
                Ok(said) => return Poll::Ready(Some(said)),
                Err((channel, error)) => shared.failed(channel, &error),
            }
        }
        loop {
            let next = shared.events.borrow_mut().as_mut().poll_next(cx);
            match next {
                Poll::Ready(Some(event)) => shared.hear(event),
                Poll::Ready(None) => shared.end(),
                Poll::Pending => break,
            }
            if shared.gone.get() {
                break;
            }
        }
        if shared.bell.has_rung() {
            shared.poll_publishes();
        }
        match shared.said.borrow_mut().pop_front() {
            Some(said) => Poll::Ready(Some(said)),
            None if shared.gone.get() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn is_open(&self) -> bool {
        !self.0.gone.get() && self.0.connection.status().connected()
    }

    fn close(&self) -> LocalFuture<()> {
        let shared = self.0.clone();
        Box::pin(async move {
            // lapin writes publishes after everything else.
            while shared.is_writing() {
                shared.progress.notified().await;
            }
            // What it answers is of no interest: the connection is gone in any case.
            let _ = shared.connection.close(200, "OK".into()).await;
            shared.end();
        })
    }
}

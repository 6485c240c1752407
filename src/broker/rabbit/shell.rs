//! The connection: methods become lapin's calls, what RabbitMQ says becomes events.

use super::acks::Acks;
use super::content;
use super::methods::Failure;
use super::policy::Policy;
use super::publishes::Publishes;
use crate::broker::amqp::{Delivery, DeliveryTag, Event, Name};
use crate::broker::frame::{FromServer, ToServer};
use crate::env::amqp::AmqpUrl;
use crate::env::{ConnectError, Env, Link};
use crate::message::Message;
use futures_core::Stream;
use lapin::options::{BasicAckOptions, ConfirmSelectOptions};
use lapin::{Channel, Connection, Consumer, ErrorKind};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// AMQP's code for a field that is not as it should be.
const SYNTAX_ERROR: u16 = 502;

/// A delivery that is not settled.
pub(super) struct Held {
    pub(super) queue: Name,
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
    pub(super) message: Arc<Message>,
}

pub(super) struct Shell {
    pub(super) env: Env,
    pub(super) policy: Policy,
    pub(super) connection: Connection,
    pub(super) channel: Channel,
    /// Where queues are declared: a declaration that clashes costs a channel.
    pub(super) declaring: RefCell<Channel>,
    /// Where dead letters are published, which have no part in the numbers of the other publishes.
    pub(super) letters: Option<Channel>,
    pub(super) burial: Mutex<()>,
    pub(super) burying: Cell<usize>,
    /// The broker actor's.
    pub(super) link: Link<FromServer, ToServer>,
    pub(super) acks: RefCell<Acks>,
    pub(super) held: RefCell<BTreeMap<DeliveryTag, Held>>,
    pub(super) publishes: Publishes,
    pub(super) cancelled: RefCell<BTreeSet<Name>>,
    /// Why the server takes no publishes.
    pub(super) blocked: RefCell<Option<String>>,
    pub(super) idle: Notify,
    closed: Cell<bool>,
    /// Whoever watches the connection, which tells nothing of its own end.
    watcher: RefCell<Option<Waker>>,
}

/// Serves the link that is returned until one of the two is gone.
pub(super) async fn serve(
    env: &Env,
    url: &AmqpUrl,
    policy: Policy,
    connection: Connection,
    limit: Duration,
) -> Result<Link<ToServer, FromServer>, ConnectError> {
    let failed = |reason: String| ConnectError { server: url.to_string(), reason };
    let opened = env.timeout(limit, open(&connection, policy.dead_letters.is_some())).await;
    let opened = opened.map_err(|_| failed(format!("no answer within {limit:?}")))?;
    let (channel, declaring, letters) = opened.map_err(|error| failed(error.to_string()))?;
    let (ours, theirs) = crate::env::pair();
    let shell = Rc::new(Shell {
        env: env.clone(),
        policy,
        connection,
        channel,
        declaring: RefCell::new(declaring),
        letters,
        burial: Mutex::new(()),
        burying: Cell::new(0),
        link: Link::new(theirs),
        acks: RefCell::default(),
        held: RefCell::default(),
        publishes: Publishes::default(),
        cancelled: RefCell::default(),
        blocked: RefCell::default(),
        idle: Notify::new(),
        closed: Cell::new(false),
        watcher: RefCell::default(),
    });
    env.spawn(shell.clone().watch());
    env.spawn(shell.clone().report());
    env.spawn(shell.serve());
    Ok(Link::new(ours))
}

async fn open(connection: &Connection, letters: bool) -> lapin::Result<(Channel, Channel, Option<Channel>)> {
    let channel = connection.create_channel().await?;
    let declaring = connection.create_channel().await?;
    if !letters {
        return Ok((channel, declaring, None));
    }
    let letters = connection.create_channel().await?;
    letters.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((channel, declaring, Some(letters)))
}

impl Shell {
    async fn serve(self: Rc<Self>) {
        let mut orderly = false;
        while let Some(frame) = self.next().await {
            match frame {
                ToServer::Method(method) => match self.apply(method).await {
                    Ok(()) => {}
                    Err(Failure::Connection(error)) => self.failed(&error),
                    Err(error) => self.refuse(&error.to_string()),
                },
                // Twins are made by simulated networks.
                ToServer::Twin(_) => {}
                // Whether the server lives is lapin's to see, which gives the connection up.
                ToServer::Heartbeat if self.connection.status().connected() => self.link.send(FromServer::Heartbeat),
                ToServer::Heartbeat => {}
                ToServer::Close => {
                    orderly = true;
                    break;
                }
            }
        }
        self.flush();
        if orderly && !self.closed.get() {
            let _ = self.env.timeout(self.policy.patience, self.settled()).await;
        }
        // Whatever is unacked is the server's again.
        let _ = self.env.timeout(self.policy.patience, self.connection.close(200, "OK".into())).await;
        self.close();
    }

    /// The actor's next frame. Acks gather for as long as there is one.
    async fn next(&self) -> Option<ToServer> {
        poll_fn(|cx| {
            let next = self.link.poll_recv(cx);
            if next.is_pending() {
                self.flush();
            }
            next
        })
        .await
    }

    /// Sends the acks that have gathered.
    pub(super) fn flush(&self) {
        let acks = self.acks.borrow_mut().gather();
        for (tag, multiple) in acks {
            self.begin(self.channel.basic_ack(tag, BasicAckOptions { multiple }));
        }
    }

    /// Writes what has no answer, without waiting for it to be written.
    pub(super) fn begin(&self, writing: impl Future<Output = lapin::Result<()>>) {
        if let Poll::Ready(Err(error)) = pin!(writing).poll(&mut Context::from_waker(Waker::noop())) {
            self.failed(&error);
        }
    }

    async fn report(self: Rc<Self>) {
        while !self.closed.get() {
            match poll_fn(|cx| self.publishes.poll(cx)).await {
                Ok(events) => events.into_iter().for_each(|event| self.say(event)),
                Err(error) => self.failed(&error),
            }
            self.idle.notify_one();
        }
    }

    async fn settled(&self) {
        while !(self.closed.get() || self.publishes.is_idle() && self.burying.get() == 0) {
            self.idle.notified().await;
        }
    }

    /// What concerns the connection as a whole.
    async fn watch(self: Rc<Self>) {
        let mut events = pin!(self.connection.events_listener());
        let mut next = |cx: &mut Context<'_>| {
            self.watcher.replace(Some(cx.waker().clone()));
            if self.closed.get() { Poll::Ready(None) } else { events.as_mut().poll_next(cx) }
        };
        while let Some(event) = poll_fn(&mut next).await {
            match event {
                lapin::Event::ConnectionBlocked(why) => {
                    tracing::warn!(why, "the broker takes no messages");
                    self.blocked.replace(Some(why));
                }
                lapin::Event::ConnectionUnblocked => {
                    tracing::warn!("the broker takes messages again");
                    self.blocked.take();
                }
                // A declaration that clashed has cost its own channel only.
                lapin::Event::Error(error) if error.is_amqp_soft_error() && self.is_whole() => {}
                lapin::Event::Error(error) => self.failed(&error),
                _ => {}
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.channel.status().connected() && self.letters.as_ref().is_none_or(|letters| letters.status().connected())
    }

    /// Passes on what one consumer is sent.
    pub(super) async fn deliver(self: Rc<Self>, queue: Name, consumer: Name, no_ack: bool, mut stream: Consumer) {
        while let Some(delivery) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            match delivery {
                Ok(delivery) => self.delivered(&queue, &consumer, no_ack, delivery),
                Err(error) => return self.failed(&error),
            }
        }
        if !self.cancelled.borrow_mut().remove(&consumer) {
            self.say(Event::ConsumerCancelled { consumer });
        }
    }

    /// A message of `queue`, for `consumer`; that is empty where it was asked for.
    pub(super) fn delivered(
        self: &Rc<Self>,
        queue: &Name,
        consumer: &Name,
        no_ack: bool,
        delivery: lapin::message::Delivery,
    ) {
        let lapin::message::Delivery {
            delivery_tag: tag, exchange, routing_key, redelivered, properties, data, ..
        } = delivery;
        let (message, returned) = content::message(&properties, data);
        // A classic queue only says whether there was a delivery before.
        let delivery_count = returned.unwrap_or(u32::from(redelivered));
        let (exchange, routing_key) = (Name::from(exchange.as_str()), Name::from(routing_key.as_str()));
        let message = Arc::new(message);
        if no_ack {
            self.acks.borrow_mut().settled(tag);
        } else {
            let held = Held {
                queue: queue.clone(),
                exchange: exchange.clone(),
                routing_key: routing_key.clone(),
                message: message.clone(),
            };
            if self.policy.is_worn_out(queue, delivery_count)
                && let Some(to) = self.policy.dead_letters_of(queue)
            {
                return self.bury(tag, held, to, "delivery_limit");
            }
            self.held.borrow_mut().insert(tag, held);
        }
        let consumer = consumer.clone();
        self.say(Event::Delivered(Delivery {
            consumer,
            tag,
            redelivered,
            exchange,
            routing_key,
            delivery_count,
            message,
        }));
    }

    pub(super) fn say(&self, event: Event) {
        self.link.send(FromServer::Event(event));
    }

    /// The connection or its channel is gone. The first reason is the reason.
    pub(super) fn failed(&self, error: &lapin::Error) {
        if self.closed.get() {
            return;
        }
        match error.kind() {
            ErrorKind::ProtocolError(said) => {
                self.say(Event::Closed { code: said.get_id(), text: said.get_message().to_string() });
            }
            _ => tracing::warn!(%error, "connection to RabbitMQ lost"),
        }
        self.close();
    }

    /// What can't be said in AMQP: the connection ends as if the server had refused it.
    fn refuse(&self, why: &str) {
        self.say(Event::Closed { code: SYNTAX_ERROR, text: why.to_owned() });
        self.close();
    }

    fn close(&self) {
        if !self.closed.replace(true) {
            self.link.close();
            self.idle.notify_one();
            self.publishes.wake();
            self.watcher.take().into_iter().for_each(Waker::wake);
        }
    }
}

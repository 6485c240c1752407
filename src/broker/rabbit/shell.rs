//! The connection: methods become AMQP's on its channels, what RabbitMQ says becomes events.

use super::acks::Acks;
use super::deliveries::{Held, Line};
use super::letters::Letters;
use super::policy::Policy;
use super::publishes::Publishes;
use super::tallies::Tallies;
use crate::broker::amqp::{DeliveryTag, Event, Name};
use crate::broker::frame::{FromServer, ToServer};
use crate::env::amqp::{AmqpConnection, AmqpError, AmqpUrl, ChannelNumber, Method, Request, Said, Settlement};
use crate::env::{ConnectError, Env, Link};
use crate::planted::{Fault as Planted, planted};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// The channel of everything that has none of its own.
pub(super) const MAIN: ChannelNumber = 1;
/// Where queues are declared: a declaration that clashes costs a channel.
pub(super) const DECLARING: ChannelNumber = 2;
/// Where dead letters and marks of tallies are published, which have no part in the numbers of the other publishes.
pub(super) const LETTERS: ChannelNumber = 3;

/// Where tallies are declared, from the first of them on.
pub(super) const TALLIES: ChannelNumber = 4;

/// AMQP's code for a field that is not as it should be.
const SYNTAX_ERROR: u16 = 502;

/// Whom messages are passed on to.
pub(super) struct Consumer {
    pub(super) queue: Name,
    pub(super) no_ack: bool,
}

pub(super) struct Shell {
    pub(super) env: Env,
    pub(super) policy: Policy,
    pub(super) connection: Box<dyn AmqpConnection>,
    pub(super) letters: RefCell<Letters>,
    /// Dead letters under way.
    pub(super) burying: Cell<usize>,
    /// The broker actor's.
    pub(super) link: Link<FromServer, ToServer>,
    pub(super) acks: RefCell<Acks>,
    pub(super) line: RefCell<Line>,
    pub(super) tallies: RefCell<Tallies>,
    pub(super) held: RefCell<BTreeMap<DeliveryTag, Held>>,
    pub(super) consumers: RefCell<BTreeMap<Name, Consumer>>,
    pub(super) publishes: Publishes,
    /// Why the server takes no publishes.
    pub(super) blocked: RefCell<Option<String>>,
    pub(super) idle: Notify,
    closed: Cell<bool>,
}

/// Serves the link that is returned until one of the two is gone.
pub(super) async fn serve(
    env: &Env,
    url: &AmqpUrl,
    policy: Policy,
    connection: Box<dyn AmqpConnection>,
    limit: Duration,
) -> Result<Link<ToServer, FromServer>, ConnectError> {
    let failed = |reason: String| ConnectError { server: url.to_string(), reason };
    let opened = env.timeout(limit, open(&*connection, policy.dead_letters.is_some())).await;
    let opened = opened.map_err(|_| failed(format!("no answer within {limit:?}")))?;
    opened.map_err(|error| failed(error.to_string()))?;
    let (ours, theirs) = crate::env::pair();
    let shell = Rc::new(Shell {
        env: env.clone(),
        policy,
        connection,
        letters: RefCell::default(),
        burying: Cell::new(0),
        link: Link::new(theirs),
        acks: RefCell::default(),
        line: RefCell::default(),
        tallies: RefCell::default(),
        held: RefCell::default(),
        consumers: RefCell::default(),
        publishes: Publishes::default(),
        blocked: RefCell::default(),
        idle: Notify::new(),
        closed: Cell::new(false),
    });
    env.spawn(shell.clone().hear());
    env.spawn(shell.serve());
    Ok(Link::new(ours))
}

async fn open(connection: &dyn AmqpConnection, letters: bool) -> Result<(), AmqpError> {
    connection.ask(MAIN, Request::OpenChannel).await?;
    connection.ask(DECLARING, Request::OpenChannel).await?;
    if letters {
        connection.ask(LETTERS, Request::OpenChannel).await?;
        connection.ask(LETTERS, Request::SelectConfirms).await?;
    }
    Ok(())
}

impl Shell {
    async fn serve(self: Rc<Self>) {
        let mut orderly = false;
        while let Some(frame) = self.next().await {
            match frame {
                ToServer::Method(method) => match self.apply(method).await {
                    Ok(()) => {}
                    Err(error) => self.failed(error),
                },
                // Twins are made by simulated networks.
                ToServer::Twin(_) => {}
                // Whether the server lives is the connection's to see, which has heartbeats of its own.
                ToServer::Heartbeat if self.connection.is_open() => self.link.send(FromServer::Heartbeat),
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
        let _ = self.env.timeout(self.policy.patience, self.connection.close()).await;
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
            self.write_settlement(tag, multiple, Settlement::Ack);
        }
    }

    pub(super) fn write_settlement(&self, tag: DeliveryTag, multiple: bool, how: Settlement) {
        // It has no name that could be too long.
        let _ = self.connection.write(MAIN, Method::Settle { tag, multiple, how });
    }

    /// Waits until publishes and dead letters are confirmed.
    async fn settled(&self) {
        while !(self.closed.get() || self.publishes.is_idle() && self.burying.get() == 0) {
            self.idle.notified().await;
        }
    }

    /// Passes on what the server says unasked.
    async fn hear(self: Rc<Self>) {
        while let Some(said) = poll_fn(|cx| self.connection.poll_said(cx)).await {
            if self.closed.get() {
                return;
            }
            match said {
                Said::Delivered(_, delivery) => self.delivered(delivery),
                Said::Confirmed { channel: LETTERS, tag, multiple, taken } => {
                    self.letters.borrow_mut().confirmed(tag, multiple, taken);
                }
                Said::Confirmed { tag, multiple, taken, .. } => {
                    self.say_all(self.publishes.confirmed(tag, multiple, taken));
                    self.idle.notify_one();
                }
                Said::Returned { channel, exchange, routing_key, correlation_id: id } => match channel {
                    LETTERS => self.letters.borrow_mut().returned(&routing_key, id.as_deref()),
                    _ => self.publishes.returned(&exchange, &routing_key, id.as_deref()),
                },
                Said::Cancelled(_, consumer) => self.say(Event::ConsumerCancelled { consumer }),
                Said::Blocked(why) => {
                    tracing::warn!(why, "the broker takes no messages");
                    self.blocked.replace(Some(why));
                }
                Said::Unblocked if planted(Planted::BlockedForEver) => {}
                Said::Unblocked => {
                    tracing::warn!("the broker takes messages again");
                    self.blocked.take();
                }
                // Whoever declared has been told.
                Said::ChannelClosed { channel: DECLARING, .. } => {}
                Said::ChannelClosed { channel: TALLIES, .. } => self.tallies_closed(),
                Said::ChannelClosed { code, text, .. } | Said::Closed { code, text } => {
                    self.failed(AmqpError::Closed { code, text });
                }
            }
        }
        self.close();
    }

    pub(super) fn say(&self, event: Event) {
        self.link.send(FromServer::Event(event));
    }

    pub(super) fn say_all(&self, events: Vec<Event>) {
        events.into_iter().for_each(|event| self.say(event));
    }

    /// The connection or its channel is gone. The first reason is the reason. What can't be said in AMQP ends the
    /// connection as if the server had refused it.
    pub(super) fn failed(&self, error: AmqpError) {
        if self.closed.get() {
            return;
        }
        match error {
            AmqpError::Closed { code, text } => {
                self.policy.learn(code, &text);
                self.say(Event::Closed { code, text });
            }
            AmqpError::Name(error) => self.say(Event::Closed { code: SYNTAX_ERROR, text: error.to_string() }),
            AmqpError::Lost(why) => tracing::debug!(why, "connection to RabbitMQ lost"),
        }
        self.close();
    }

    fn close(&self) {
        if !self.closed.replace(true) {
            self.link.close();
            self.letters.take();
            self.idle.notify_one();
        }
    }
}

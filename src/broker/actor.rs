//! The broker actor: connects, reconnects, and passes on what the session hears.

mod opening;
mod requests;

pub(super) use opening::{Before, open};

use super::amqp::Event;
use super::entities::{Source, Target};
use super::frame::{FromServer, ToServer};
use super::session::Session;
use super::{Epoch, FromBroker, PublishError, Reply, backoff};
use crate::env::{Alarm, Endpoint, Env, Instant, Link};
use crate::message::Message;
use crate::settings::{Failover, Settings, duration};
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, WrapFuture};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

enum Connection {
    /// Not needed yet.
    Idle,
    Connecting,
    Down {
        until: Instant,
    },
    Up(Session),
    /// Closed by its owner, who is told when all is said.
    Closing(Session, Box<dyn FnOnce() + Send>),
    /// Closed for good.
    Closed,
}

struct Subscription {
    sources: Vec<Source>,
    prefetch: u32,
    to: actix::Recipient<FromBroker>,
    cancelled: bool,
}

struct Waiting {
    to: Target,
    message: Arc<Message>,
    reply: Reply<Result<(), PublishError>>,
}

/// A process's connection to the broker.
pub struct Broker {
    env: Env,
    settings: Arc<Settings>,
    server: Endpoint,
    connection: Connection,
    epoch: Epoch,
    /// Failed connects in a row.
    failures: u32,
    /// Which of several servers is tried: the next after each failed connect.
    turn: u64,
    /// Whether there has been a connection.
    connected: bool,
    subscription: Option<Subscription>,
    /// Publishes that wait for a connection.
    waiting: VecDeque<Waiting>,
    /// The first one is sent at once: from then on the broker misses a consumer that falls silent.
    next_heartbeat: Instant,
    /// When to see whether a broker that owes a confirm has fallen silent.
    next_look: Instant,
    alarm: Alarm,
    before: Before,
}

impl Broker {
    /// Starts the actor; it connects when it is first needed.
    pub fn start(env: &Env, settings: Arc<Settings>, server: Endpoint) -> Addr<Broker> {
        env.start(|_| Broker {
            env: env.clone(),
            settings,
            server,
            connection: Connection::Idle,
            epoch: Epoch::default(),
            failures: 0,
            turn: 0,
            connected: false,
            subscription: None,
            waiting: VecDeque::new(),
            next_heartbeat: Instant::NEVER,
            next_look: Instant::NEVER,
            alarm: Alarm::default(),
            before: Before::default(),
        })
    }

    fn connect(&mut self, ctx: &mut Context<Self>) {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.connection = Connection::Connecting;
        let (env, server, epoch) = (self.env.clone(), self.server.turn(self.turn), self.epoch);
        let (settings, before) = (self.settings.clone(), self.before.clone());
        let connecting = async move { open(&env, server, &settings, &before).await };
        ctx.spawn(connecting.into_actor(self).map(move |result, this, ctx| {
            if epoch == this.epoch && matches!(this.connection, Connection::Connecting) {
                match result {
                    Ok(link) => this.connected(link, ctx),
                    Err(error) => {
                        this.failures += 1;
                        this.next_turn();
                        this.lost(&error.to_string(), ctx);
                    }
                }
            }
        }));
    }

    fn connected(&mut self, link: Link<ToServer, FromServer>, ctx: &mut Context<Self>) {
        self.connected = true;
        link.read_into(self.epoch.0, ctx, Self::hear);
        if !self.server.is_served() {
            tracing::info!(broker = %self.server, "connected");
        }
        let now = self.env.now();
        // Redis answers every publish, and kombu waits for the answer.
        let confirms = self.settings.confirm_publish || matches!(self.server, Endpoint::Redis(_));
        let mut session = Session::new(link, self.epoch, confirms, now);
        self.resume(&mut session, now);
        for publish in std::mem::take(&mut self.waiting) {
            session.publish(publish.to, publish.message, publish.reply, &self.settings, &self.env);
        }
        self.connection = Connection::Up(session);
        self.expect_confirms(ctx);
        self.set_alarm(ctx);
    }

    /// A connection without a consumer has no heartbeats: that it is dead is seen when a confirm does not come.
    fn expect_confirms(&mut self, ctx: &mut Context<Self>) {
        if self.next_look != Instant::NEVER || self.subscription.is_some() {
            return;
        }
        if let Connection::Up(session) = &self.connection
            && let Some(since) = session.silent_since()
        {
            self.next_look = since + duration(self.settings.confirm_timeout);
            self.set_alarm(ctx);
        }
    }

    /// The broker may be slow, but it says nothing at all.
    fn look_for_confirms(&mut self, ctx: &mut Context<Self>) {
        self.next_look = Instant::NEVER;
        let Connection::Up(session) = &self.connection else { return };
        let limit = duration(self.settings.confirm_timeout);
        match session.silent_since() {
            Some(since) if self.env.now().since(since) >= limit => self.lost("the broker confirms nothing", ctx),
            _ => self.expect_confirms(ctx),
        }
    }

    fn next_turn(&mut self) {
        self.turn = match self.settings.broker_failover_strategy {
            Failover::Shuffle if self.server.turns() > 1 => self.env.random_up_to(u64::from(u32::MAX)),
            _ => self.turn + 1,
        };
    }

    /// Whether a connection that is lost, or was not to be had, is tried again.
    fn retries(&self) -> bool {
        let settings = &self.settings;
        match settings.broker_connection_retry_on_startup {
            Some(retry) if !self.connected => retry,
            _ => settings.broker_connection_retry,
        }
    }

    /// Half the agreed interval, as AMQP clients send it; `None` without heartbeats.
    fn heartbeat(&self) -> Option<Duration> {
        let interval = duration(self.settings.broker_heartbeat).min(super::server::HEARTBEAT);
        (!interval.is_zero()).then_some(interval / 2)
    }

    fn lost(&mut self, why: &str, ctx: &mut Context<Self>) {
        match std::mem::replace(&mut self.connection, Connection::Idle) {
            Connection::Up(session) => {
                if let Some(subscription) = &self.subscription {
                    subscription.to.do_send(FromBroker::Down(self.epoch));
                }
                session.close();
                session.lost();
            }
            Connection::Closing(session, done) => {
                session.lost();
                self.connection = Connection::Closed;
                return done();
            }
            Connection::Closed => {
                self.connection = Connection::Closed;
                return;
            }
            _ => {}
        }
        (self.next_heartbeat, self.next_look) = (Instant::NEVER, Instant::NEVER);
        self.fail_waiting(why);
        let wanted = self.subscription.as_ref().is_some_and(|subscription| !subscription.cancelled);
        if !wanted && self.waiting.is_empty() {
            self.failures = 0;
            return;
        }
        if !self.retries() || backoff::gives_up(self.failures, self.settings.broker_connection_max_retries) {
            tracing::error!(broker = %self.server, why, failures = self.failures, "no connection; giving up");
            self.give_up(why);
            return;
        }
        let wait = backoff::wait(self.failures);
        let what = if self.failures == 0 { "connection to the broker lost" } else { "no connection to the broker" };
        tracing::warn!(broker = %self.server, why, ?wait, "{what}; will try again");
        self.connection = Connection::Down { until: self.env.now() + wait };
        self.set_alarm(ctx);
    }

    /// Tells those who wait to publish. Where callers have no time limit they wait on, as Celery's do.
    fn fail_waiting(&mut self, why: &str) {
        if self.settings.task_publish_timeout.is_some() && self.failures > 0 {
            for publish in std::mem::take(&mut self.waiting) {
                (publish.reply)(Err(PublishError::Unreachable(why.to_owned())));
            }
        }
    }

    fn give_up(&mut self, why: &str) {
        for publish in std::mem::take(&mut self.waiting) {
            (publish.reply)(Err(PublishError::Unreachable(why.to_owned())));
        }
        if let Some(subscription) = &self.subscription {
            subscription.to.do_send(FromBroker::GaveUp);
        }
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let next = match &self.connection {
            Connection::Down { until } => Some(*until),
            Connection::Up(_) => Some(self.next_heartbeat.min(self.next_look)),
            _ => None,
        };
        let next = next.filter(|next| *next != Instant::NEVER);
        self.alarm.set(next, &self.env, ctx, |this: &mut Self, ctx| this.ring(ctx));
    }

    fn ring(&mut self, ctx: &mut Context<Self>) {
        self.alarm.rang();
        let now = self.env.now();
        if self.next_look <= now {
            self.look_for_confirms(ctx);
        }
        match &self.connection {
            Connection::Down { until } if *until <= now => self.connect(ctx),
            Connection::Up(session) if self.next_heartbeat <= now => {
                let Some(interval) = self.heartbeat() else { return };
                // Two whole intervals of silence are four halves.
                if now.since(session.heard) >= interval * 4 {
                    self.lost("the broker missed two heartbeats", ctx);
                    return;
                }
                session.heartbeat();
                self.next_heartbeat = now + interval;
            }
            _ => {}
        }
        self.set_alarm(ctx);
    }

    fn hear(&mut self, epoch: u64, frame: Option<FromServer>, ctx: &mut Context<Self>) {
        let (Connection::Up(session) | Connection::Closing(session, _)) = &mut self.connection else { return };
        if epoch != self.epoch.0 {
            return;
        }
        session.heard = self.env.now();
        match frame {
            Some(FromServer::Event(event)) => self.hear_event(event, ctx),
            Some(FromServer::Heartbeat) => {}
            None => self.lost("connection closed", ctx),
        }
    }

    fn hear_event(&mut self, event: Event, ctx: &mut Context<Self>) {
        let (Connection::Up(session) | Connection::Closing(session, _)) = &mut self.connection else { return };
        let closed = matches!(event, Event::Closed { .. });
        // A connection counts as good once the broker does something on it other than closing it.
        self.failures = if closed { self.failures + 1 } else { 0 };
        match session.hear(event) {
            Some(Event::Delivered(delivery)) => {
                if let Some(subscription) = &self.subscription {
                    subscription.to.do_send(FromBroker::Delivered(self.epoch, delivery));
                }
            }
            Some(Event::Closed { code, text }) => {
                if !self.settings.broker_channel_error_retry
                    && !super::amqp::closes_connection(code)
                    && let Some(subscription) = &self.subscription
                {
                    subscription.to.do_send(FromBroker::ChannelError);
                }
                self.lost(&format!("closed by the broker: {code} {text}"), ctx);
            }
            Some(Event::ConsumerCancelled { consumer }) => {
                self.lost(&format!("queue {consumer} was deleted while consuming from it"), ctx);
            }
            _ => {}
        }
    }
}

impl Actor for Broker {
    type Context = Context<Self>;
}

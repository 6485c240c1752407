//! What other actors ask of the broker actor.

use super::super::{CancelConsumers, Close, Consume, Publish, PublishError, SetPrefetch, Settle};
use super::{Broker, Connection, Subscription, Waiting};
use crate::broker::session::Session;
use crate::env::Instant;
use crate::planted::{Fault as Planted, planted};
use actix::{Context, Handler};

impl Handler<Publish> for Broker {
    type Result = ();

    fn handle(&mut self, publish: Publish, ctx: &mut Context<Self>) {
        let Publish { to, message, reply } = publish;
        match &mut self.connection {
            Connection::Up(session) => {
                session.publish(to, message, reply, &self.settings, &self.env);
                self.expect_confirms(ctx);
            }
            Connection::Closed | Connection::Closing(..) => reply(Err(PublishError::Closing)),
            Connection::Idle => {
                self.waiting.push_back(Waiting { to, message, reply });
                self.connect(ctx);
            }
            Connection::Connecting | Connection::Down { .. } => {
                self.waiting.push_back(Waiting { to, message, reply });
            }
        }
    }
}

impl Broker {
    /// The broker misses heartbeats of a client that has sent one. So the first goes out before there is a consumer: a
    /// client that dies between the two would keep its messages for ever. Returns when the next is due.
    pub(super) fn begin_heartbeats(&self, session: &Session, now: Instant) -> Instant {
        let Some(interval) = self.heartbeat() else { return Instant::NEVER };
        session.heartbeat();
        now + interval
    }

    /// Consumes on a new connection what was consumed on the last one.
    pub(super) fn resume(&mut self, session: &mut Session, now: Instant) {
        let again = self.epoch.0 > 1;
        let is_deaf = again && planted(Planted::ConsumersNotRestored);
        let wanted = self.subscription.as_ref().filter(|subscription| !subscription.cancelled && !is_deaf);
        let Some(subscription) = wanted else { return };
        self.next_heartbeat = self.begin_heartbeats(session, now);
        if again && planted(Planted::HeartbeatsNotRestored) {
            self.next_heartbeat = Instant::NEVER;
        }
        let forgets = again && planted(Planted::PrefetchNotRestored);
        session.consume(&subscription.sources, if forgets { 0 } else { subscription.prefetch }, &self.settings);
    }
}

impl Handler<Consume> for Broker {
    type Result = ();

    fn handle(&mut self, consume: Consume, ctx: &mut Context<Self>) {
        let Consume { sources, prefetch, to } = consume;
        if let Connection::Up(session) = &self.connection {
            self.next_heartbeat = self.begin_heartbeats(session, self.env.now());
            self.set_alarm(ctx);
        }
        match &mut self.connection {
            Connection::Up(session) => session.consume(&sources, prefetch, &self.settings),
            Connection::Idle => self.connect(ctx),
            _ => {}
        }
        self.subscription = Some(Subscription { sources, prefetch, to, cancelled: false });
    }
}

impl Handler<Settle> for Broker {
    type Result = ();

    fn handle(&mut self, settle: Settle, _: &mut Context<Self>) {
        match &self.connection {
            Connection::Up(session) | Connection::Closing(session, _)
                if session.epoch == settle.epoch || planted(Planted::StaleTagAcked) =>
            {
                session.settle(&settle);
            }
            _ => tracing::debug!(tag = settle.tag, "not settled: its connection is gone"),
        }
    }
}

impl Handler<SetPrefetch> for Broker {
    type Result = ();

    fn handle(&mut self, SetPrefetch(prefetch): SetPrefetch, _: &mut Context<Self>) {
        let Some(subscription) = self.subscription.as_mut() else { return };
        if std::mem::replace(&mut subscription.prefetch, prefetch) != prefetch
            && let Connection::Up(session) = &self.connection
        {
            session.set_prefetch(prefetch);
        }
    }
}

impl Handler<CancelConsumers> for Broker {
    type Result = ();

    fn handle(&mut self, _: CancelConsumers, _: &mut Context<Self>) {
        let Some(subscription) = self.subscription.as_mut() else { return };
        if !std::mem::replace(&mut subscription.cancelled, true)
            && let Connection::Up(session) = &self.connection
        {
            session.cancel(&subscription.sources);
        }
    }
}

impl Handler<Close> for Broker {
    type Result = ();

    fn handle(&mut self, close: Close, ctx: &mut Context<Self>) {
        for publish in std::mem::take(&mut self.waiting) {
            (publish.reply)(Err(PublishError::Closing));
        }
        match std::mem::replace(&mut self.connection, Connection::Closed) {
            Connection::Up(session) if self.server.is_served() => {
                session.close();
                session.lost();
                (close.done)();
            }
            Connection::Up(session) => {
                session.finish();
                self.connection = Connection::Closing(session, close.done);
            }
            _ => (close.done)(),
        }
        self.set_alarm(ctx);
    }
}

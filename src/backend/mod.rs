//! The backend actor: states and results, and waiting for them.
//!
//! One actor per process. It speaks to a result store over a link (`frame`); the embedded store is `store`, a pure
//! state machine, served by [`server`]; with `rpc://` results are messages of the broker (`rpc`). What is not yet stored is kept and sent again after a lost connection; storing
//! twice is harmless.

mod draft;
mod form;
mod frame;
mod kept;
pub(crate) mod lease;
mod meta;
mod redis;
mod requests;
pub(crate) mod rpc;
pub mod server;
mod store;
mod waiting;

pub(crate) use draft::Draft;
pub use meta::{Extended, Meta};
#[cfg(feature = "sim")]
pub(crate) use redis::{scripts as redis_scripts, state_of};
pub(crate) use requests::{Follow, Forget, Put, StoreRevoked, Wait};
pub use store::Store;

use crate::env::{Alarm, ConnectError, Endpoint, Env, Instant, Link};
use crate::planted::{Fault as Planted, planted};
use crate::settings::{Settings, duration};
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, WrapFuture};
use frame::{Request, Response};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use waiting::Waiting;

/// A result was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the result was not stored: {0}")]
pub struct NotStored(String);

pub(crate) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// While something is owed, the store is asked this often whether it is there; a link that is silent for three times as
/// long is given up.
const PING: Duration = Duration::from_secs(5);
struct Unstored {
    request: Request,
    reply: Reply<Result<(), NotStored>>,
}

enum Connection {
    Idle,
    Connecting,
    Down { until: Instant },
    Up(Link<Request, Response>),
}

/// A process's way to the result store.
pub struct Backend {
    env: Env,
    settings: Arc<Settings>,
    server: Endpoint,
    /// How to reach [`Endpoint::Rpc`].
    rpc: Option<rpc::Way>,
    connection: Connection,
    /// Which connection the actor lives with; what earlier ones still say is stale.
    epoch: u64,
    failures: u32,
    /// Sent or to be sent, in order; answered in the same order.
    unstored: VecDeque<Unstored>,
    waiting: Waiting,
    /// When the store was last heard, and when it is asked next.
    heard: Instant,
    next_ping: Instant,
    alarm: Alarm,
}

impl Backend {
    /// Starts the actor; it connects when it is first needed.
    pub fn start(env: &Env, settings: Arc<Settings>, server: Endpoint) -> Addr<Backend> {
        Backend::start_as(env, settings, server, None)
    }

    /// With `rpc://`: results come and go over the broker.
    pub(crate) fn start_rpc(env: &Env, settings: Arc<Settings>, rpc: rpc::Way) -> Addr<Backend> {
        Backend::start_as(env, settings, Endpoint::Rpc, Some(rpc))
    }

    fn start_as(env: &Env, settings: Arc<Settings>, server: Endpoint, rpc: Option<rpc::Way>) -> Addr<Backend> {
        env.start(|_| Backend {
            env: env.clone(),
            settings,
            server,
            rpc,
            connection: Connection::Idle,
            epoch: 0,
            failures: 0,
            unstored: VecDeque::new(),
            waiting: Waiting::default(),
            heard: Instant::default(),
            next_ping: Instant::default(),
            alarm: Alarm::default(),
        })
    }

    fn connect(&mut self, ctx: &mut Context<Self>) {
        self.epoch += 1;
        self.connection = Connection::Connecting;
        let (env, server, epoch) = (self.env.clone(), self.server.clone(), self.epoch);
        let (settings, rpc) = (self.settings.clone(), self.rpc.clone());
        let connecting = async move {
            match rpc {
                Some(way) => Ok(rpc::serve(&env, &settings, way)),
                None => open(&env, server, &settings).await,
            }
        };
        ctx.spawn(connecting.into_actor(self).map(move |result, this, ctx| {
            if epoch == this.epoch {
                match result {
                    Ok(link) => this.connected(link, ctx),
                    Err(error) => {
                        this.failures = this.failures.saturating_add(1);
                        this.lost(&error.to_string(), ctx);
                    }
                }
            }
        }));
    }

    /// Sends a request now, or has it sent by the connect that it causes.
    fn send(&mut self, request: Request, ctx: &mut Context<Self>) {
        match &self.connection {
            Connection::Up(link) => link.send(request),
            Connection::Idle => self.connect(ctx),
            Connection::Connecting | Connection::Down { .. } => {}
        }
        // After a quiet time the store has to be heard anew, from now on.
        let now = self.env.now();
        if self.next_ping <= now {
            (self.heard, self.next_ping) = (now, now + PING);
        }
        // While nothing was owed there was no alarm, however recently the store was heard.
        self.set_alarm(ctx);
    }

    fn is_owed(&self) -> bool {
        !self.unstored.is_empty() || !self.waiting.is_empty()
    }

    /// Asks a store that owes something whether it is there, or gives its link up.
    fn ping(&mut self, ctx: &mut Context<Self>) {
        let now = self.env.now();
        let Connection::Up(link) = &self.connection else { return };
        if self.next_ping > now || !self.is_owed() {
            return;
        }
        if now.since(self.heard) >= PING * 3 && !planted(Planted::SilentStoreUnnoticed) {
            self.lost("the store is silent", ctx);
            return;
        }
        link.send(Request::Ping);
        self.next_ping = now + PING;
    }

    fn connected(&mut self, link: Link<Request, Response>, ctx: &mut Context<Self>) {
        self.failures = 0;
        link.read_into(self.epoch, ctx, Self::hear);
        let forgets = |fault| planted(fault) && self.epoch > 1;
        if !forgets(Planted::UnstoredForgotten) {
            self.unstored.iter().for_each(|unstored| link.send(unstored.request.clone()));
        }
        if !forgets(Planted::WaitersForgotten) {
            self.waiting.watches().for_each(|watch| link.send(watch));
        }
        self.connection = Connection::Up(link);
        (self.heard, self.next_ping) = (self.env.now(), self.env.now() + PING);
        self.set_alarm(ctx);
    }

    fn hear(&mut self, epoch: u64, response: Option<Response>, ctx: &mut Context<Self>) {
        if epoch != self.epoch {
            return;
        }
        self.heard = self.env.now();
        match response {
            // Leases have a link of their own.
            Some(Response::Alive | Response::Lease(_)) => {}
            None => self.lost("connection closed", ctx),
            Some(Response::Stored) => {
                if let Some(unstored) = self.unstored.pop_front() {
                    (unstored.reply)(Ok(()));
                }
            }
            Some(Response::NotStored(why)) => {
                if let Some(unstored) = self.unstored.pop_front() {
                    (unstored.reply)(Err(NotStored(why.to_string())));
                }
            }
            Some(Response::Current { id, meta }) => {
                let unwatch = self.waiting.hear(&id, meta.map(|(state, text)| Meta::new(state, text)), &self.env);
                self.unwatch(unwatch);
                self.set_alarm(ctx);
            }
        }
    }

    fn lost(&mut self, why: &str, ctx: &mut Context<Self>) {
        if self.failures > self.tries() {
            for unstored in std::mem::take(&mut self.unstored) {
                (unstored.reply)(Err(NotStored(why.to_owned())));
            }
        }
        // Whatever the old link still says is stale.
        self.epoch += 1;
        if let Connection::Up(link) = &self.connection {
            link.close();
        }
        if !self.is_owed() {
            self.connection = Connection::Idle;
            return;
        }
        let wait = self.wait();
        tracing::warn!(server = %self.server, why, ?wait, "result store lost; will connect again");
        self.connection = Connection::Down { until: self.env.now() + wait };
        self.set_alarm(ctx);
    }

    /// Failed connects after which what waits to be stored is given up.
    fn tries(&self) -> u32 {
        if self.settings.result_backend_always_retry {
            self.settings.result_backend_max_retries.unwrap_or(u32::MAX)
        } else {
            0
        }
    }

    /// Twice as long after each failed connect.
    fn wait(&self) -> Duration {
        let [first, longest] = [
            self.settings.result_backend_base_sleep_between_retries_ms,
            self.settings.result_backend_max_sleep_between_retries_ms,
        ];
        let milliseconds = |number| Duration::from_millis(u64::from(number));
        milliseconds(first).saturating_mul(1 << self.failures.min(16)).min(milliseconds(longest))
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let waiter = self.waiting.next_deadline();
        let reconnect = match self.connection {
            Connection::Down { until } => Some(until),
            _ => None,
        };
        let ping = matches!(self.connection, Connection::Up(_)) && self.is_owed();
        let next = waiter.into_iter().chain(reconnect).chain(ping.then_some(self.next_ping)).min();
        self.alarm.set(next, &self.env, ctx, |this: &mut Self, ctx| this.ring(ctx));
    }

    fn ring(&mut self, ctx: &mut Context<Self>) {
        self.alarm.rang();
        let now = self.env.now();
        if matches!(self.connection, Connection::Down { until } if until <= now) {
            self.connect(ctx);
        }
        self.ping(ctx);
        for unwatch in self.waiting.give_up(now, &self.env) {
            self.unwatch(Some(unwatch));
        }
        self.set_alarm(ctx);
    }

    fn unwatch(&self, request: Option<Request>) {
        if let (Some(request), Connection::Up(link)) = (request, &self.connection) {
            link.send(request);
        }
    }

    fn write(&mut self, request: Request, reply: Reply<Result<(), NotStored>>, ctx: &mut Context<Self>) {
        self.unstored.push_back(Unstored { request: request.clone(), reply });
        self.send(request, ctx);
    }
}

/// Of a server that keeps nothing that others could ask for.
pub(crate) fn keeps_none(server: &Endpoint) -> ConnectError {
    let reason = match server {
        Endpoint::Rpc => "only the process that made a call hears of its result",
        _ => "RabbitMQ keeps no results",
    };
    ConnectError { server: server.to_string(), reason: reason.to_owned() }
}

/// Opens a connection of whichever kind.
async fn open(env: &Env, server: Endpoint, settings: &Settings) -> Result<Link<Request, Response>, ConnectError> {
    let limit = duration(settings.broker_connection_timeout);
    match &server {
        Endpoint::Served(name) => env.connect(name.clone(), limit).await,
        Endpoint::Redis(url) => {
            let limit = settings.result_socket_connect_timeout.map_or(limit, |own| duration(own).min(limit));
            redis::connect(env, url, settings, limit).await
        }
        Endpoint::Amqp(_) | Endpoint::Rpc => Err(keeps_none(&server)),
    }
}

impl Actor for Backend {
    type Context = Context<Self>;
}

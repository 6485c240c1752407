//! The connection under a virtual channel: it writes what the channel orders and passes on what it says.
//!
//! One connection carries everything. With `kombu` a second one carries the blocking pops.

mod consuming;
mod keeping;

use super::channel::{Channel, Purpose};
use super::policy::Policy;
use super::scripts::Scripts;
use crate::broker::amqp::Method;
use crate::broker::frame::{FromServer, ToServer};
use crate::env::redis::{RedisConnection, RedisLost, RedisUrl};
use crate::env::{ConnectError, Env, Instant, Link};
use crate::planted::{Fault as Planted, planted};
use crate::redis::{Batch, Writer};
use crate::settings::Settings;
use redis::{Cmd, Msg, PushInfo, PushKind, Value, cmd};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// The connection before the present one, of one broker actor: what it held has to be given back.
#[derive(Clone, Default)]
pub(in crate::broker) struct Before(Rc<RefCell<Option<Rc<Shell>>>>);

struct Shell {
    env: Env,
    url: RedisUrl,
    policy: Rc<Policy>,
    connection: Rc<dyn RedisConnection>,
    /// The broker actor's.
    link: Link<FromServer, ToServer>,
    channel: RefCell<Channel>,
    writer: Writer<Purpose>,
    /// The worker may have room for more.
    room: Notify,
    /// A queue may have more.
    news: Notify,
    /// The lists that are looked at, for invalidations.
    lists: RefCell<Vec<String>>,
    /// When a look at the queues was last answered.
    looked: Cell<Instant>,
    idle: Notify,
    closed: Cell<bool>,
}

/// Connects, and serves the link that is returned until one of the two is gone.
pub(in crate::broker) async fn connect(
    env: &Env,
    url: &RedisUrl,
    settings: &Settings,
    limit: Duration,
    before: &Before,
) -> Result<Link<ToServer, FromServer>, ConnectError> {
    let policy = Rc::new(Policy::new(settings, url.database()));
    let scripts = Rc::new(Scripts::new());
    let connection: Rc<dyn RedisConnection> = env.connect_redis(url, limit).await?.into();
    let greeted = env.timeout(limit, greet(&connection, &policy, &scripts)).await;
    let failed = |reason: String| ConnectError { server: url.to_string(), reason };
    greeted.map_err(|_| failed(format!("no answer within {limit:?}")))?.map_err(failed)?;
    let (ours, theirs) = crate::env::pair();
    let clock = env.clone();
    let draw = env.clone();
    let channel =
        Channel::new(policy.clone(), scripts, move || clock.wall().as_micros() / 1_000_000, move || draw.uuid());
    let shell = Rc::new(Shell {
        env: env.clone(),
        url: url.clone(),
        policy,
        connection,
        link: Link::new(theirs),
        channel: RefCell::new(channel),
        writer: Writer::new(),
        room: Notify::new(),
        news: Notify::new(),
        lists: RefCell::default(),
        looked: Cell::new(env.now()),
        idle: Notify::new(),
        closed: Cell::new(false),
    });
    let before = before.0.replace(Some(shell.clone()));
    let is_kept = before.is_none() || !planted(Planted::RefreshStopsAfterReconnect);
    if let Some(before) = before {
        before.close();
        shell.channel.borrow_mut().inherit(&mut before.channel.borrow_mut());
        shell.flush();
    }
    env.spawn(shell.clone().write());
    env.spawn(shell.clone().hear_pushes());
    env.spawn(shell.clone().consume());
    if is_kept {
        env.spawn(shell.clone().keep());
    }
    env.spawn(shell.serve());
    Ok(Link::new(ours))
}

/// The first commands of a connection. Text that is no answer to them says why there is no use in going on.
async fn greet(connection: &Rc<dyn RedisConnection>, policy: &Policy, scripts: &Scripts) -> Result<(), String> {
    let mut commands = Vec::new();
    if let Some(name) = &policy.client_name {
        commands.push(words(&["CLIENT", "SETNAME", name]));
    }
    let tracking = commands.len() + 1;
    commands.extend([words(&["ROLE"]), words(&["CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP"])]);
    commands.extend(scripts.all().map(crate::redis::Script::load));
    let replies = connection.send(commands).await.map_err(|RedisLost(why)| why)?;
    for (place, reply) in replies.into_iter().enumerate() {
        match reply {
            // Without it an empty queue is looked at again and again, instead.
            Value::ServerError(error) if place == tracking => {
                tracing::warn!(?error, "the server can't tell of new messages: queues are polled");
            }
            Value::ServerError(error) => {
                return Err(crate::redis::said(&error));
            }
            Value::Array(role) if role.first().is_some_and(is_replica) => {
                return Err("the server is a replica, and takes no writes; connect to its master".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_replica(role: &Value) -> bool {
    matches!(role, Value::BulkString(role) if role == b"slave")
}

fn words(words: &[&str]) -> Cmd {
    let mut command = cmd(words[0]);
    command.arg(&words[1..]);
    command
}

impl Shell {
    /// Carries out what the broker actor asks for.
    async fn serve(self: Rc<Self>) {
        let mut orderly = false;
        while let Some(frame) = self.link.recv().await {
            match frame {
                ToServer::Method(method) => {
                    let is_reject = matches!(method, Method::Nack { .. });
                    self.channel.borrow_mut().apply(method);
                    self.flush();
                    self.subscribe().await;
                    if !(planted(Planted::RoomUnnoticed) && is_reject) {
                        self.room.notify_one();
                    }
                }
                // Twins are made by networks; this link has none under it.
                ToServer::Twin(_) => {}
                // Answered for as long as the queues are: a worker that is connected and deaf does not live.
                ToServer::Heartbeat if self.is_deaf() => tracing::warn!("the queues give no answer"),
                ToServer::Heartbeat => self.link.send(FromServer::Heartbeat),
                ToServer::Close => {
                    orderly = true;
                    break;
                }
            }
        }
        if !self.closed.get() && orderly {
            // First the last look at the queues: it would take again what is given back.
            self.channel.borrow_mut().consumers.clear();
            let _ = self.env.timeout(self.policy.patience, self.answered_last()).await;
            if !planted(Planted::UnackedNotGivenBack) {
                self.channel.borrow_mut().give_all_back();
            }
            self.flush();
            let _ = self.env.timeout(self.policy.patience, self.written()).await;
        }
        self.close();
    }

    async fn answered_last(&self) {
        while !self.channel.borrow().asked.is_empty() && !self.closed.get() {
            self.idle.notified().await;
        }
    }

    /// Waits until everything is written and answered.
    async fn written(&self) {
        let is_idle = || self.writer.is_idle() && self.channel.borrow().is_settled();
        while !(self.closed.get() || is_idle()) {
            self.idle.notified().await;
        }
    }

    fn is_deaf(&self) -> bool {
        let allowed = (self.policy.poll + self.policy.patience) * 2;
        self.channel.borrow().room() > 0 && self.env.now().since(self.looked.get()) > allowed
    }

    fn close(&self) {
        if !self.closed.replace(true) {
            self.connection.close();
            self.link.close();
            self.room.notify_one();
            self.news.notify_one();
            self.idle.notify_waiters();
        }
    }

    /// Passes on what the channel has to say, and has written what it orders.
    fn flush(&self) {
        let mut channel = self.channel.borrow_mut();
        self.writer.append(&mut channel.batch);
        if !channel.acked.is_empty() {
            self.writer.wake();
        }
        let said = std::mem::take(&mut channel.said);
        drop(channel);
        said.into_iter().for_each(|event| self.link.send(FromServer::Event(event)));
    }

    async fn subscribe(&self) {
        let patterns = std::mem::take(&mut self.channel.borrow_mut().subscribe);
        for pattern in patterns {
            let mut command = cmd("PSUBSCRIBE");
            command.arg(pattern);
            if let Err(lost) = self.connection.subscribe(command).await {
                self.lost(&lost);
            }
        }
    }

    fn lost(&self, RedisLost(why): &RedisLost) {
        if !self.closed.get() {
            tracing::debug!(server = %self.url, why, "connection lost");
            self.close();
        }
    }

    async fn write(self: Rc<Self>) {
        let heard = self.clone();
        let hear = |purpose, reply| {
            heard.channel.borrow_mut().hear(purpose, reply);
            heard.flush();
            if heard.writer.is_idle() {
                heard.idle.notify_waiters();
            }
        };
        let prepare = |batch: &mut Batch<Purpose>| self.channel.borrow_mut().gather_acks(batch);
        let lost = self.writer.run(&self.connection, self.policy.patience, &self.env, prepare, hear).await;
        self.lost(&lost);
    }

    async fn hear_pushes(self: Rc<Self>) {
        while let Some(push) = std::future::poll_fn(|cx| self.connection.poll_push(cx)).await {
            match push.kind {
                PushKind::Invalidate if self.concerns_queues(&push) => self.news.notify_one(),
                PushKind::PMessage => self.overhear(push),
                _ => {}
            }
        }
        self.lost(&RedisLost("the server closed it".to_owned()));
    }

    /// Whether lists that are looked at have changed; an invalidation without keys means all.
    fn concerns_queues(&self, push: &PushInfo) -> bool {
        let lists = self.lists.borrow();
        match push.data.first() {
            Some(Value::Array(keys)) => keys
                .iter()
                .any(|key| matches!(key, Value::BulkString(key) if lists.iter().any(|list| list.as_bytes() == key))),
            _ => true,
        }
    }

    fn overhear(&self, push: PushInfo) {
        let Some(message) = Msg::from_push_info(push) else { return };
        let pattern: String = message.get_pattern().unwrap_or_default();
        self.channel.borrow_mut().overhear(&pattern, message.get_payload_bytes().to_vec());
        self.flush();
    }
}

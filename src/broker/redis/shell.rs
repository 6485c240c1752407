//! The connection under a virtual channel: it writes what the channel orders and passes on what it says.
//!
//! One connection carries everything. With `kombu` a second one carries the blocking pops.

use super::channel::{Channel, Purpose};
use super::policy::Policy;
use super::scripts::Scripts;
use super::taking::seconds;
use crate::broker::frame::{FromServer, ToServer};
use crate::env::redis::{RedisConnection, RedisLost, RedisUrl};
use crate::env::{ConnectError, Env, Instant, Link};
use crate::redis::{Batch, Writer};
use crate::settings::{RedisConsume, Settings};
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
    if let Some(before) = before.0.replace(Some(shell.clone())) {
        before.close();
        shell.channel.borrow_mut().inherit(&mut before.channel.borrow_mut());
        shell.flush();
    }
    env.spawn(shell.clone().write());
    env.spawn(shell.clone().hear_pushes());
    env.spawn(shell.clone().consume());
    env.spawn(shell.clone().keep());
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
                return Err(format!("{} {}", error.code(), error.details().unwrap_or_default()));
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
                    self.channel.borrow_mut().apply(method);
                    self.flush();
                    self.subscribe().await;
                    self.room.notify_one();
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
            self.channel.borrow_mut().consumers.clear();
            self.channel.borrow_mut().give_all_back();
            self.flush();
            let _ = self.env.timeout(self.policy.patience, self.written()).await;
        }
        self.close();
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

    async fn consume(self: Rc<Self>) {
        let consumed = match self.policy.consume {
            RedisConsume::Atomic => self.take().await,
            RedisConsume::Kombu => self.pop().await,
        };
        if let Err(lost) = consumed {
            self.lost(&lost);
        }
    }

    async fn take(&self) -> Result<(), RedisLost> {
        while !self.closed.get() {
            let take = self.channel.borrow_mut().take();
            let Some(take) = take else {
                self.room.notified().await;
                self.looked.set(self.env.now());
                continue;
            };
            let mut look = cmd("EXISTS");
            look.arg(&take.lists);
            if *self.lists.borrow() != take.lists {
                self.lists.borrow_mut().clone_from(&take.lists);
            }
            let commands = vec![take.command.clone(), words(&["CLIENT", "CACHING", "YES"]), look];
            let replies = self.answered(self.connection.send(commands)).await?;
            self.looked.set(self.env.now());
            let mut replies = replies.into_iter();
            let taken = self.channel.borrow_mut().taken(&take, replies.next().unwrap_or_default());
            self.flush();
            self.idle.notify_waiters();
            let there = matches!(replies.nth(1), Some(Value::Int(lists)) if lists > 0);
            if taken == 0 && !there {
                // Whichever comes first: the server's word, or the time for another look.
                let _ = self.env.timeout(self.policy.poll, self.news.notified()).await;
            }
        }
        Ok(())
    }

    async fn pop(&self) -> Result<(), RedisLost> {
        let mut blocking: Option<Rc<dyn RedisConnection>> = None;
        while !self.closed.get() {
            let take = self.channel.borrow_mut().pop();
            let Some(take) = take else {
                self.room.notified().await;
                self.looked.set(self.env.now());
                continue;
            };
            let connection = match &blocking {
                Some(connection) => connection.clone(),
                None => {
                    let connected = self.env.connect_redis(&self.url, self.policy.patience).await;
                    let connected: Rc<dyn RedisConnection> =
                        connected.map_err(|error| RedisLost(error.to_string()))?.into();
                    blocking.insert(connected).clone()
                }
            };
            let replies = self.answered(connection.send(vec![take.command.clone()])).await?;
            if self.closed.get() {
                // Popped for nobody: kombu's window of loss.
                break;
            }
            self.looked.set(self.env.now());
            let now = seconds(self.env.wall().as_micros());
            let reply = replies.into_iter().next().unwrap_or_default();
            let popped = self.channel.borrow_mut().popped(&take, reply, now);
            self.flush();
            if popped > 0 {
                // As in kombu, the next pop waits for the record of this one.
                self.written().await;
            }
        }
        Ok(())
    }

    /// The answer to a look at the queues, which may take as long as a poll and then some.
    async fn answered(
        &self,
        answer: impl Future<Output = Result<Vec<Value>, RedisLost>>,
    ) -> Result<Vec<Value>, RedisLost> {
        let limit = self.policy.poll + self.policy.patience;
        let late = |_| RedisLost(format!("no answer within {limit:?}"));
        self.env.timeout(limit, answer).await.map_err(late)?
    }

    /// Says what is held, and restores what others have left behind.
    async fn keep(self: Rc<Self>) {
        let atomic = self.policy.consume == RedisConsume::Atomic;
        let beat = if atomic { self.policy.renewal() } else { self.policy.sweep };
        // Many workers that start together need not all look together.
        let early = self.env.random_up_to(u64::try_from(beat.as_nanos() / 4).unwrap_or(u64::MAX));
        let mut next_sweep = if atomic { self.env.now() + Duration::from_nanos(early) } else { self.env.now() };
        let mut next_refresh = self.env.now() + beat;
        while !self.closed.get() {
            let next = if atomic { next_sweep.min(next_refresh) } else { next_sweep };
            self.env.sleep_until(next).await;
            let now = self.env.now();
            if atomic && next_refresh <= now {
                self.channel.borrow_mut().refresh();
                self.flush();
                next_refresh = now + beat;
            }
            if next_sweep <= now {
                if !self.channel.borrow().consumers.is_empty()
                    && let Err(lost) = self.sweep().await
                {
                    return self.lost(&lost);
                }
                next_sweep = now + self.policy.sweep;
            }
        }
    }

    async fn sweep(&self) -> Result<(), RedisLost> {
        if self.policy.consume == RedisConsume::Kombu && !self.lock().await? {
            return Ok(());
        }
        let (mut from, mut left) = (Some(0), self.policy.restore_limit);
        while let Some(at) = from {
            let look = self.channel.borrow().overdue(at);
            let replies = self.answered(self.connection.send(vec![look])).await?;
            let reply = replies.into_iter().next().unwrap_or_default();
            from = self.channel.borrow_mut().restore(at, reply, &mut left);
            self.flush();
        }
        Ok(())
    }

    /// kombu's lock: one sweep at a time. It is not taken off again here: nobody else needs to look so soon.
    async fn lock(&self) -> Result<bool, RedisLost> {
        let mut lock = cmd("SET");
        lock.arg(&*self.policy.layout.unacked_mutex).arg(&*self.env.uuid()).arg("NX").arg("PX");
        lock.arg(u64::try_from(self.policy.mutex_expire.min(self.policy.sweep / 2).as_millis()).unwrap_or(u64::MAX));
        let replies = self.answered(self.connection.send(vec![lock])).await?;
        Ok(replies.first() == Some(&Value::Okay))
    }
}

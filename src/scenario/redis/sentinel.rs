//! The process of a simulated Sentinel. It pings the servers as any client would; a master that does not answer for
//! `down-after-milliseconds` is down, and a replica that does is promoted. A master that comes back becomes its replica.
//!
//! It is alone, so that its opinion is the quorum.

use super::frame::{Ask, Said, ask};
use super::hosts::{MASTER_NAME, REPLICA};
use super::replication::PORT;
use crate::collections::Map;
use crate::env::{Env, Instant, Link};
use crate::scenario::cluster::BROKER;
use redis::Value;
use simq_sim::Process;
use simq_sim::redis::{ClientId, Micros, Sentinel};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// Between two pings, if `down-after-milliseconds` is not less.
const PERIOD: Duration = Duration::from_secs(1);
/// Before a lost connection is made anew.
const TICK: Duration = Duration::from_millis(100);
/// Sentinels begin a fail-over up to so much later than they could, so as not to do it all at once.
const DESYNC: Duration = Duration::from_secs(1);
/// `failover-timeout`: how long a promotion may take. After a fail-over that came to nothing, twice that goes by.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(180);
/// How long a server that calls itself a master, and is none, is left alone.
const STRAY: Duration = Duration::from_secs(8);
/// What clients of a server that changes its role are told: to connect anew.
const KILL_CLIENTS: [&[&str]; 2] = [&["CLIENT", "KILL", "TYPE", "normal"], &["CLIENT", "KILL", "TYPE", "pubsub"]];

struct Watch {
    env: Env,
    sentinel: Rc<RefCell<Sentinel>>,
    down_after: Duration,
    clients: RefCell<Map<ClientId, Link<Said, Ask>>>,
    next_client: Cell<ClientId>,
    servers: [Watched; 2],
    fails_over: Cell<bool>,
    /// A server was asked something.
    asked: Notify,
}

/// A server, and since when it owes an answer.
struct Watched {
    host: &'static str,
    silent_since: Cell<Option<Instant>>,
}

impl Watched {
    fn asked(&self, now: Instant) {
        self.silent_since.set(self.silent_since.get().or(Some(now)));
    }
}

/// Serves under this process's host name.
pub(in crate::scenario) fn serve(process: &Process, env: &Env, down_after: Duration) {
    let kept = process.durable("sentinel", || {
        let mut sentinel = Sentinel::new(None, i64::try_from(down_after.as_millis()).unwrap_or(i64::MAX));
        sentinel.watch(MASTER_NAME, (BROKER.into(), PORT), vec![(REPLICA.into(), PORT)]);
        sentinel
    });
    let Some(sentinel) = kept else { return };
    sentinel.borrow_mut().restart();
    let watched = |host| Watched { host, silent_since: Cell::new(Some(env.now())) };
    let watch = Rc::new(Watch {
        env: env.clone(),
        sentinel,
        down_after,
        clients: RefCell::default(),
        next_client: Cell::new(1),
        servers: [watched(BROKER), watched(REPLICA)],
        fails_over: Cell::new(false),
        asked: Notify::new(),
    });
    env.spawn(accept(watch.clone()));
    (0..watch.servers.len()).for_each(|at| env.spawn(look_after(watch.clone(), at)));
    env.spawn(decide(watch));
}

async fn accept(watch: Rc<Watch>) {
    let listener = watch.env.listen("sentinel");
    loop {
        let link: Link<Said, Ask> = Link::new(listener.accept().await);
        let client = watch.next_client.replace(watch.next_client.get() + 1);
        watch.sentinel.borrow_mut().connect(client);
        watch.clients.borrow_mut().insert(client, link.clone());
        watch.env.spawn(talk(watch.clone(), client, link));
    }
}

async fn talk(watch: Rc<Watch>, client: ClientId, link: Link<Said, Ask>) {
    while let Some(Ask(args)) = link.recv().await {
        watch.with(|sentinel, now, out| sentinel.apply(client, &args, now, out));
    }
    link.close();
    watch.clients.borrow_mut().swap_remove(&client);
    watch.sentinel.borrow_mut().disconnect(client);
}

/// Pings a server, and keeps it a replica unless it is to be the master.
async fn look_after(watch: Rc<Watch>, at: usize) {
    loop {
        watch.servers[at].asked(watch.env.now());
        watch.asked.notify_one();
        if let Ok(link) = watch.env.connect::<Ask, Said>(watch.servers[at].host.into(), watch.period()).await {
            watch.ping(&watch.servers[at], &link).await;
            link.close();
        }
        watch.env.sleep(TICK).await;
    }
}

/// Waits until the master is down, and fails over.
async fn decide(watch: Rc<Watch>) {
    let mut not_before = watch.env.now();
    loop {
        let master = watch.master();
        let Some(silent_since) = watch.silent_since(&master) else {
            watch.asked.notified().await;
            continue;
        };
        let (now, down_at) = (watch.env.now(), silent_since + watch.down_after);
        if now < down_at {
            watch.env.sleep_until(down_at).await;
            continue;
        }
        watch.sentinel.borrow_mut().mark_down(MASTER_NAME);
        if now >= not_before {
            watch.fails_over.set(true);
            let done = watch.fail_over(&master).await;
            watch.fails_over.set(false);
            not_before = if done { now } else { now + 2 * FAILOVER_TIMEOUT };
        }
        watch.env.sleep(watch.period()).await;
    }
}

impl Watch {
    fn period(&self) -> Duration {
        PERIOD.min(self.down_after)
    }

    fn with(&self, act: impl FnOnce(&mut Sentinel, Micros, &mut Vec<(ClientId, Value)>)) {
        let mut out = Vec::new();
        act(&mut self.sentinel.borrow_mut(), self.env.wall().as_micros(), &mut out);
        for (client, value) in out {
            if let Some(link) = self.clients.borrow().get(&client) {
                link.send(value.into());
            }
        }
    }

    fn master(&self) -> String {
        self.sentinel.borrow().master(MASTER_NAME).map(|(host, _)| host.clone()).unwrap_or_default()
    }

    fn silent_since(&self, host: &str) -> Option<Instant> {
        self.servers.iter().find(|server| server.host == host)?.silent_since.get()
    }

    async fn ping(&self, server: &Watched, link: &Link<Ask, Said>) {
        let mut stray = None;
        loop {
            server.asked(self.env.now());
            self.asked.notify_one();
            if self.ask(link, &["PING"]).await.is_none() {
                return;
            }
            server.silent_since.set(None);
            if server.host == self.master() {
                self.sentinel.borrow_mut().mark_up(MASTER_NAME);
            } else if !self.fails_over.get() {
                let Some(leads) = self.leads(link).await else { return };
                let since = *stray.get_or_insert(self.env.now());
                if !leads {
                    stray = None;
                } else if self.env.now() >= since + STRAY && self.demote(link).await.is_none() {
                    return;
                }
            }
            self.env.sleep(self.period()).await;
        }
    }

    /// The answer to a command, if one comes before the server counts as down.
    async fn ask(&self, link: &Link<Ask, Said>, words: &[&str]) -> Option<Value> {
        link.send(ask(words));
        match self.env.timeout(self.down_after, link.recv()).await {
            Ok(Some(Said::Reply(reply))) => Some(reply),
            _ => None,
        }
    }

    /// Whether a server calls itself a master.
    async fn leads(&self, link: &Link<Ask, Said>) -> Option<bool> {
        let Some(Value::Array(role)) = self.ask(link, &["ROLE"]).await else { return None };
        Some(matches!(role.first(), Some(Value::BulkString(role)) if role == b"master"))
    }

    async fn demote(&self, link: &Link<Ask, Said>) -> Option<()> {
        self.ask(link, &["REPLICAOF", &self.master(), &PORT.to_string()]).await?;
        for kill in KILL_CLIENTS {
            self.ask(link, kill).await?;
        }
        Some(())
    }

    /// Promotes a replica that has answered lately, if there is one; whether it took over.
    async fn fail_over(&self, master: &str) -> bool {
        let late = u64::try_from(DESYNC.as_millis()).unwrap_or(u64::MAX);
        self.env.sleep(Duration::from_millis(self.env.random_up_to(late))).await;
        let begun = self.env.now();
        let answers =
            |server: &Watched| server.silent_since.get().is_none_or(|since| begun <= since + 5 * self.period());
        let Some(chosen) = self.servers.iter().find(|server| server.host != master && answers(server)) else {
            return false;
        };
        while self.env.now() < begun + FAILOVER_TIMEOUT {
            if self.promote(chosen.host).await == Some(true) {
                let to = (chosen.host.to_owned(), PORT);
                self.with(|sentinel, now, out| sentinel.switch_master(MASTER_NAME, to, now, out));
                return true;
            }
            self.env.sleep(self.period()).await;
        }
        false
    }

    async fn promote(&self, host: &'static str) -> Option<bool> {
        let link = self.env.connect::<Ask, Said>(host.into(), self.period()).await.ok()?;
        self.ask(&link, &["REPLICAOF", "NO", "ONE"]).await?;
        for kill in KILL_CLIENTS {
            self.ask(&link, kill).await?;
        }
        let leads = self.leads(&link).await;
        link.close();
        leads
    }
}

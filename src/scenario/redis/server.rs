//! The process of a simulated Redis server.

use super::frame::{Ask, Said};
use super::twins;
use super::witness::Witness;
use crate::collections::Map;
use crate::env::{Env, Instant, Link};
use redis::{PushInfo, PushKind, Value};
use simq_sim::Process;
use simq_sim::redis::{ClientId, Crash, Micros, Redis, RedisConfig};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

struct Server {
    env: Env,
    redis: Rc<RefCell<Redis>>,
    witness: RefCell<Witness>,
    clients: RefCell<Map<ClientId, Link<Said, Ask>>>,
    next_client: Cell<ClientId>,
    /// When the timer will next wake up, and how to wake it earlier.
    next: Cell<Option<Micros>>,
    waker: Cell<Option<Waker>>,
}

/// Serves under this process's host name.
pub(in crate::scenario) fn serve(process: &Process, env: &Env, config: RedisConfig) {
    let mut fresh = false;
    let kept = process.durable("redis", || {
        fresh = true;
        let mut redis = Redis::new(config);
        twins::declare(&mut redis);
        redis.observe_changes();
        redis
    });
    let Some(redis) = kept else { return };
    let crash = last_end(process);
    let witness = if fresh {
        Witness::default()
    } else {
        let mut redis = redis.borrow_mut();
        redis.restart(env.wall().as_micros(), crash);
        let witness = Witness::recover(&mut redis, env);
        redis.take_changes();
        witness
    };
    let server = Rc::new(Server {
        env: env.clone(),
        redis,
        witness: RefCell::new(witness),
        clients: RefCell::default(),
        next_client: Cell::new(1),
        next: Cell::new(None),
        waker: Cell::new(None),
    });
    env.spawn(accept(server.clone()));
    env.spawn(tick(server));
}

/// How the last life of this host ended: what was written and not synced survives the process. Of a loss of power it
/// survives to a random place, which is hardly ever the end of so many bytes.
fn last_end(process: &Process) -> Crash {
    const PULSE: &str = "pulse";
    const BYTES: usize = 65_536;
    let survived = process.read_file(PULSE).is_some_and(|pulse| pulse.len() == BYTES);
    process.remove_file(PULSE);
    process.append_file(PULSE, &[b'.'; BYTES]);
    if survived { Crash::Process } else { Crash::Power }
}

impl Server {
    fn now(&self) -> Micros {
        self.env.wall().as_micros()
    }

    fn with(&self, act: impl FnOnce(&mut Redis, Micros, &mut Vec<(ClientId, Value)>)) {
        let mut out = Vec::new();
        let mut redis = self.redis.borrow_mut();
        act(&mut redis, self.now(), &mut out);
        let changes = redis.take_changes();
        let closed = redis.take_closed();
        let next = redis.next_deadline();
        drop(redis);
        self.witness.borrow_mut().see(&changes, &out, &self.env);
        for (client, value) in out {
            self.say(client, value);
        }
        for client in closed {
            self.clients.borrow().get(&client).into_iter().for_each(Link::close);
        }
        if next.is_some() && (self.next.get().is_none() || next < self.next.get()) {
            self.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    fn say(&self, to: ClientId, value: Value) {
        let said = match value {
            Value::Push { kind, data } if !is_confirmation(&kind) => Said::Push(PushInfo { kind, data }),
            value => Said::Reply(value),
        };
        if let Some(client) = self.clients.borrow().get(&to) {
            client.send(said);
        }
    }
}

/// Whether a push answers a command.
fn is_confirmation(kind: &PushKind) -> bool {
    use PushKind::{PSubscribe, PUnsubscribe, Subscribe, Unsubscribe};
    matches!(kind, Subscribe | Unsubscribe | PSubscribe | PUnsubscribe)
}

async fn accept(server: Rc<Server>) {
    let listener = server.env.listen("redis");
    loop {
        let link: Link<Said, Ask> = Link::new(listener.accept().await);
        let client = server.next_client.replace(server.next_client.get() + 1);
        server.redis.borrow_mut().connect(client);
        server.clients.borrow_mut().insert(client, link.clone());
        server.env.spawn(talk(server.clone(), client, link));
    }
}

async fn talk(server: Rc<Server>, client: ClientId, link: Link<Said, Ask>) {
    while let Some(Ask(args)) = link.recv().await {
        server.with(|redis, now, out| redis.apply(client, &args, now, out));
    }
    link.close();
    server.clients.borrow_mut().swap_remove(&client);
    server.redis.borrow_mut().disconnect(client);
    server.witness.borrow_mut().gone(client, &server.env);
}

/// Does what is due: pops that wait no longer, keys that expire, syncs.
async fn tick(server: Rc<Server>) {
    loop {
        let next = server.redis.borrow().next_deadline();
        server.next.set(next);
        let wait = next.map(|next| Duration::from_micros(u64::try_from(next - server.now()).unwrap_or(0)));
        let at = wait.map_or(Instant::NEVER, |wait| server.env.now() + wait);
        let mut sleep = server.env.sleep_until(at);
        let mut woken = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut woken, true) && server.redis.borrow().next_deadline() != next {
                return Poll::Ready(());
            }
            server.waker.set(Some(cx.waker().clone()));
            if next.is_some() { sleep.as_mut().poll(cx) } else { Poll::Pending }
        })
        .await;
        server.with(|redis, now, out| redis.tick(now, out));
    }
}

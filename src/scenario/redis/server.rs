//! The process of a simulated Redis server.

use super::frame::{Ask, Said};
use super::part::Part;
use super::replication::{self, Outlet};
use super::twins;
use super::witness::Witness;
use crate::collections::Map;
use crate::env::{Deadline, Env, Link};
use crate::events::{Event, What};
use redis::Value;
use simq_sim::Process;
use simq_sim::redis::{ClientId, Crash, Micros, Redis, RedisConfig};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

pub(super) struct Server {
    pub(super) env: Env,
    pub(super) redis: Rc<RefCell<Redis>>,
    pub(super) part: Part,
    witness: RefCell<Witness>,
    clients: RefCell<Map<ClientId, Link<Said, Ask>>>,
    /// Clients that are replicas.
    replicas: RefCell<BTreeSet<ClientId>>,
    outlet: Outlet,
    /// When it was last looked at, it was a master.
    leads: Cell<bool>,
    next_client: Cell<ClientId>,
    /// What is due next.
    due: Deadline<Micros>,
}

/// Serves under this process's host name.
pub(in crate::scenario) fn serve(process: &Process, env: &Env, config: RedisConfig, part: Part) {
    let mut fresh = false;
    let kept = process.durable("redis", || {
        fresh = true;
        let mut redis = Redis::new(config);
        twins::declare(&mut redis);
        redis.observe_changes();
        if let Some(master) = part.begins_under {
            redis.replicate((master, replication::PORT));
        }
        redis
    });
    let Some(redis) = kept else { return };
    let crash = last_end(process);
    let witness = if fresh {
        Witness::default()
    } else {
        let mut redis = redis.borrow_mut();
        redis.restart(env.wall().as_micros(), crash);
        let counts = part.counts(&env.name());
        let witness = if counts { Witness::recover(&mut redis, env) } else { Witness::default() };
        redis.take_changes();
        witness
    };
    let leads = Cell::new(redis.borrow().master().is_none());
    let server = Rc::new(Server {
        env: env.clone(),
        redis,
        part,
        witness: RefCell::new(witness),
        clients: RefCell::default(),
        replicas: RefCell::default(),
        outlet: Outlet::default(),
        leads,
        next_client: Cell::new(1),
        due: Deadline::default(),
    });
    env.spawn(accept(server.clone()));
    env.spawn(tick(server.clone()));
    if server.part.is_of_several {
        env.spawn(replication::follow(server.clone()));
        env.spawn(replication::send(server));
    }
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
    pub(super) fn now(&self) -> Micros {
        self.env.wall().as_micros()
    }

    pub(super) fn with(&self, act: impl FnOnce(&mut Redis, Micros, &mut Vec<(ClientId, Value)>)) {
        let mut out = Vec::new();
        let mut redis = self.redis.borrow_mut();
        act(&mut redis, self.now(), &mut out);
        let changes = redis.take_changes();
        let closed = redis.take_closed();
        let next = redis.next_deadline();
        let stream = redis.take_stream();
        if self.part.counts(&self.env.name()) {
            self.witness.borrow_mut().see(&changes, &out, &self.env);
        } else {
            *self.witness.borrow_mut() = Witness::default();
        }
        self.note_role(&mut redis);
        drop(redis);
        for (client, value) in out {
            self.say(client, value.into());
        }
        if !stream.is_empty() {
            self.outlet.put(self.env.now() + self.part.lag, stream);
        }
        for client in closed {
            self.clients.borrow().get(&client).into_iter().for_each(Link::close);
        }
        self.due.moved(next);
    }

    /// Only of one of several servers the ledger counts what it holds.
    fn note_role(&self, redis: &mut Redis) {
        let leads = redis.master().is_none();
        if leads && !self.leads.replace(leads) {
            let host = self.env.name();
            self.part.takes_over(&host);
            self.env.emit(&Event { id: &host, what: What::FailedOver });
            *self.witness.borrow_mut() = Witness::recover(redis, &self.env);
            redis.take_changes();
        }
        self.leads.set(leads);
    }

    /// The next part of the stream, for all replicas, once its time has come.
    pub(super) async fn send_on(&self) {
        let units = self.outlet.next(&self.env).await;
        self.replicas.borrow().iter().for_each(|replica| self.say(*replica, Said::Stream(units.clone())));
    }

    /// A client wants to be a replica, and begins with a copy. Of a replica there is none.
    fn begin_stream(&self, client: ClientId) -> bool {
        let mut redis = self.redis.borrow_mut();
        if redis.master().is_some() {
            return false;
        }
        // There is one replica: what waits for it is in its new copy.
        self.outlet.clear();
        *self.replicas.borrow_mut() = BTreeSet::from([client]);
        self.say(client, Said::Snapshot(Box::new(redis.snapshot())));
        true
    }

    fn say(&self, to: ClientId, said: Said) {
        if let Some(client) = self.clients.borrow().get(&to) {
            client.send(said);
        }
    }
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
        match args.first().map(Vec::as_slice) {
            Some(b"PSYNC") if server.begin_stream(client) => continue,
            Some(b"PSYNC") => break,
            Some(b"REPLCONF") => continue,
            _ => {}
        }
        server.with(|redis, now, out| redis.apply(client, &args, now, out));
    }
    link.close();
    server.clients.borrow_mut().swap_remove(&client);
    server.replicas.borrow_mut().remove(&client);
    server.redis.borrow_mut().disconnect(client);
    server.witness.borrow_mut().gone(client, &server.env);
}

/// Does what is due: pops that wait no longer, keys that expire, syncs.
async fn tick(server: Rc<Server>) {
    loop {
        let next = || server.redis.borrow().next_deadline();
        let wait = |next| Duration::from_micros(u64::try_from(next - server.now()).unwrap_or(0));
        server.due.wait(&server.env, next, |next| server.env.now() + wait(next)).await;
        server.with(|redis, now, out| redis.tick(now, out));
    }
}

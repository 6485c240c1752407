//! Serves the embedded result store to the processes that connect.
//!
//! Results are in a journal if there is a directory for it (`embedded_directory`); else they survive the server's
//! process where the world has durable storage.

use super::frame::{Request, Response};
use super::kept;
use super::lease::Leases;
use super::store::Store;
use crate::collections::Map;
use crate::env::{Env, Link};
use crate::events::{Event, What};
use crate::journal::{Clock, Journal, JournalError, Journaling, Keeper, Opened, Snapshot};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The result store's part of the directory.
const FOLDER: &str = "results";

type Said = (u64, Response);

pub(crate) struct Server {
    env: Env,
    store: Rc<RefCell<Store>>,
    leases: Rc<RefCell<Leases>>,
    journal: Option<Rc<Journal<Said>>>,
    peers: RefCell<Map<u64, Link<Response, Request>>>,
    /// What the current request's answer consists of.
    said: RefCell<Vec<Said>>,
    /// Results were forgotten for others: said once.
    full: Cell<bool>,
    stopped: Cell<bool>,
    drained: tokio::sync::Notify,
}

/// Serves under `name`, from memory: at most `max_bytes` of results.
pub fn serve(env: &Env, name: &str, max_bytes: u64) {
    let store = env.durable("results", Store::default);
    store.borrow_mut().forget_watchers();
    store.borrow_mut().bound(max_bytes);
    listen(Server::new(env, store, env.durable("leases", Leases::default), None), name);
}

/// Serves under `name` what the journal kept.
///
/// # Errors
///
/// When the journal can't be read, or another process has it.
pub(crate) async fn serve_kept(
    env: &Env,
    name: &str,
    journaling: &Journaling,
    max_bytes: u64,
) -> Result<Rc<Server>, JournalError> {
    let (mut store, mut leases) = (Store::default(), Leases::default());
    store.bound(max_bytes);
    let clock = Clock::read(env);
    let opened = Opened::read(env, journaling, FOLDER, |record| kept::replay(&mut store, &mut leases, record, clock))?;
    store.make_room();
    let journal = opened
        .begin(env, |snapshot| {
            leases.describe(snapshot, clock);
            kept::describe(&store, snapshot, clock);
        })
        .await?;
    let (store, leases) = (Rc::new(RefCell::new(store)), Rc::new(RefCell::new(leases)));
    let server = Server::new(env, store, leases, Some(journal.clone()));
    journal.start(server.clone());
    listen(server.clone(), name);
    Ok(server)
}

fn listen(server: Rc<Server>, name: &str) {
    let listener = server.env.listen(name);
    server.env.clone().spawn(async move {
        for number in 0.. {
            let link = Link::new(listener.accept().await);
            if server.stopped.get() {
                link.close();
                continue;
            }
            server.peers.borrow_mut().insert(number, link.clone());
            server.env.spawn(talk(server.clone(), number, link));
        }
    });
}

impl Server {
    fn new(
        env: &Env,
        store: Rc<RefCell<Store>>,
        leases: Rc<RefCell<Leases>>,
        journal: Option<Rc<Journal<Said>>>,
    ) -> Rc<Self> {
        Rc::new(Server {
            env: env.clone(),
            store,
            leases,
            journal,
            peers: RefCell::default(),
            said: RefCell::default(),
            full: Cell::new(false),
            stopped: Cell::new(false),
            drained: tokio::sync::Notify::new(),
        })
    }

    fn say(&self, to: u64, response: Response) {
        match self.journal {
            None => self.release((to, response)),
            Some(_) => self.said.borrow_mut().push((to, response)),
        }
    }

    fn answer(&self, me: u64, request: Request) {
        match request {
            Request::Put { id, state, meta, keep, .. } => {
                let now = self.env.now();
                let (kept, told) = self.store.borrow_mut().put(&id, state, meta.clone(), keep, now);
                if kept && let Some(journal) = &self.journal {
                    let ends = keep.lifetime.map(|lifetime| now + lifetime);
                    kept::write(&id, state, &meta, ends, Clock::read(&self.env), journal.log().content());
                }
                self.make_room();
                let what = if kept { What::Stored { state } } else { What::StoreIgnored { state } };
                self.env.emit(&Event { id: &id, what });
                self.say(me, Response::Stored);
                let current = self.store.borrow().get(&id);
                for peer in told {
                    self.say(peer, Response::Current { id: id.clone(), meta: current.clone() });
                }
            }
            Request::Forget { id } => {
                self.store.borrow_mut().forget(&id);
                if let Some(journal) = &self.journal {
                    kept::write_forgotten(&id, journal.log().content());
                }
                self.env.emit(&Event { id: &id, what: What::Forgotten });
                self.say(me, Response::Stored);
            }
            Request::Watch { id, every } => {
                let current = self.store.borrow().get(&id);
                if !current.as_ref().is_some_and(|(state, _)| state.is_ready()) {
                    self.store.borrow_mut().watch(&id, me, every, self.env.now());
                }
                self.say(me, Response::Current { id, meta: current });
            }
            Request::Lease(ask) => {
                let answer = self.leases.borrow_mut().answer(&ask, self.env.now());
                if let Some(journal) = &self.journal {
                    let clock = Clock::read(&self.env);
                    self.leases.borrow().write_change(&ask, &answer, clock, journal.log().content());
                }
                self.say(me, Response::Lease(answer));
            }
            Request::Ping => self.say(me, Response::Alive),
            Request::Unwatch { id } => self.store.borrow_mut().unwatch(&id, me),
        }
        if let Some(journal) = &self.journal {
            journal.settle(self, &mut self.said.borrow_mut());
        }
    }

    /// Forgets results for which there is no room any more.
    fn make_room(&self) {
        let evicted = self.store.borrow_mut().make_room();
        if !evicted.is_empty() && !self.full.replace(true) {
            tracing::warn!("the result store holds embedded_max_result_bytes: it forgets results before their time");
        }
        for id in evicted {
            if let Some(journal) = &self.journal {
                kept::write_forgotten(&id, journal.log().content());
            }
            self.env.emit(&Event { id: &id, what: What::Forgotten });
        }
    }

    /// Waits until all clients are gone and what they sent has been carried out.
    pub(crate) async fn drained(&self) {
        while !self.peers.borrow().is_empty() {
            self.drained.notified().await;
        }
    }

    /// Leaves everything on the disk. The tasks of this process must have ended.
    pub(crate) async fn close(&self) -> Result<(), JournalError> {
        match &self.journal {
            Some(journal) => journal.close(self).await,
            None => Ok(()),
        }
    }
}

impl Keeper for Server {
    type Output = Said;

    fn describe(&self, snapshot: &mut Snapshot<'_>) {
        let mut store = self.store.borrow_mut();
        store.expire(self.env.now());
        self.leases.borrow().describe(snapshot, Clock::read(&self.env));
        kept::describe(&store, snapshot, Clock::read(&self.env));
    }

    /// Whoever hears of a result builds upon it.
    fn promises(_: &Said) -> bool {
        true
    }

    fn release(&self, (to, response): Said) {
        if let Some(peer) = self.peers.borrow().get(&to) {
            peer.send(response);
        }
    }

    fn stop(&self) {
        self.stopped.set(true);
        self.peers.borrow().values().for_each(Link::close);
    }
}

async fn talk(server: Rc<Server>, me: u64, link: Link<Response, Request>) {
    while let Some(request) = link.recv().await {
        server.answer(me, request);
    }
    server.peers.borrow_mut().swap_remove(&me);
    server.store.borrow_mut().forget_watcher(me);
    server.drained.notify_one();
}

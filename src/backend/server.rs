//! Serves the embedded result store to the processes that connect.

use super::frame::{Request, Response};
use super::lease::Leases;
use super::store::Store;
use crate::env::{Env, Link};
use crate::events::{Event, What};
use std::cell::RefCell;
use std::rc::Rc;

type Peers = Rc<RefCell<crate::collections::Map<u64, Link<Response, Request>>>>;

/// Serves under `name`; results survive this process where the world has durable storage.
pub fn serve(env: &Env, name: &str) {
    let store = env.durable("results", Store::default);
    store.borrow_mut().forget_watchers();
    let leases = env.durable("leases", Leases::default);
    let peers = Peers::default();
    let listener = env.listen(name);
    let env = env.clone();
    env.clone().spawn(async move {
        for number in 0.. {
            let link = Link::new(listener.accept().await);
            peers.borrow_mut().insert(number, link.clone());
            env.spawn(talk(env.clone(), store.clone(), leases.clone(), peers.clone(), number, link));
        }
    });
}

async fn talk(
    env: Env,
    store: Rc<RefCell<Store>>,
    leases: Rc<RefCell<Leases>>,
    peers: Peers,
    me: u64,
    link: Link<Response, Request>,
) {
    while let Some(request) = link.recv().await {
        match request {
            Request::Put { id, state, meta, keep } => {
                let (kept, told) = store.borrow_mut().put(&id, state, meta, keep, env.now());
                let what = if kept { What::Stored { state } } else { What::StoreIgnored { state } };
                env.emit(&Event { id: &id, what });
                link.send(Response::Stored);
                let current = store.borrow().get(&id);
                for peer in told {
                    if let Some(peer) = peers.borrow().get(&peer) {
                        peer.send(Response::Current { id: id.clone(), meta: current.clone() });
                    }
                }
            }
            Request::Forget { id } => {
                store.borrow_mut().forget(&id);
                env.emit(&Event { id: &id, what: What::Forgotten });
                link.send(Response::Stored);
            }
            Request::Watch { id, every } => {
                let current = store.borrow().get(&id);
                if !current.as_ref().is_some_and(|(state, _)| state.is_ready()) {
                    store.borrow_mut().watch(&id, me, every, env.now());
                }
                link.send(Response::Current { id, meta: current });
            }
            Request::Ping => link.send(Response::Alive),
            Request::Lease(ask) => {
                let answer = leases.borrow_mut().answer(&ask, env.now());
                link.send(Response::Lease(answer));
            }
            Request::Unwatch { id } => store.borrow_mut().unwatch(&id, me),
        }
    }
    peers.borrow_mut().swap_remove(&me);
    store.borrow_mut().forget_watcher(me);
}

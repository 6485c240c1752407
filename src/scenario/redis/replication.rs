//! Replication: a replica copies what its master has, then repeats what its master changes.

use super::frame::{Ask, Said, ask};
use super::server::Server;
use crate::env::{Env, Instant, Link};
use simq_sim::redis::Unit;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// The port of every simulated server.
pub(super) const PORT: u16 = 6379;

/// Between two attempts to reach the master, and between two signs of life to it.
const PERIOD: Duration = Duration::from_secs(1);

/// A master's output buffer: what its replica is to be sent, and when.
#[derive(Default)]
pub(super) struct Outlet {
    waiting: RefCell<VecDeque<(Instant, Vec<Unit>)>>,
    news: Notify,
}

impl Outlet {
    pub(super) fn put(&self, at: Instant, units: Vec<Unit>) {
        self.waiting.borrow_mut().push_back((at, units));
        self.news.notify_one();
    }

    pub(super) fn clear(&self) {
        self.waiting.borrow_mut().clear();
    }

    pub(super) async fn next(&self, env: &Env) -> Vec<Unit> {
        loop {
            let first = self.waiting.borrow().front().map(|(at, _)| *at);
            match first {
                None => self.news.notified().await,
                Some(at) if at > env.now() => env.sleep_until(at).await,
                Some(_) => {
                    if let Some((_, units)) = self.waiting.borrow_mut().pop_front() {
                        return units;
                    }
                }
            }
        }
    }
}

/// Sends a master's stream.
pub(super) async fn send(server: Rc<Server>) {
    loop {
        server.send_on().await;
    }
}

/// Follows whoever is this server's master, for as long as it has one.
pub(super) async fn follow(server: Rc<Server>) {
    loop {
        if let Some(master) = master_of(&server)
            && let Ok(link) = server.env.connect::<Ask, Said>(master.as_str().into(), PERIOD).await
        {
            repeat(&server, &master, &link).await;
            link.close();
        }
        server.env.sleep(PERIOD).await;
    }
}

fn master_of(server: &Server) -> Option<String> {
    server.redis.borrow().master().map(|(host, _)| host.to_owned())
}

async fn repeat(server: &Rc<Server>, master: &str, link: &Link<Ask, Said>) {
    link.send(ask(&["PSYNC", "?", "-1"]));
    loop {
        let said = server.env.timeout(PERIOD, link.recv()).await;
        if master_of(server).as_deref() != Some(master) {
            return;
        }
        let mut goes_on = true;
        match said {
            // A master that is gone without a word tells by this that it is.
            Err(_) => link.send(ask(&["REPLCONF", "ACK", "0"])),
            Ok(Some(Said::Snapshot(copy))) => {
                server.with(|redis, now, out| redis.follow((master, PORT), *copy, 0, now, out));
            }
            Ok(Some(Said::Stream(units))) => server.with(|redis, now, _| goes_on = redis.receive(units, now)),
            Ok(Some(Said::Reply(_) | Said::Push(_))) => {}
            Ok(None) => return,
        }
        if !goes_on {
            return;
        }
    }
}

//! A process's way to the leases: one question at a time, over a link of its own.

use super::{Answer, Ask};
use crate::backend::frame::{Request, Response};
use crate::env::{ConnectError, Endpoint, Env, Link};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The store gave no answer: it may have done what was asked, or not.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no answer from {server}: {why}")]
pub(crate) struct NoAnswer {
    server: Endpoint,
    why: String,
}

/// Cheap to clone; clones share the link.
#[derive(Clone)]
pub(crate) struct LeaseClient {
    env: Env,
    server: Endpoint,
    link: Rc<RefCell<Option<Link<Request, Response>>>>,
}

impl LeaseClient {
    pub(crate) fn new(env: &Env, server: Endpoint) -> Self {
        LeaseClient { env: env.clone(), server, link: Rc::default() }
    }

    /// Asks, and waits for the answer up to `limit`. To be called again only when it has come back: answers carry no
    /// number. Without an answer the link is given up, and with it what would still come.
    pub(crate) async fn ask(&self, ask: Ask, limit: Duration) -> Result<Answer, NoAnswer> {
        let answer = self.env.timeout(limit, self.exchange(ask, limit)).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("none within {limit:?}")));
        answer.map_err(|why| {
            if let Some(link) = self.link.take() {
                link.close();
            }
            NoAnswer { server: self.server.clone(), why }
        })
    }

    async fn open(&self, limit: Duration) -> Result<Link<Request, Response>, ConnectError> {
        match &self.server {
            Endpoint::Served(name) => self.env.connect(name.clone(), limit).await,
            Endpoint::Redis(url) => crate::backend::redis::connect_leases(&self.env, url, limit).await,
            Endpoint::Amqp(_) | Endpoint::Rpc => Err(crate::backend::keeps_none(&self.server)),
        }
    }

    async fn exchange(&self, ask: Ask, limit: Duration) -> Result<Answer, String> {
        let known = self.link.borrow().clone();
        let link = match known {
            Some(link) => link,
            None => {
                let connecting = self.open(limit).await;
                let link = connecting.map_err(|error| error.to_string())?;
                *self.link.borrow_mut() = Some(Link::clone(&link));
                link
            }
        };
        link.send(Request::Lease(ask));
        match link.recv().await {
            Some(Response::Lease(answer)) => Ok(answer),
            Some(other) => Err(format!("it said: {other}")),
            None => Err("the connection was closed".to_owned()),
        }
    }
}

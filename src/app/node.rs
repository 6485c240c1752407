//! A process of simq: its actors, wired.

use super::App;
use crate::backend::Backend;
use crate::beat::{Beat, Entry};
use crate::broker::Broker;
use crate::env::Env;
use crate::producer::Producer;
use crate::worker::pool::AppSource;
use crate::worker::{Colleagues, Worker, WorkerOptions};
use actix::Addr;
use std::sync::Arc;

/// Names of the servers that a process talks to.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The broker's.
    pub broker: Arc<str>,
    /// The result store's.
    pub backend: Arc<str>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Endpoints { broker: "broker".into(), backend: "backend".into() }
    }
}

/// Through whom an application's calls go.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) producer: Addr<Producer>,
    pub(crate) backend: Addr<Backend>,
}

/// The actors of one process. None of them connects before it is needed.
pub struct Node {
    env: Env,
    app: App,
    with: Colleagues,
}

impl Node {
    /// Starts a process's broker, producer and backend actors, and lets the application's calls go through them.
    pub fn start(env: &Env, app: App, endpoints: &Endpoints) -> Node {
        let settings = Arc::new(app.settings().clone());
        let broker = Broker::start(env, settings.clone(), endpoints.broker.clone());
        let producer = Producer::start(env, settings.clone(), broker.clone());
        let backend = Backend::start(env, settings, endpoints.backend.clone());
        app.set_client(Client { producer: producer.clone(), backend: backend.clone() });
        Node { env: env.clone(), app, with: Colleagues { broker, producer, backend } }
    }

    /// Starts a worker.
    pub(crate) fn worker(&self, apps: AppSource, options: WorkerOptions) -> Addr<Worker> {
        Worker::start(&self.env, self.app.clone(), apps, self.with.clone(), options)
    }

    /// Starts a scheduler.
    pub fn beat(&self, entries: Vec<Entry>) -> Addr<Beat> {
        let settings = Arc::new(self.app.settings().clone());
        Beat::start(&self.env, settings, self.with.producer.clone(), entries)
    }
}

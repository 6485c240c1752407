//! A process of simq: its actors, wired.

use super::{App, Error, address};
use crate::backend::rpc::{Replies, Way};
use crate::backend::{Backend, StoreRevoked};
use crate::beat::{Entry, Tools};
use crate::broker::delayed::Delays;
use crate::broker::{Broker, Close};
use crate::env::redis::RedisUrl;
use crate::env::{Endpoint, Env};
use crate::producer::{Producer, Revoke};
use crate::redis::Options;
use crate::settings::Settings;
use crate::worker::pool::AppSource;
use crate::worker::{Colleagues, Worker, WorkerOptions};
use actix::Addr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The servers that a process talks to.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The broker's.
    pub broker: Endpoint,
    /// The result store's.
    pub backend: Endpoint,
}

/// Names of the embedded servers.
pub(super) const BROKER: &str = "broker";
pub(super) const BACKEND: &str = "backend";

impl Endpoints {
    /// Those that settings name: `broker_url` and `result_backend`, or else the embedded ones.
    ///
    /// # Errors
    ///
    /// [`Error::BadAddress`] when one is no address of a server that simq talks to.
    pub fn of(settings: &Settings) -> Result<Endpoints, Error> {
        let bad = |setting| move |why| Error::BadAddress { setting, why };
        let broker = address::of_broker(settings);
        let results: Vec<String> = address::of_results(settings).into_iter().collect();
        let of_broker = || Options::of_broker(settings);
        let of_results = || Options::of_results(settings);
        Ok(Endpoints {
            broker: match address::rabbits(&broker, settings).map_err(bad("broker_url"))? {
                Some(servers) => Endpoint::Amqp(servers),
                None => endpoint(&broker, of_broker, BROKER).map_err(bad("broker_url"))?,
            },
            backend: if settings.results_are_replies() {
                Endpoint::Rpc
            } else {
                endpoint(&results, of_results, BACKEND).map_err(bad("result_backend"))?
            },
        })
    }
}

/// A process of its own can't reach what another one has embedded.
fn unreachable(setting: &'static str) -> Error {
    let why = "names the embedded queue of one process, which no other can reach; expected redis://...";
    Error::BadAddress { setting, why: why.to_owned() }
}

fn endpoint(
    texts: &[String],
    options: impl FnOnce() -> Result<Options, String>,
    embedded: &str,
) -> Result<Endpoint, String> {
    match texts.first() {
        None => Ok(embedded.into()),
        Some(text) if text == "memory" || text.starts_with("memory://") => Ok(embedded.into()),
        Some(_) => {
            if let Some(text) = texts.iter().find(|text| !RedisUrl::is_one(text)) {
                return Err(unknown(text));
            }
            let server = address::servers(texts, &options()?)?;
            Ok(server.map_or_else(|| embedded.into(), |server| Endpoint::Redis(server.into())))
        }
    }
}

fn unknown(text: &str) -> String {
    let scheme = text.split_once("://").map_or(text, |(scheme, _)| scheme);
    let nearest = crate::text::nearest(scheme, RedisUrl::schemes().chain(["memory"]));
    let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}://?"));
    let shown = crate::settings::masked(text);
    format!("{shown} names no server that simq talks to{nearest}\nexpected redis://..., or memory://")
}

impl Endpoints {
    /// As [`Endpoints::of`], for a process that embeds nothing. Without a `result_backend` there are no results.
    ///
    /// # Errors
    ///
    /// [`Error::BadAddress`] also where they name the embedded queue.
    pub(crate) fn remote(settings: &Settings) -> Result<Endpoints, Error> {
        let endpoints = Endpoints::of(settings)?;
        if endpoints.broker.is_served() {
            return Err(unreachable("broker_url"));
        }
        if endpoints.backend.is_served() && settings.result_backend.is_some() {
            return Err(unreachable("result_backend"));
        }
        Ok(endpoints)
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Endpoints { broker: BROKER.into(), backend: BACKEND.into() }
    }
}

/// Through whom an application's calls go.
pub(crate) struct Client {
    pub(crate) producer: Addr<Producer>,
    pub(crate) backend: Addr<Backend>,
    revoke_in_backend: bool,
}

impl Client {
    pub(crate) async fn revoke(&self, ids: &[Arc<str>], terminate: bool) -> Result<(), Error> {
        if self.revoke_in_backend {
            self.backend.do_send(StoreRevoked { ids: ids.to_vec() });
        }
        let (told, reply) = oneshot::channel();
        self.producer.do_send(Revoke {
            ids: ids.to_vec(),
            terminate,
            reply: Box::new(move |sent| {
                // Nobody listens any more when the caller has gone.
                let _ = told.send(sent);
            }),
        });
        let sent = reply.await.map_err(|_| Error::NotRunning("the producer has stopped".to_owned()))?;
        Ok(sent?)
    }
}

/// The actors of one process. None of them connects before it is needed.
pub struct Node {
    env: Env,
    app: App,
    with: Colleagues,
    endpoints: Endpoints,
}

impl Node {
    /// Starts a process's broker, producer and backend actors, and lets the application's calls go through them.
    pub fn start(env: &Env, app: App, endpoints: &Endpoints) -> Node {
        let settings = app.shared_settings();
        let broker = Broker::start(env, settings.clone(), endpoints.broker.clone());
        let delays = Delays::new(&settings, &endpoints.broker);
        let replies = settings.results_are_replies().then(|| Replies::new(env, &settings));
        let producer =
            Producer::start(env, settings.clone(), app.routers(), broker.clone(), replies.clone(), delays.clone());
        let backend = match replies {
            Some(replies) => {
                let way = Way { replies, broker: endpoints.broker.clone(), producer: producer.clone() };
                Backend::start_rpc(env, settings, way)
            }
            None => Backend::start(env, settings, endpoints.backend.clone()),
        };
        let revoke_in_backend = app.settings().revoke_in_backend;
        app.set_client(Client { producer: producer.clone(), backend: backend.clone(), revoke_in_backend });
        Node {
            env: env.clone(),
            app,
            with: Colleagues { broker, producer, backend, delays },
            endpoints: endpoints.clone(),
        }
    }

    /// Starts a worker.
    pub(crate) fn worker(&self, apps: AppSource, options: WorkerOptions) -> Addr<Worker> {
        Worker::start(&self.env, self.app.clone(), apps, self.with.clone(), options)
    }

    /// Closes the connection to the broker, after everything that was sent on it.
    pub(crate) async fn close(&self) {
        let (told, closed) = oneshot::channel();
        let done = Box::new(move || {
            let _ = told.send(());
        });
        self.with.broker.do_send(Close { done });
        let _ = closed.await;
    }

    /// Starts a scheduler.
    pub fn beat(&self, entries: Vec<Entry>) {
        let settings = self.app.settings();
        self.beat_with(entries, settings.clone(), Some(settings.beat_schedule_filename.clone()));
    }

    /// Starts a scheduler with settings of its own, whose state is in this file if it is to outlive the process.
    pub(super) fn beat_with(&self, entries: Vec<Entry>, settings: Settings, state_file: Option<String>) {
        let tools = Tools {
            env: self.env.clone(),
            settings: Arc::new(settings),
            producer: self.with.producer.clone(),
            backend: self.endpoints.backend.clone(),
            app: self.app.name().into(),
            state_file,
        };
        crate::beat::start(tools, entries);
    }
}

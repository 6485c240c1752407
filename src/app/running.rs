//! The embedded queue, running: one thread, all actors on it.

use super::{App, Endpoints, Error, Node};
use crate::beat::Entry;
use crate::env::system::System;
use crate::env::{Env, Signal};
use crate::journal::{JournalError, Journaling};
use crate::settings::Settings;
use crate::worker::{ShutDown, WorkerOptions};
use std::path::Path;
use std::rc::Rc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// The running queue of an application. Dropping it shuts the queue down as [`Running::shutdown`] does, without waiting.
#[must_use = "dropping it shuts the queue down"]
pub struct Running {
    stop: mpsc::UnboundedSender<Signal>,
    stopped: oneshot::Receiver<i32>,
    /// Joined by nobody: it ends by itself when the worker has shut down.
    _thread: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(app: App) -> Result<Running, Error> {
        if app.client().is_ok() {
            return Err(Error::AlreadyStarted);
        }
        let (stop, signals) = mpsc::unbounded_channel();
        let (told_started, started) = std::sync::mpsc::channel();
        let (told_stopped, stopped) = oneshot::channel();
        let thread = crate::env::system::thread("simq", move || {
            let exit = actix::System::new().block_on(run(app, signals, move |result| {
                // Nobody waits for the news when the caller has gone.
                let _ = told_started.send(result);
            }));
            let _ = told_stopped.send(exit);
        });
        let thread = thread.map_err(|error| Error::NotRunning(error.to_string()))?;
        started.recv().map_err(|_| Error::NotRunning("its thread ended at once".to_owned()))??;
        Ok(Running { stop, stopped, _thread: thread })
    }

    /// Shuts down warmly: running tasks finish first.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(Signal::Terminate);
        let _ = (&mut self.stopped).await;
    }
}

/// Lives as long as the queue does; returns the exit status of its clients.
async fn run(app: App, signals: mpsc::UnboundedReceiver<Signal>, tell: impl FnOnce(Result<(), Error>)) -> i32 {
    let entries = match app.schedule_entries() {
        Ok(entries) => entries,
        Err(error) => {
            tell(Err(error));
            return 1;
        }
    };
    let system = System::new("embedded");
    // The servers outlive their clients: what a client said last is carried out.
    let serving = Env::new(system.beside("servers"));
    let endpoints = Endpoints::default();
    let servers = match Servers::start(&serving, &app, &endpoints).await {
        Ok(servers) => servers,
        Err(error) => {
            tell(Err(error.into()));
            return 1;
        }
    };
    let exited = system.exited();
    let env = Env::new(system);
    let node = Node::start(&env, app.clone(), &endpoints);
    if !entries.is_empty() {
        start_beat(&node, entries, app.settings());
    }
    let options = WorkerOptions { concurrency: crate::env::system::cores(), queues: Vec::new() };
    let worker = node.worker(Rc::new(move |_| app.clone()), options);
    env.spawn(pass_on(signals, worker));
    tell(Ok(()));
    let status = exited.await;
    servers.close(&serving).await;
    status
}

/// The embedded queue has one beat, which needs no lease. Its state is kept where the queue is kept, after each run: the
/// program that the queue is part of may end without a word.
fn start_beat(node: &Node, entries: Vec<Entry>, settings: &Settings) {
    let name = Path::new(&settings.beat_schedule_filename);
    let directory = settings.embedded_directory.as_deref().map(Path::new);
    let file = directory.map(|directory| directory.join(name)).or_else(|| name.is_absolute().then(|| name.to_owned()));
    let file = file.map(|file| file.to_string_lossy().into_owned());
    let sync_every = settings.beat_sync_every.max(1);
    node.beat_with(entries, Settings { beat_lease: false, beat_sync_every: sync_every, ..settings.clone() }, file);
}

/// The embedded servers, if they keep a journal.
struct Servers(Option<(Rc<crate::broker::server::Server>, Rc<crate::backend::server::Server>)>);

impl Servers {
    async fn start(env: &Env, app: &App, endpoints: &Endpoints) -> Result<Self, JournalError> {
        use crate::{backend::server as backend, broker::server as broker};
        let max_results = app.settings().embedded_max_result_bytes;
        let Some(journaling) = Journaling::new(app.settings()) else {
            broker::serve(env, &endpoints.broker);
            backend::serve(env, &endpoints.backend, max_results);
            return Ok(Servers(None));
        };
        let broker = broker::serve_kept(env, &endpoints.broker, &journaling).await?;
        let backend = backend::serve_kept(env, &endpoints.backend, &journaling, max_results).await?;
        Ok(Servers(Some((broker, backend))))
    }

    /// Carries out what the clients said before they went, and leaves it on the disk.
    async fn close(self, env: &Env) {
        let Some((broker, backend)) = self.0 else { return };
        broker.drained().await;
        backend.drained().await;
        env.exit(0);
        for closed in [broker.close().await, backend.close().await] {
            if let Err(error) = closed {
                tracing::error!(%error, "the queue's directory is as a kill would have left it");
            }
        }
    }
}

async fn pass_on(mut signals: mpsc::UnboundedReceiver<Signal>, worker: actix::Addr<crate::worker::Worker>) {
    // A handle that is dropped asks for the same as one that is shut down.
    let signal = signals.recv().await.unwrap_or(Signal::Terminate);
    worker.do_send(ShutDown(signal));
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

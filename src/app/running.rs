//! The embedded queue, running: one thread, all actors on it.

use super::{App, Endpoints, Error, Node};
use crate::env::system::System;
use crate::env::{Env, Signal};
use crate::worker::{ShutDown, WorkerOptions};
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
            let exit = actix::System::new().block_on(async move {
                let system = System::new("embedded");
                let exited = system.exited();
                let env = Env::new(system);
                let node = start_embedded(&env, &app);
                let worker = node.worker(
                    Rc::new(move |_| app.clone()),
                    WorkerOptions { concurrency: crate::env::system::cores(), queues: Vec::new() },
                );
                env.spawn(pass_on(signals, worker));
                // Nobody waits for the news when the caller has gone.
                let _ = told_started.send(());
                exited.await
            });
            let _ = told_stopped.send(exit);
        });
        let thread = thread.map_err(|error| Error::NotRunning(error.to_string()))?;
        started.recv().map_err(|_| Error::NotRunning("its thread ended at once".to_owned()))?;
        Ok(Running { stop, stopped, _thread: thread })
    }

    /// Shuts down warmly: running tasks finish first.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(Signal::Terminate);
        let _ = (&mut self.stopped).await;
    }
}

/// Broker, result store and the actors that use them, in one process.
fn start_embedded(env: &Env, app: &App) -> Node {
    let endpoints = Endpoints::default();
    crate::broker::server::serve(env, &endpoints.broker);
    crate::backend::server::serve(env, &endpoints.backend);
    Node::start(env, app.clone(), &endpoints)
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

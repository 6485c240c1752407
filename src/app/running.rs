//! The queue, or a client of one, running beside the program: one thread, all actors on it.

use super::servers::Servers;
use super::{App, Endpoints, Error, Node};
use crate::beat::Entry;
use crate::env::system::{self, System};
use crate::env::{Env, LocalFuture, Signal};
use crate::settings::{Fsync, Settings};
use crate::worker::{ShutDown, WorkerOptions};
use std::path::Path;
use std::rc::Rc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Tasks that have run and wait for the sync of their results, at most: what a loss of power may have run again.
const FINISHING: u32 = 256;

/// The running queue of an application, or its connection to one. Dropping it shuts down as [`Running::shutdown`] does,
/// without waiting.
#[must_use = "dropping it shuts the queue down"]
pub struct Running {
    stop: mpsc::UnboundedSender<Signal>,
    stopped: oneshot::Receiver<i32>,
    /// Joined by nobody: it ends by itself when the worker has shut down.
    _thread: JoinHandle<()>,
}

impl Running {
    /// With a worker, and beat if there is a schedule.
    pub(super) fn start(app: App) -> Result<Running, Error> {
        Running::on_a_thread(app, |app, signals, tell| Box::pin(run(app, signals, tell)))
    }

    /// With nothing but a way to the broker and the result store.
    pub(super) fn connect(app: App) -> Result<Running, Error> {
        Running::on_a_thread(app, |app, signals, tell| Box::pin(call_only(app, signals, tell)))
    }

    fn on_a_thread(
        app: App,
        life: impl FnOnce(App, Signals, Tell) -> LocalFuture<i32> + Send + 'static,
    ) -> Result<Running, Error> {
        if app.client().is_ok() {
            return Err(Error::AlreadyStarted);
        }
        let (stop, signals) = mpsc::unbounded_channel();
        let (told_started, started) = std::sync::mpsc::channel();
        let (told_stopped, stopped) = oneshot::channel();
        let thread = system::thread("simq", move || {
            let tell = Box::new(move |result| {
                // Nobody waits for the news when the caller has gone.
                let _ = told_started.send(result);
            });
            let exit = actix::System::new().block_on(life(app, signals, tell));
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

type Signals = mpsc::UnboundedReceiver<Signal>;
/// Says whether it has started.
type Tell = Box<dyn FnOnce(Result<(), Error>)>;

/// Lives until it is told to end.
async fn call_only(app: App, mut signals: Signals, tell: Tell) -> i32 {
    let endpoints = match Endpoints::remote(app.settings()) {
        Ok(endpoints) => endpoints,
        Err(error) => {
            tell(Err(error));
            return 1;
        }
    };
    let env = Env::new(System::new(&system::host()));
    let node = Node::start(&env, app, &endpoints);
    tell(Ok(()));
    let _ = signals.recv().await;
    node.close().await;
    env.exit(0);
    0
}

/// Lives as long as the queue does; returns the exit status of its clients.
async fn run(app: App, signals: Signals, tell: Tell) -> i32 {
    let entries = match app.schedule_entries() {
        Ok(entries) => entries,
        Err(error) => {
            tell(Err(error));
            return 1;
        }
    };
    let process = System::new(&name_of(app.settings()));
    // The servers outlive their clients: what a client said last is carried out.
    let serving = Env::new(process.beside("servers"));
    let started = async {
        let endpoints = Endpoints::of(app.settings())?;
        Ok::<_, Error>((Servers::start(&serving, &app, &endpoints).await?, endpoints))
    };
    let (servers, endpoints) = match started.await {
        Ok(started) => started,
        Err(error) => {
            tell(Err(error));
            return 1;
        }
    };
    let exited = process.exited();
    let env = Env::new(process);
    let node = Node::start(&env, app.clone(), &endpoints);
    if !entries.is_empty() {
        start_beat(&node, entries, app.settings());
    }
    // A result waits for the disk, and so do its task's ack and, with it, a place in the window.
    let synced = app.settings().embedded_directory.is_some() && app.settings().embedded_fsync == Fsync::Always;
    let finishing = if synced { FINISHING } else { 0 };
    let options = WorkerOptions { concurrency: system::cores(), queues: Vec::new(), finishing };
    let worker = node.worker(Rc::new(move |_| app.clone()), options);
    env.spawn(pass_on(signals, worker));
    tell(Ok(()));
    let status = exited.await;
    servers.close(&serving).await;
    status
}

/// What this process is called among workers. Two of one name would share a queue of remote control, which RabbitMQ lets
/// only one of them have.
fn name_of(settings: &Settings) -> String {
    let alone = Endpoints::of(settings).map_or(true, |endpoints| endpoints.broker.is_served());
    if alone { "embedded".to_owned() } else { format!("{}@{}", system::one_of_many(), system::host()) }
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

async fn pass_on(mut signals: Signals, worker: actix::Addr<crate::worker::Worker>) {
    // A handle that is dropped asks for the same as one that is shut down.
    let signal = signals.recv().await.unwrap_or(Signal::Terminate);
    worker.do_send(ShutDown(signal));
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

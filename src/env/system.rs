//! The real world: the machine's clock, the operating system's randomness, actix on a tokio runtime.
//!
//! Connections stay inside the process: this is the embedded queue. The lints that keep time, randomness and threads out
//! of the rest of the house are lifted here, and only here.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the door that everybody else has to use"
)]

mod amqp;
mod configuration;
mod disk;
pub(crate) mod leash;
mod machine;
mod program;
mod redis;
pub(crate) mod signals;
#[cfg(feature = "sim")]
mod stopwatch;
mod tls;

#[cfg(feature = "sim")]
pub(crate) use stopwatch::{Stopwatch, thread_time};

#[cfg(feature = "sim")]
pub(crate) use configuration::read_up_to;
pub(crate) use configuration::sources;
pub(crate) use machine::{cores, host, one_of_many};

use super::amqp::{AmqpUrl, Connecting};
use super::program::{NotStarted, Program, RunningProgram};
use super::redis::{RedisConnection, RedisUrl};
use super::{
    Child, ChildExit, ChildMain, ConnectError, Directory, DiskError, Env, Instant, Listener, LocalFuture, Signal,
    Socket, World, pair,
};
use crate::events::Event;
use crate::message::Timestamp;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// A process of the real world. Must live inside of a running actix system.
#[derive(Clone)]
pub struct System {
    shared: Rc<Shared>,
    scope: Rc<Scope>,
    /// Signals that it has not handled yet.
    inbox: Rc<signals::Inbox>,
    name: Arc<str>,
}

struct Shared {
    start: std::time::Instant,
    servers: RefCell<BTreeMap<String, Rc<Backlog>>>,
    randomness: RefCell<Vec<u64>>,
    state: PathBuf,
    /// `None`: signals are the business of the program that this is part of.
    signals: Option<signals::Signals>,
    leash: Option<PathBuf>,
}

/// What ends together: the tasks of the process, or of one child.
#[derive(Default)]
struct Scope {
    tasks: RefCell<Tasks>,
    exit: RefCell<Option<ChildExit>>,
    status: Cell<i32>,
    waiting: RefCell<Vec<Waker>>,
}

/// The tasks of a scope, and some that have ended: they are forgotten whenever the list is twice as long as it was
/// after the last time, so that a task costs no more where many live.
#[derive(Default)]
struct Tasks {
    handles: Vec<tokio::task::AbortHandle>,
    forget_at: usize,
}

impl Tasks {
    fn add(&mut self, handle: tokio::task::AbortHandle) {
        if self.handles.len() >= self.forget_at {
            self.handles.retain(|task| !task.is_finished());
            self.forget_at = 2 * self.handles.len().max(16);
        }
        self.handles.push(handle);
    }
}

impl Scope {
    fn end(&self, how: String, status: i32) {
        if self.exit.borrow().is_none() {
            *self.exit.borrow_mut() = Some(ChildExit { how });
            self.status.set(status);
            self.tasks.take().handles.into_iter().for_each(|task| task.abort());
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    fn poll_exit(&self, cx: &mut Context<'_>) -> Poll<ChildExit> {
        match &*self.exit.borrow() {
            Some(exit) => Poll::Ready(exit.clone()),
            None => {
                self.waiting.borrow_mut().push(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl System {
    /// A process of that name, with the current directory for its state files. It leaves signals to the program that it
    /// is part of.
    pub fn new(name: &str) -> Self {
        System::with(name, None, None)
    }

    /// The whole program: signals are its own. `leash` starts the program with which [`leash`] keeps others.
    pub(crate) fn alone(name: &str, leash: Option<PathBuf>) -> Self {
        System::with(name, Some(signals::Signals::default()), leash)
    }

    fn with(name: &str, signals: Option<signals::Signals>, leash: Option<PathBuf>) -> Self {
        let shared = Shared {
            start: std::time::Instant::now(),
            servers: RefCell::default(),
            randomness: RefCell::default(),
            state: PathBuf::from("."),
            signals,
            leash,
        };
        System::of(Rc::new(shared), name)
    }

    fn of(shared: Rc<Shared>, name: &str) -> Self {
        let inbox = Rc::<signals::Inbox>::default();
        shared.signals.iter().for_each(|signals| signals.add(&inbox));
        System { shared, scope: Rc::default(), inbox, name: name.into() }
    }

    /// A process beside this one, with an end of its own: it can connect to what this one serves.
    pub(crate) fn beside(&self, name: &str) -> Self {
        System::of(self.shared.clone(), name)
    }

    /// Has a signal handled as if it had come from outside.
    pub(crate) fn raise(&self, signal: Signal) {
        self.shared.signals.iter().for_each(|signals| signals.raise(signal));
    }

    /// Completes with the exit status once the process has exited.
    pub fn exited(&self) -> impl Future<Output = i32> + 'static {
        let scope = self.scope.clone();
        async move {
            poll_fn(|cx| scope.poll_exit(cx)).await;
            scope.status.get()
        }
    }
}

/// Starts a thread.
pub(crate) fn thread(name: &str, main: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(main)
}

/// Threads that end before the call does.
#[cfg(feature = "sim")]
pub(crate) fn scope<'env, T>(work: impl for<'scope> FnOnce(&'scope std::thread::Scope<'scope, 'env>) -> T) -> T {
    std::thread::scope(work)
}

impl World for System {
    fn now(&self) -> Instant {
        Instant(u64::try_from(self.shared.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Instant) -> LocalFuture<()> {
        if at == Instant::NEVER {
            return Box::pin(std::future::pending());
        }
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }

    fn spawn(&self, task: LocalFuture<()>) {
        let handle = tokio::task::spawn_local(task).abort_handle();
        self.scope.tasks.borrow_mut().add(handle);
    }

    fn random(&self) -> u64 {
        let mut randomness = self.shared.randomness.borrow_mut();
        if randomness.is_empty() {
            let mut bytes = [0; 4096];
            getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
            randomness.extend(bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_ne_bytes(*chunk)));
        }
        randomness.pop().unwrap_or_default()
    }

    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    fn connect(&self, server: &str) -> LocalFuture<Result<Box<dyn Socket>, ConnectError>> {
        let backlog = self.shared.servers.borrow().get(server).cloned();
        let refused = || ConnectError { server: server.to_owned(), reason: "nobody serves under that name".to_owned() };
        let connected = backlog.ok_or_else(refused).map(|backlog| {
            let (ours, theirs) = pair();
            backlog.waiting.borrow_mut().push_back(theirs);
            backlog.waker.take().into_iter().for_each(Waker::wake);
            ours
        });
        Box::pin(std::future::ready(connected))
    }

    fn connect_redis(&self, url: &RedisUrl) -> LocalFuture<Result<Box<dyn RedisConnection>, ConnectError>> {
        Box::pin(redis::connect(url.clone()))
    }

    fn connect_amqp(&self, url: &AmqpUrl, heartbeat: u16) -> Connecting {
        Box::pin(amqp::connect(url.clone(), heartbeat))
    }

    fn listen(&self, server: &str) -> Box<dyn Listener> {
        let backlog = Rc::<Backlog>::default();
        self.shared.servers.borrow_mut().insert(server.to_owned(), backlog.clone());
        Box::new(Accepting(backlog))
    }

    fn start_child(&self, number: usize, main: ChildMain) -> (Box<dyn Child>, Box<dyn Socket>) {
        let scope = Rc::<Scope>::default();
        let child = System {
            shared: self.shared.clone(),
            scope: scope.clone(),
            inbox: Rc::default(),
            name: format!("{}/{number}", self.name).into(),
        };
        let (ours, theirs) = pair();
        main(Env::new(child), theirs);
        (Box::new(Task(scope)), ours)
    }

    fn exit(&self, status: i32) {
        self.scope.end(format!("exitcode {status}"), status);
    }

    fn next_signal(&self) -> LocalFuture<Signal> {
        match &self.shared.signals {
            None => Box::pin(std::future::pending()),
            Some(signals) => {
                signals.listen();
                let inbox = self.inbox.clone();
                Box::pin(poll_fn(move |cx| inbox.poll(cx)))
            }
        }
    }

    fn start_program(&self, program: Program) -> Result<Box<dyn RunningProgram>, NotStarted> {
        program::start(program, self.shared.leash.as_deref())
    }

    fn emit(&self, event: &Event<'_>) {
        tracing::debug!(target: "simq::events", process = %self.name, "{event}");
    }

    fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.shared.state.join(path)).ok()
    }

    fn replace_file(&self, path: &str, bytes: Vec<u8>) {
        let target = self.shared.state.join(path);
        let aside = target.with_extension("new");
        let written = fs::File::create(&aside)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&aside, &target));
        if let Err(error) = written {
            tracing::error!(file = %target.display(), %error, "state not written");
        }
    }

    fn open_directory(&self, path: &str) -> Result<Rc<dyn Directory>, DiskError> {
        Ok(Rc::new(disk::open(&self.shared.state.join(path))?))
    }

    fn durable(&self, _: &'static str, new: &dyn Fn() -> Rc<dyn Any>) -> Rc<dyn Any> {
        new()
    }
}

/// A pool child that is a set of async tasks of this process.
struct Task(Rc<Scope>);

impl Child for Task {
    fn kill(&self) {
        self.0.end("signal 9 (SIGKILL)".to_owned(), 137);
    }

    fn exited(&self) -> LocalFuture<ChildExit> {
        let scope = self.0.clone();
        Box::pin(async move { poll_fn(|cx| scope.poll_exit(cx)).await })
    }
}

#[derive(Default)]
struct Backlog {
    waiting: RefCell<VecDeque<Box<dyn Socket>>>,
    waker: Cell<Option<Waker>>,
}

struct Accepting(Rc<Backlog>);

impl Listener for Accepting {
    fn accept(&self) -> LocalFuture<Box<dyn Socket>> {
        let backlog = self.0.clone();
        Box::pin(poll_fn(move |cx| match backlog.waiting.borrow_mut().pop_front() {
            Some(socket) => Poll::Ready(socket),
            None => {
                backlog.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }))
    }
}

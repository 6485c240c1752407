//! The only door to time, randomness, ids, processes, connections and files.
//!
//! An [`Env`] is what a process of simq sees of its world. There are two worlds: [`System`](system::System), with the
//! machine's clock and the operating system's randomness, and the simulated cluster, which lives behind the feature
//! `sim`. Everything above this room is the same code in both.
//!
//! Shared code starts actors and tasks, sleeps and sets timers through `Env` only. actix's own `run_later`, registries
//! and arbiters, and tokio's `sleep` and `spawn`, are banned outside of this room by clippy.

mod alarm;
pub mod amqp;
mod deadline;
mod digest;
mod directory;
mod endpoint;
mod link;
mod pair;
mod program;
mod reader;
pub mod redis;
pub mod system;
mod time;
mod timeout;

pub use alarm::Alarm;
pub(crate) use deadline::Deadline;
pub use digest::Digest;
pub use directory::{Directory, DiskError};
pub use endpoint::Endpoint;
pub use link::{ConnectError, Frame, Link, Listener, Socket};
pub(crate) use pair::pair;
pub use program::{NotStarted, Program, ProgramEnd, RunningProgram};
pub use reader::OnFrame;
pub use time::Instant;
pub use timeout::Elapsed;

use crate::events::Event;
use crate::message::Timestamp;
use actix::{Actor, Addr, AsyncContext, Context};
use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A future that stays on its thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// How a child process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildExit {
    /// As Python's billiard words it: `signal 9 (SIGKILL)`, `exitcode 1`.
    pub how: String,
}

/// What ended or disturbed a process from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
}

/// What runs in a child: gets the child's own door and its end of the pipe.
pub type ChildMain = Box<dyn FnOnce(Env, Box<dyn Socket>)>;

/// A child process, seen from its parent.
pub trait Child {
    /// Ends it at once.
    fn kill(&self);
    /// Waits for its end.
    fn exited(&self) -> LocalFuture<ChildExit>;
}

/// What a world offers a process. Implemented once for each world; used through [`Env`].
pub trait World {
    /// Monotonic time.
    fn now(&self) -> Instant;
    /// The host's wall clock, right or wrong.
    fn wall(&self) -> Timestamp;
    /// Completes at `at`.
    fn sleep_until(&self, at: Instant) -> LocalFuture<()>;
    /// Adds a task to this process.
    fn spawn(&self, task: LocalFuture<()>);
    /// 64 random bits.
    fn random(&self) -> u64;
    /// The process's name, `w1` or `w1/2`.
    fn name(&self) -> Arc<str>;
    /// Connects to the server of that name.
    fn connect(&self, server: &str) -> LocalFuture<Result<Box<dyn Socket>, ConnectError>>;
    /// Connects to a Redis server.
    fn connect_redis(
        &self,
        url: &redis::RedisUrl,
    ) -> LocalFuture<Result<Box<dyn redis::RedisConnection>, ConnectError>>;
    /// Connects to a RabbitMQ server, with a heartbeat of so many seconds.
    fn connect_amqp(&self, url: &amqp::AmqpUrl, heartbeat: u16) -> amqp::Connecting;
    /// Serves under this process's host name.
    fn listen(&self, server: &str) -> Box<dyn Listener>;
    /// Starts a child that dies with this process.
    fn start_child(&self, number: usize, main: ChildMain) -> (Box<dyn Child>, Box<dyn Socket>);
    /// Starts a program.
    fn start_program(&self, program: Program) -> Result<Box<dyn RunningProgram>, NotStarted>;
    /// Ends this process; what follows the call has no effect.
    fn exit(&self, status: i32);
    /// The next signal; from the first call on, signals are this process's to handle.
    fn next_signal(&self) -> LocalFuture<Signal>;
    /// Reports a fact to whoever observes.
    fn emit(&self, event: &Event<'_>);
    /// Reads a file of the process's state directory; `None` when there is none.
    fn read_file(&self, path: &str) -> Option<Vec<u8>>;
    /// Replaces a file atomically and durably.
    fn replace_file(&self, path: &str, bytes: Vec<u8>);
    /// Takes a directory for this process alone, and makes it if there is none.
    fn open_directory(&self, path: &str) -> Result<Rc<dyn Directory>, DiskError>;
    /// A state machine that outlives the process where the world has durable storage for it.
    fn durable(&self, name: &'static str, new: &dyn Fn() -> Rc<dyn Any>) -> Rc<dyn Any>;
}

/// A process's door to its world. Cheap to clone.
#[derive(Clone)]
pub struct Env(Rc<dyn World>);

impl Env {
    /// The door to `world`.
    pub fn new(world: impl World + 'static) -> Self {
        Env(Rc::new(world))
    }

    /// Monotonic time.
    #[inline]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// The host's wall clock.
    pub fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    /// Waits.
    pub fn sleep(&self, duration: Duration) -> LocalFuture<()> {
        self.0.sleep_until(self.0.now() + duration)
    }

    /// Waits until an instant.
    pub fn sleep_until(&self, at: Instant) -> LocalFuture<()> {
        self.0.sleep_until(at)
    }

    /// Adds a task to this process.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.spawn(Box::pin(task));
    }

    /// Starts an actor in this process. The future that drives it is polled by whoever drives this world.
    pub fn start<A: Actor<Context = Context<A>>>(&self, make: impl FnOnce(&mut Context<A>) -> A) -> Addr<A> {
        let mut ctx = Context::new();
        let address = ctx.address();
        let actor = make(&mut ctx);
        self.0.spawn(Box::pin(ctx.into_future(actor)));
        address
    }

    /// 64 random bits.
    pub fn random(&self) -> u64 {
        self.0.random()
    }

    /// A number from 0 to `bound`, included.
    pub fn random_up_to(&self, bound: u64) -> u64 {
        match bound.checked_add(1) {
            Some(span) => ((u128::from(self.0.random()) * u128::from(span)) >> 64) as u64,
            None => self.0.random(),
        }
    }

    /// A version 4 UUID as text: task ids, delivery tags.
    pub fn uuid(&self) -> Arc<str> {
        let bytes = (u128::from(self.0.random()) << 64) | u128::from(self.0.random());
        let uuid = uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid();
        uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).into()
    }

    /// The process's name.
    pub fn name(&self) -> Arc<str> {
        self.0.name()
    }

    /// Connects to a server of simq's own and says what the two exchange.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when nobody serves under that name, or nothing answers within `limit`.
    pub async fn connect<S: Frame, R: Frame>(
        &self,
        server: Arc<str>,
        limit: Duration,
    ) -> Result<Link<S, R>, ConnectError> {
        let late = |Elapsed| ConnectError { server: server.to_string(), reason: format!("no answer within {limit:?}") };
        let connected = self.timeout(limit, self.0.connect(&server)).await;
        Ok(Link::new(connected.map_err(late)??))
    }

    /// Connects to a Redis server: that of the address, or the master that its Sentinels name now.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when there is none, it does not let this process in, or it does not answer within `limit`.
    pub async fn connect_redis(
        &self,
        url: &redis::RedisUrl,
        limit: Duration,
    ) -> Result<Box<dyn redis::RedisConnection>, ConnectError> {
        match url.sentinels() {
            Some(sentinels) => crate::redis::connect_to_master(self, url, sentinels, limit).await,
            None => self.connect_redis_server(url, limit).await,
        }
    }

    /// The same, whoever its Sentinels call the master.
    pub(crate) async fn connect_redis_server(
        &self,
        url: &redis::RedisUrl,
        limit: Duration,
    ) -> Result<Box<dyn redis::RedisConnection>, ConnectError> {
        // A server without TLS waits for the end of what it takes for a line.
        let doubt = if url.tls().is_some() { "; is TLS spoken on this port?" } else { "" };
        let reason = || format!("no answer within {limit:?}{doubt}");
        let late = |Elapsed| ConnectError { server: url.to_string(), reason: reason() };
        self.timeout(limit, self.0.connect_redis(url)).await.map_err(late)?
    }

    /// Connects to a RabbitMQ server, with a heartbeat of so many seconds at most; 0 leaves it to the server.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when there is none, it does not let this process in, or it does not answer within `limit`.
    pub async fn connect_amqp(
        &self,
        url: &amqp::AmqpUrl,
        heartbeat: u16,
        limit: Duration,
    ) -> Result<Box<dyn amqp::AmqpConnection>, ConnectError> {
        let late = |Elapsed| ConnectError { server: url.to_string(), reason: format!("no answer within {limit:?}") };
        self.timeout(limit, self.0.connect_amqp(url, heartbeat)).await.map_err(late)?
    }

    /// Serves under this name.
    pub fn listen(&self, server: &str) -> Box<dyn Listener> {
        self.0.listen(server)
    }

    /// Starts a child of this process and returns it with the pipe to it.
    pub fn start_child<S: Frame, R: Frame>(
        &self,
        number: usize,
        main: impl FnOnce(Env, Link<R, S>) + 'static,
    ) -> (Box<dyn Child>, Link<S, R>) {
        let (child, pipe) = self.0.start_child(number, Box::new(|env, pipe| main(env, Link::new(pipe))));
        (child, Link::new(pipe))
    }

    /// Starts a program that is no part of simq, in a process group of its own.
    ///
    /// # Errors
    ///
    /// [`NotStarted`].
    pub fn start_program(&self, program: Program) -> Result<Box<dyn RunningProgram>, NotStarted> {
        self.0.start_program(program)
    }

    /// Ends this process.
    pub fn exit(&self, status: i32) {
        self.0.exit(status);
    }

    /// The next signal.
    pub fn next_signal(&self) -> LocalFuture<Signal> {
        self.0.next_signal()
    }

    /// Reports a fact.
    #[inline]
    pub fn emit(&self, event: &Event<'_>) {
        self.0.emit(event);
    }

    /// Reads a file of the process's state directory.
    pub fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        self.0.read_file(path)
    }

    /// Replaces a file of the process's state directory, atomically and durably.
    pub fn replace_file(&self, path: &str, bytes: Vec<u8>) {
        self.0.replace_file(path, bytes);
    }

    /// Takes a directory for this process alone, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`DiskError::InUse`] when another process has it, or whatever the operating system has against it.
    pub fn open_directory(&self, path: &str) -> Result<Rc<dyn Directory>, DiskError> {
        self.0.open_directory(path)
    }

    /// A state machine that outlives the process where the world has durable storage for it.
    pub fn durable<T: 'static>(&self, name: &'static str, new: fn() -> T) -> Rc<RefCell<T>> {
        let fresh = move || -> Rc<dyn Any> { Rc::new(RefCell::new(new())) };
        self.0.durable(name, &fresh).downcast().unwrap_or_else(|_| Rc::new(RefCell::new(new())))
    }
}

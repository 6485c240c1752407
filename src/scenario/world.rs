//! The simulated world behind [`Env`]: a thin layer between simq's processes and `simq-sim`.

use super::ledger::Ledger;
use crate::env::amqp::{AmqpUrl, Connecting};
use crate::env::redis::{RedisConnection, RedisUrl};
use crate::env::{
    Child, ChildExit, ChildMain, ConnectError, Directory, DiskError, Env, Frame, Instant, Listener, LocalFuture,
    NotStarted, Program, RunningProgram, Signal, Socket, World,
};
use crate::events::Event;
use crate::message::Timestamp;
use simq_sim::{Connection, Payload, Process};
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// One simulated process as its code sees it.
pub(super) struct Simulated {
    process: Process,
    name: Arc<str>,
    ledger: Rc<RefCell<Ledger>>,
    /// Messages that fit into its memory.
    memory: Option<u32>,
}

/// Exit status of a process that the kernel killed for its memory, as containers tell it.
const OUT_OF_MEMORY: i32 = 137;

/// The door of a simulated process.
pub(super) fn env(process: Process, ledger: Rc<RefCell<Ledger>>) -> Env {
    env_of_worker(process, ledger, None)
}

/// The door of a worker, with as much memory as it has.
pub(super) fn env_of_worker(process: Process, ledger: Rc<RefCell<Ledger>>, memory: Option<u32>) -> Env {
    let name = Arc::from(&*process.name());
    Env::new(Simulated { process, name, ledger, memory })
}

impl World for Simulated {
    fn now(&self) -> Instant {
        Instant(self.process.now())
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(self.process.wall_micros())
    }

    fn sleep_until(&self, at: Instant) -> LocalFuture<()> {
        if at == Instant::NEVER {
            return Box::pin(std::future::pending());
        }
        Box::pin(self.process.sleep_until(at.0))
    }

    fn spawn(&self, task: LocalFuture<()>) {
        self.process.spawn_boxed(task);
    }

    fn random(&self) -> u64 {
        self.process.random()
    }

    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    fn connect(&self, server: &str) -> LocalFuture<Result<Box<dyn Socket>, ConnectError>> {
        let connecting = self.process.connect(server);
        let server = server.to_owned();
        Box::pin(async move {
            match connecting.await {
                Ok(connection) => Ok(Box::new(Wire(connection)) as Box<dyn Socket>),
                Err(error) => Err(ConnectError { server, reason: error.to_string() }),
            }
        })
    }

    fn connect_redis(&self, url: &RedisUrl) -> LocalFuture<Result<Box<dyn RedisConnection>, ConnectError>> {
        let connecting = self.process.connect(url.host().unwrap_or_default());
        let (env, url) = (env(self.process.clone(), self.ledger.clone()), url.clone());
        Box::pin(async move {
            match connecting.await {
                Ok(connection) => super::redis::connect(&env, &url, Box::new(Wire(connection))).await,
                Err(error) => Err(ConnectError { server: url.to_string(), reason: error.to_string() }),
            }
        })
    }

    fn connect_amqp(&self, url: &AmqpUrl, heartbeat: u16) -> Connecting {
        let connecting = self.connect(url.host());
        let (env, url) = (env(self.process.clone(), self.ledger.clone()), url.clone());
        Box::pin(async move { super::rabbit::connect(&env, &url, heartbeat, connecting.await?).await })
    }

    fn listen(&self, _: &str) -> Box<dyn Listener> {
        Box::new(Accepting(Rc::new(self.process.listen())))
    }

    fn start_child(&self, number: usize, main: ChildMain) -> (Box<dyn Child>, Box<dyn Socket>) {
        let ledger = self.ledger.clone();
        let child = self.process.start_child(&number.to_string(), |process, pipe| {
            main(env(process, ledger), Box::new(Wire(pipe)));
        });
        let pipe = child.pipe.clone();
        (Box::new(PoolChild(child)), Box::new(Wire(pipe)))
    }

    fn start_program(&self, program: Program) -> Result<Box<dyn RunningProgram>, NotStarted> {
        let reason = "a simulated cluster starts no programs".to_owned();
        Err(NotStarted { program: program.program, reason })
    }

    fn exit(&self, status: i32) {
        self.process.exit(status);
    }

    fn next_signal(&self) -> LocalFuture<Signal> {
        let process = self.process.clone();
        Box::pin(async move {
            loop {
                match process.next_signal().await {
                    simq_sim::Signal::Terminate => return Signal::Terminate,
                    simq_sim::Signal::Interrupt => return Signal::Interrupt,
                    simq_sim::Signal::Quit => return Signal::Quit,
                    // For simulated servers only.
                    _ => {}
                }
            }
        })
    }

    fn emit(&self, event: &Event<'_>) {
        if self.process.note(event.what.name(), event.digest(), event) {
            self.ledger.borrow_mut().observe(self.process.now(), &self.name, event);
        }
        if let Some(memory) = self.memory
            && self.ledger.borrow().held(&self.name) > u64::from(memory)
        {
            self.process.exit(OUT_OF_MEMORY);
        }
    }

    fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        self.process.read_file(path)
    }

    fn replace_file(&self, path: &str, bytes: Vec<u8>) {
        self.process.replace_file(path, bytes);
    }

    fn open_directory(&self, path: &str) -> Result<Rc<dyn Directory>, DiskError> {
        Ok(Rc::new(Folder { process: self.process.clone(), path: format!("{path}/") }))
    }

    fn durable(&self, name: &'static str, new: &dyn Fn() -> Rc<dyn Any>) -> Rc<dyn Any> {
        let kept = self.process.durable(name, new);
        kept.map_or_else(new, |kept| kept.borrow().clone())
    }
}

/// A folder of a host's disk. A host runs one process, so it needs no lock.
struct Folder {
    process: Process,
    path: String,
}

impl Folder {
    fn of(&self, file: &str) -> String {
        format!("{}{file}", self.path)
    }
}

impl Directory for Folder {
    fn path(&self) -> &str {
        &self.path
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        Ok(self.process.list_files(&self.path))
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, DiskError> {
        let missing = || DiskError::Io { action: "read", path: self.of(file), reason: "no such file".to_owned() };
        self.process.read_file(&self.of(file)).ok_or_else(missing)
    }

    fn append(&self, file: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.process.append_file(&self.of(file), bytes);
        Ok(())
    }

    fn sync(&self, file: &str) -> LocalFuture<Result<(), DiskError>> {
        let synced = self.process.sync_file(&self.of(file));
        Box::pin(async move {
            synced.await;
            Ok(())
        })
    }

    fn replace(&self, file: &str, bytes: Vec<u8>) -> LocalFuture<Result<(), DiskError>> {
        let (process, path) = (self.process.clone(), self.of(file));
        Box::pin(async move {
            process.sleep(simq_sim::SYNC_TIME).await;
            process.replace_file(&path, bytes);
            Ok(())
        })
    }

    fn remove(&self, file: &str) -> Result<(), DiskError> {
        self.process.remove_file(&self.of(file));
        Ok(())
    }
}

/// A frame on its way through the simulated network.
struct Packet(Box<dyn Frame>);

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Payload for Packet {
    fn label(&self) -> &'static str {
        self.0.label()
    }

    fn digest(&self) -> u64 {
        self.0.digest()
    }

    fn duplicate(&self) -> Option<Box<dyn Payload>> {
        Some(Box::new(Packet(self.0.duplicate()?)))
    }
}

struct Wire(Connection);

impl Socket for Wire {
    fn send(&self, frame: Box<dyn Frame>) {
        self.0.send(Box::new(Packet(frame)));
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Box<dyn Frame>>> {
        self.0.poll_recv(cx).map(|payload| {
            let payload: Box<dyn Any> = payload?;
            payload.downcast::<Packet>().ok().map(|packet| packet.0)
        })
    }

    fn close(&self) {
        self.0.close();
    }
}

struct Accepting(Rc<simq_sim::Listener>);

impl Listener for Accepting {
    fn accept(&self) -> LocalFuture<Box<dyn Socket>> {
        let listener = self.0.clone();
        Box::pin(async move { Box::new(Wire(listener.accept().await)) as Box<dyn Socket> })
    }
}

struct PoolChild(simq_sim::Child);

impl Child for PoolChild {
    fn kill(&self) {
        self.0.kill();
    }

    fn exited(&self) -> LocalFuture<ChildExit> {
        let exited = self.0.exited();
        Box::pin(async move {
            let how = match exited.await {
                simq_sim::Exit::Status(status) => format!("exitcode {status}"),
                simq_sim::Exit::OutOfMemory => "signal 9 (SIGKILL)".to_owned(),
                other => other.to_string(),
            };
            ChildExit { how }
        })
    }
}

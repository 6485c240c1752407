//! A simulated process: a set of futures with an owner.
//!
//! A *host* has a name, a disk, a wall clock and a program; a *process* is one life of that program, or a child it
//! started. Kill marks the process dead first and drops its futures afterwards, so that whatever their destructors do
//! comes to nothing: every handle of a dead process is inert.

use crate::choices::Stream;
use crate::disk::Disk;
use crate::life::Exit;
use crate::life::wait;
use crate::net::{Connection, Listener};
use crate::shared::Shared;
use crate::timer::{Sleep, nanos};
use crate::trace::What;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

/// One life of one process. Never reused, so a stale handle can't mean a later life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId(pub(crate) u32);

/// A signal that a process can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
    /// What only this program understands, in words: `disk alarm`.
    Custom(&'static str),
}

impl Signal {
    /// Tells the kinds apart.
    pub(crate) fn number(self) -> u64 {
        match self {
            Signal::Terminate => 0,
            Signal::Interrupt => 1,
            Signal::Quit => 2,
            Signal::User1 => 3,
            Signal::User2 => 4,
            Signal::Custom(what) => xxh3_64(what.as_bytes()) | 1 << 63,
        }
    }
}

/// How long a sync of a file takes.
pub const SYNC_TIME: Duration = Duration::from_millis(2);

/// The handle through which a program reaches its world. Inert once the process has ended.
#[derive(Clone)]
pub struct Process {
    pub(crate) world: Rc<Shared>,
    pub(crate) id: ProcessId,
}

impl Process {
    /// This life's number, unique in the world.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// `w1` for a host's process, `w1/2` for a child.
    pub fn name(&self) -> Rc<str> {
        self.world.processes.borrow().life(self.id).name.clone()
    }

    /// Which life of its host this is, from 1. A child belongs to the life that started it.
    pub fn incarnation(&self) -> u32 {
        self.world.processes.borrow().life(self.id).incarnation
    }

    /// Whether it has not ended.
    #[inline]
    pub fn alive(&self) -> bool {
        self.world.processes.borrow().alive(self.id)
    }

    /// Monotonic time, nanoseconds since the start of the world.
    #[inline]
    pub fn now(&self) -> u64 {
        self.world.now()
    }

    /// This host's wall clock, microseconds since 1970: the world's epoch, virtual time, and the host's error.
    pub fn wall_micros(&self) -> i64 {
        let processes = self.world.processes.borrow();
        let offset = processes.hosts[processes.life(self.id).host as usize].wall_offset;
        let now = i64::try_from(self.world.now()).unwrap_or(i64::MAX);
        self.world.epoch_micros.saturating_add(now.saturating_add(offset).div_euclid(1_000))
    }

    /// Waits for a while of virtual time.
    #[inline]
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::until(self.world.clone(), self.world.now().saturating_add(nanos(duration)))
    }

    /// Waits until a virtual instant, nanoseconds since the start of the world.
    #[inline]
    pub fn sleep_until(&self, at: u64) -> Sleep {
        Sleep::until(self.world.clone(), at)
    }

    /// Adds a task to this process. Nothing happens when the process has ended.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.spawn_boxed(Box::pin(future));
    }

    /// [`Process::spawn`] for what is in a box already.
    pub fn spawn_boxed(&self, future: Pin<Box<dyn Future<Output = ()>>>) {
        if self.alive() {
            self.world.tasks.borrow_mut().spawn(self.id, future);
        }
    }

    /// 64 random bits from the stream that programs share; when the process has ended, from one that nobody else sees.
    pub fn random(&self) -> u64 {
        let alive = self.alive();
        let mut choices = self.world.choices.borrow_mut();
        if alive { choices.stream(Stream::Programs).next_u64() } else { choices.afterlife().next_u64() }
    }

    /// Connects to whoever listens at `host`.
    ///
    /// # Errors
    ///
    /// [`crate::ConnectError`] when nobody listens there. While nothing gets through, while the host has no power, and
    /// while the listener's backlog (4,096) is full, the connect hangs and tries again each second, as a real one does:
    /// bound it with a timeout.
    pub fn connect(&self, host: &str) -> impl Future<Output = Result<Connection, crate::ConnectError>> + 'static {
        self.world.clone().connect(self.id, host.to_owned())
    }

    /// Listens at this host's name; a later call replaces an earlier one, whose listener gets nothing from then on.
    pub fn listen(&self) -> Listener {
        self.world.listen(self.id)
    }

    /// Starts a child named `name/suffix` with a pipe between the two. The child runs `main` and dies with its parent;
    /// a panic in `main` is the child's. A process that has ended starts nothing: `main` is not called.
    pub fn start_child(&self, suffix: &str, main: impl FnOnce(Process, Connection)) -> Child {
        let (id, born) = self.world.add_child(self.id, suffix);
        let (pipe, theirs) = self.world.pipe(self.id, id, born);
        if born {
            self.world.run_main(id, |child| main(child, theirs));
        }
        Child { process: Process { world: self.world.clone(), id }, pipe }
    }

    /// Ends this process with a status, as `exit(2)` does. The caller runs on to its next await, without effect.
    pub fn exit(&self, status: i32) {
        self.world.end_itself(self.id, Exit::Status(status));
    }

    /// The next signal. From the first call on, signals no longer end the process.
    pub fn next_signal(&self) -> impl Future<Output = Signal> + 'static {
        let this = self.clone();
        this.world.processes.borrow_mut().life_mut(this.id).handles_signals = true;
        std::future::poll_fn(move |cx| {
            let mut processes = this.world.processes.borrow_mut();
            let life = processes.life_mut(this.id);
            match life.signals.pop_front() {
                Some(signal) => Poll::Ready(signal),
                None => {
                    wait(&mut life.signal_waiters, cx);
                    Poll::Pending
                }
            }
        })
    }

    /// Reads a file of this host's disk.
    pub fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        self.with_disk(|disk| disk.read(path))
    }

    /// Replaces a file, atomically and durably: write aside, sync, rename. An effect: a fault can strike before or after.
    pub fn replace_file(&self, path: &str, bytes: Vec<u8>) {
        let digest = xxhash_rust::xxh3::xxh3_64(&bytes);
        self.disk_effect("disk.replace", path, digest, |disk| disk.replace(path, bytes));
    }

    /// Names of the files below a folder of this host's disk; `folder` ends with a slash.
    pub fn list_files(&self, folder: &str) -> Vec<String> {
        self.with_disk(|disk| disk.list(folder))
    }

    /// Appends to a file, or begins it. A kill leaves what was appended; a loss of power only what was synced, and a
    /// random beginning of the rest. An effect.
    pub fn append_file(&self, path: &str, bytes: &[u8]) {
        let digest = xxhash_rust::xxh3::xxh3_64(bytes);
        self.disk_effect("disk.append", path, digest, |disk| disk.append(path, bytes));
    }

    /// Makes what was appended so far safe from a loss of power, which takes [`SYNC_TIME`]. An effect, at its end.
    pub fn sync_file(&self, path: &str) -> impl Future<Output = ()> + 'static {
        let (this, path, len) = (self.clone(), path.to_owned(), self.with_disk(|disk| disk.len(path)));
        async move {
            this.sleep(SYNC_TIME).await;
            this.disk_effect("disk.sync", &path, len as u64, |disk| disk.sync(&path, len));
        }
    }

    /// Removes a file, durably.
    pub fn remove_file(&self, path: &str) {
        self.disk_effect("disk.remove", path, 0, |disk| disk.remove(path));
    }

    fn disk_effect(&self, effect: &'static str, path: &str, digest: u64, act: impl FnOnce(&mut Disk)) {
        if !self.world.before_effect(self.id, effect) {
            return;
        }
        self.with_disk(act);
        self.world.record(self.id, What::Disk { effect, path, digest });
        self.world.after_effect(self.id, effect);
    }

    /// A state machine that lives on this host's disk: every step it takes is synced, so it survives the process.
    /// `None` when `name` is kept with another type, and when this process has ended. The world can't see what is done
    /// to it: leave it alone in destructors.
    pub fn durable<T: 'static>(&self, name: &'static str, new: impl FnOnce() -> T) -> Option<Rc<RefCell<T>>> {
        if !self.alive() {
            return None;
        }
        let kept = self.with_disk(|disk| disk.machine(name));
        // Made while nothing is borrowed: `new` is foreign code.
        let kept = kept.unwrap_or_else(|| {
            let made = Rc::new(RefCell::new(new()));
            self.with_disk(|disk| disk.keep(name, made))
        });
        kept.downcast().ok()
    }

    fn with_disk<R>(&self, f: impl FnOnce(&mut Disk) -> R) -> R {
        let mut processes = self.world.processes.borrow_mut();
        let host = processes.life(self.id).host;
        f(&mut processes.hosts[host as usize].disk)
    }

    /// Reports a fact for the trace; nothing when the process has ended. Returns whether it counted.
    #[inline]
    pub fn note(&self, kind: &'static str, digest: u64, text: &dyn fmt::Display) -> bool {
        let alive = self.alive();
        if alive {
            self.world.record(self.id, What::Note { kind, digest, text });
        }
        alive
    }

    /// Says that this process may use tokio's timers, which puts the world's clock and tokio's in step while it lives.
    pub fn uses_tokio(&self) {
        if self.alive() {
            self.world.tokio.enlist(self.id, self.world.now());
        }
    }
}

/// A child process, seen from its parent.
pub struct Child {
    process: Process,
    /// The parent's end of the pipe.
    pub pipe: Connection,
}

impl Child {
    /// The child's own handle.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it, as SIGKILL does.
    pub fn kill(&self) {
        self.process.world.end(self.process.id, Exit::Killed, false);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.world.signal(self.process.id, signal);
    }

    /// Waits for its end.
    pub fn exited(&self) -> impl Future<Output = Exit> + 'static {
        let (world, id) = (self.process.world.clone(), self.process.id);
        std::future::poll_fn(move |cx| {
            let mut processes = world.processes.borrow_mut();
            let life = processes.life_mut(id);
            match &life.exit {
                Some(exit) => Poll::Ready(exit.clone()),
                None => {
                    wait(&mut life.exit_waiters, cx);
                    Poll::Pending
                }
            }
        })
    }
}

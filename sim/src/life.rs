//! Lives and hosts: who exists, under which name, and how it ended.

use crate::disk::Disk;
use crate::executor::TaskKey;
use crate::layers::Layers;
use crate::net::Unsaid;
use crate::process::{Process, ProcessId, Signal};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Waker};

/// Index of a host.
pub(crate) type HostId = u32;

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended itself with this status.
    Status(i32),
    /// SIGKILL.
    Killed,
    /// SIGKILL from the kernel, which ran out of memory.
    OutOfMemory,
    /// SIGTERM, with nobody in the process to handle it.
    Terminated,
    /// Another signal, with nobody in the process to handle it.
    Unhandled(Signal),
    /// A panic left it without the actor that panicked.
    Panicked(String),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Status(status) => write!(f, "exit status {status}"),
            Exit::Killed => f.write_str("signal 9 (SIGKILL)"),
            Exit::OutOfMemory => f.write_str("signal 9 (SIGKILL), out of memory"),
            Exit::Terminated | Exit::Unhandled(Signal::Terminate) => f.write_str("signal 15 (SIGTERM)"),
            Exit::Unhandled(Signal::Interrupt) => f.write_str("signal 2 (SIGINT)"),
            Exit::Unhandled(Signal::Quit) => f.write_str("signal 3 (SIGQUIT)"),
            Exit::Unhandled(Signal::User1) => f.write_str("signal 10 (SIGUSR1)"),
            Exit::Unhandled(Signal::User2) => f.write_str("signal 12 (SIGUSR2)"),
            Exit::Unhandled(Signal::Custom(what)) => write!(f, "signal {what:?}"),
            Exit::Panicked(message) => write!(f, "panic: {message}"),
        }
    }
}

impl Exit {
    pub(crate) fn code(&self) -> u64 {
        match self {
            Exit::Status(status) => *status as u32 as u64,
            Exit::Killed => 1 << 32,
            Exit::OutOfMemory => 2 << 32,
            Exit::Terminated => 3 << 32,
            Exit::Panicked(_) => 4 << 32,
            Exit::Unhandled(signal) => (5 << 32) + signal.number(),
        }
    }

    pub(crate) fn by(signal: Signal) -> Self {
        if signal == Signal::Terminate { Exit::Terminated } else { Exit::Unhandled(signal) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Paused,
    Dead,
}

pub(crate) struct Life {
    pub(crate) name: Rc<str>,
    pub(crate) host: HostId,
    pub(crate) incarnation: u32,
    pub(crate) state: State,
    pub(crate) exit: Option<Exit>,
    pub(crate) handles_signals: bool,
    /// Whether triggers watch this name: checked on every effect.
    pub(crate) watched: bool,
    pub(crate) signals: VecDeque<Signal>,
    pub(crate) signal_waiters: Vec<Waker>,
    pub(crate) exit_waiters: Vec<Waker>,
    /// What it said in the step in which it was paused, and could not get out any more.
    pub(crate) unsaid: VecDeque<Unsaid>,
    /// Ready tasks of a paused process.
    pub(crate) parked: Vec<TaskKey>,
    /// Who holds it paused; it runs when all have let go.
    pub(crate) pauses: Vec<u64>,
    parent: Option<ProcessId>,
    /// Living children, oldest first.
    pub(crate) children: Vec<ProcessId>,
}

pub(crate) type Program = Rc<dyn Fn(Process)>;

pub(crate) struct Host {
    pub(crate) name: Rc<str>,
    pub(crate) current: Option<ProcessId>,
    /// Added to virtual time to get this host's wall clock, nanoseconds.
    pub(crate) wall_offset: i64,
    /// Least time between two messages that this host takes from one connection.
    pub(crate) pace: Layers<u64>,
    pub(crate) disk: Disk,
    /// It lost power and was not started since: nothing there answers, not even with a refusal.
    pub(crate) dark: bool,
    incarnations: u32,
    program: Program,
}

/// What a process leaves when it ends.
pub(crate) struct Remains {
    pub(crate) children: Vec<ProcessId>,
    pub(crate) exit_waiters: Vec<Waker>,
    /// Held until nothing is borrowed: their destructors are foreign code.
    _loose: (VecDeque<Unsaid>, Vec<Waker>),
}

/// All hosts and all lives.
#[derive(Default)]
pub(crate) struct Processes {
    pub(crate) lives: Vec<Life>,
    pub(crate) hosts: Vec<Host>,
    hosts_by_name: BTreeMap<Rc<str>, HostId>,
    /// Living children, oldest first.
    children_by_name: BTreeMap<Rc<str>, Vec<ProcessId>>,
}

impl Processes {
    #[inline]
    pub(crate) fn life(&self, id: ProcessId) -> &Life {
        &self.lives[id.0 as usize]
    }

    #[inline]
    pub(crate) fn life_mut(&mut self, id: ProcessId) -> &mut Life {
        &mut self.lives[id.0 as usize]
    }

    #[inline]
    pub(crate) fn alive(&self, id: ProcessId) -> bool {
        self.life(id).state != State::Dead
    }

    pub(crate) fn host_named(&self, name: &str) -> Option<HostId> {
        self.hosts_by_name.get(name).copied()
    }

    /// The living process of this name: a host's current life, or the youngest such child.
    pub(crate) fn named(&self, name: &str) -> Option<ProcessId> {
        match self.host_named(name) {
            Some(host) => self.hosts[host as usize].current.filter(|id| self.alive(*id)),
            None => self.children_by_name.get(name)?.last().copied(),
        }
    }

    /// Living children, oldest first.
    pub(crate) fn children(&self, parent: ProcessId) -> &[ProcessId] {
        &self.life(parent).children
    }

    /// Adds a host, or changes the program of one; what comes back is for the caller to drop unborrowed.
    pub(crate) fn define(&mut self, name: &str, program: Program) -> Option<Program> {
        if let Some(host) = self.host_named(name) {
            return Some(std::mem::replace(&mut self.hosts[host as usize].program, program));
        }
        let name: Rc<str> = name.into();
        self.hosts_by_name.insert(name.clone(), self.hosts.len() as HostId);
        self.hosts.push(Host {
            name,
            current: None,
            wall_offset: 0,
            pace: Layers::new(0),
            disk: Disk::default(),
            dark: false,
            incarnations: 0,
            program,
        });
        None
    }

    /// The next life of a host, and what it runs; `None` when it lives or there is no such host.
    pub(crate) fn begin(&mut self, name: &str, watched: bool) -> Option<(ProcessId, Program)> {
        let at = self.host_named(name)?;
        if self.named(name).is_some() {
            return None;
        }
        let host = &mut self.hosts[at as usize];
        host.incarnations += 1;
        host.dark = false;
        let (name, incarnation, program) = (host.name.clone(), host.incarnations, host.program.clone());
        let id = self.add(name, at, incarnation, watched);
        self.hosts[at as usize].current = Some(id);
        Some((id, program))
    }

    fn add(&mut self, name: Rc<str>, host: HostId, incarnation: u32, watched: bool) -> ProcessId {
        self.lives.push(Life {
            name,
            host,
            incarnation,
            state: State::Running,
            exit: None,
            handles_signals: false,
            watched,
            signals: VecDeque::new(),
            signal_waiters: Vec::new(),
            exit_waiters: Vec::new(),
            unsaid: VecDeque::new(),
            parked: Vec::new(),
            pauses: Vec::new(),
            parent: None,
            children: Vec::new(),
        });
        ProcessId((self.lives.len() - 1) as u32)
    }

    pub(crate) fn add_child(&mut self, parent: ProcessId, name: Rc<str>, watched: bool) -> ProcessId {
        let of = self.life(parent);
        let (host, incarnation, state, pauses) = (of.host, of.incarnation, of.state, of.pauses.clone());
        let id = self.add(name.clone(), host, incarnation, watched);
        let life = self.life_mut(id);
        (life.parent, life.state, life.pauses) = (Some(parent), state, pauses);
        // The child of a dead process is never born: it has no place in the world, only a handle that does nothing.
        if state != State::Dead {
            self.life_mut(parent).children.push(id);
            self.children_by_name.entry(name).or_default().push(id);
        }
        id
    }

    /// Marks a process dead and forgets it wherever it is looked up; `None` when it was dead.
    pub(crate) fn bury(&mut self, id: ProcessId, exit: &Exit, silent: bool) -> Option<Remains> {
        let life = self.life_mut(id);
        if life.state == State::Dead {
            return None;
        }
        life.state = State::Dead;
        life.exit = Some(exit.clone());
        life.parked = Vec::new();
        life.signals = VecDeque::new();
        let remains = Remains {
            children: std::mem::take(&mut life.children),
            exit_waiters: std::mem::take(&mut life.exit_waiters),
            _loose: (std::mem::take(&mut life.unsaid), std::mem::take(&mut life.signal_waiters)),
        };
        let (name, host) = (life.name.clone(), life.host);
        match life.parent {
            Some(parent) => {
                self.life_mut(parent).children.retain(|child| *child != id);
                self.forget_child(&name, id);
            }
            None => {
                let host = &mut self.hosts[host as usize];
                host.dark = silent;
            }
        }
        Some(remains)
    }

    fn forget_child(&mut self, name: &Rc<str>, id: ProcessId) {
        if let Some(same_name) = self.children_by_name.get_mut(name) {
            same_name.retain(|child| *child != id);
            if same_name.is_empty() {
                self.children_by_name.remove(name);
            }
        }
    }

    /// The end of the world: all handles are inert from here. Returns what has destructors.
    pub(crate) fn perish(&mut self) -> impl Sized + use<> {
        let mut loose = Vec::new();
        for life in &mut self.lives {
            life.state = State::Dead;
            let wakers = (std::mem::take(&mut life.signal_waiters), std::mem::take(&mut life.exit_waiters));
            loose.push((std::mem::take(&mut life.unsaid), wakers));
        }
        let nothing: Program = Rc::new(|_| ());
        let emptied = self
            .hosts
            .iter_mut()
            .map(|host| (std::mem::replace(&mut host.program, nothing.clone()), std::mem::take(&mut host.disk)));
        (loose, emptied.collect::<Vec<_>>())
    }
}

/// Registers a waker once: a future that is polled often must not fill the list.
pub(crate) fn wait(waiters: &mut Vec<Waker>, cx: &Context<'_>) {
    if !waiters.iter().any(|known| known.will_wake(cx.waker())) {
        waiters.push(cx.waker().clone());
    }
}

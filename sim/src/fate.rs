//! What befalls processes: start, pause, signals, and the end.

use crate::choices::Stream;
use crate::executor;
use crate::life::{Exit, Program, State};
use crate::net::Unsaid;
use crate::process::{Process, ProcessId, Signal};
use crate::shared::Shared;
use crate::trace::What;
use std::rc::Rc;
use std::task::Waker;

impl Shared {
    pub(crate) fn define(&self, name: &str, program: Program) {
        let old = self.processes.borrow_mut().define(name, program);
        drop(old);
    }

    /// Starts the program of a host; false when it runs already or there is no such host.
    pub(crate) fn start(self: &Rc<Self>, name: &str) -> bool {
        let watched = self.effects.borrow().watches(name);
        let Some((id, program)) = self.processes.borrow_mut().begin(name, watched) else { return false };
        let incarnation = self.processes.borrow().life(id).incarnation;
        self.record(id, What::Started { incarnation });
        self.run_main(id, |process| program(process));
        true
    }

    /// A child of `parent`, and whether it was born: a dead process starts nothing.
    pub(crate) fn add_child(self: &Rc<Self>, parent: ProcessId, suffix: &str) -> (ProcessId, bool) {
        let (id, born) = {
            let mut processes = self.processes.borrow_mut();
            let name = format!("{}/{suffix}", processes.life(parent).name);
            let watched = self.effects.borrow().watches(&name);
            let id = processes.add_child(parent, name.into(), watched);
            (id, processes.alive(id))
        };
        if born {
            self.record(id, What::Started { incarnation: 1 });
        }
        (id, born)
    }

    /// Runs the first code of a process, wherever the one who starts it stands. If it panics, the new process ends.
    pub(crate) fn run_main(self: &Rc<Self>, id: ProcessId, main: impl FnOnce(Process)) {
        let process = Process { world: self.clone(), id };
        let _inside = self.tokio.enter();
        if let Err(panic) = self.run_as(id, || main(process)) {
            self.end_itself(id, Exit::Panicked(panic));
        }
    }

    /// Ends a process and its children. Its handles are inert from here; its futures are dropped before this returns,
    /// except one that is being polled right now, which is dropped as soon as that poll returns.
    pub(crate) fn end(self: &Rc<Self>, id: ProcessId, exit: Exit, silent: bool) -> bool {
        let Some(remains) = self.processes.borrow_mut().bury(id, &exit, silent) else { return false };
        self.record(id, What::Exited { how: &exit, code: exit.code() });
        if silent {
            let mut processes = self.processes.borrow_mut();
            let host = processes.life(id).host as usize;
            processes.hosts[host].disk.lose_power(self.choices.borrow_mut().stream(Stream::Faults));
        }
        // Children carry a parent-death signal: they never outlive the process that started them.
        for child in &remains.children {
            self.end(*child, Exit::Killed, silent);
        }
        self.tokio.retire(id);
        self.close_connections(id, silent);
        let futures = self.tasks.borrow_mut().remove_all(id);
        for future in futures {
            // Its destructors would not run at all in a process that was killed, so their panics are nobody's.
            let _ = self.run_as(id, || drop(future));
        }
        let live = self.tasks.borrow().live(id);
        assert!(live == 0, "{live} futures of a dead process are left");
        remains.exit_waiters.into_iter().for_each(Waker::wake);
        true
    }

    /// The process ends by what it did itself; a paused one gets there only once it runs again.
    pub(crate) fn end_itself(self: &Rc<Self>, id: ProcessId, exit: Exit) {
        {
            let mut processes = self.processes.borrow_mut();
            let life = processes.life_mut(id);
            if life.state == State::Paused {
                life.unsaid.push_back(Unsaid::Exit(exit));
                return;
            }
        }
        self.end(id, exit, false);
    }

    /// Delivers a signal: to the handler if the process has one, or else by ending it. A paused process gets it when
    /// it is resumed.
    pub(crate) fn signal(self: &Rc<Self>, id: ProcessId, signal: Signal) -> bool {
        let waiters = {
            let mut processes = self.processes.borrow_mut();
            let life = processes.life_mut(id);
            match (life.state, life.handles_signals) {
                (State::Dead, _) => return false,
                (State::Running, false) => None,
                _ => {
                    life.signals.push_back(signal);
                    Some(std::mem::take(&mut life.signal_waiters))
                }
            }
        };
        match waiters {
            Some(waiters) => waiters.into_iter().for_each(Waker::wake),
            None => {
                self.end(id, Exit::by(signal), false);
            }
        }
        true
    }

    /// Stops polling a process and its children until `pause` is lifted.
    pub(crate) fn pause(&self, id: ProcessId, pause: u64) {
        let children = {
            let mut processes = self.processes.borrow_mut();
            let life = processes.life_mut(id);
            life.state = State::Paused;
            life.pauses.push(pause);
            life.children.clone()
        };
        children.into_iter().for_each(|child| self.pause(child, pause));
    }

    /// Lifts one pause, or all of them; false when there was nothing to lift.
    pub(crate) fn resume(self: &Rc<Self>, id: ProcessId, only: Option<u64>) -> bool {
        let (lifted, children) = {
            let mut processes = self.processes.borrow_mut();
            let life = processes.life_mut(id);
            let lift = |pause: &mut u64| only.is_none_or(|only| only == *pause);
            let lifted: Vec<u64> = life.pauses.extract_if(.., lift).collect();
            if lifted.is_empty() || life.state != State::Paused {
                return false;
            }
            if life.pauses.is_empty() {
                life.state = State::Running;
                executor::make_ready(std::mem::take(&mut life.parked));
            }
            (lifted, life.children.clone())
        };
        for child in children {
            for pause in &lifted {
                self.resume(child, Some(*pause));
            }
        }
        self.say_unsaid(id);
        self.take_pending_signal(id);
        true
    }

    /// A signal that came while the process was paused and that it does not handle.
    fn take_pending_signal(self: &Rc<Self>, id: ProcessId) {
        let signal = {
            let mut processes = self.processes.borrow_mut();
            let life = processes.life_mut(id);
            if life.state != State::Running || life.handles_signals {
                return;
            }
            life.signals.pop_front()
        };
        if let Some(signal) = signal {
            self.end(id, Exit::by(signal), false);
        }
    }
}

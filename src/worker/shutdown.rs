//! How a worker ends.
//!
//! | phase | entered by | what happens |
//! |---|---|---|
//! | running | | |
//! | warm | SIGTERM, first SIGINT, an error of the channel | consuming stops, running tasks finish, the rest goes back; then exit |
//! | soft | SIGQUIT with `worker_soft_shutdown_timeout`, while tasks run | as warm, but only for so long |
//! | cold | SIGQUIT, second SIGINT, end of the soft phase | running tasks are cut off; then exit |
//!
//! A phase only ever gives way to a colder one. Mirrors Celery 5.7 (wire sheet, section 9); its `REMAP_SIGTERM=SIGQUIT`
//! is `worker_remap_sigterm` here.

use crate::env::Signal;
use crate::settings::{Settings, duration};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Warm,
    Soft,
    Cold,
}

/// What the worker is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Cancel the consumers; nothing new begins.
    StopConsuming,
    /// As that, of a worker that fails.
    Abandon,
    /// Come back with [`Shutdown::soft_timeout`] after this long.
    Wait(Duration),
    /// Kill the children that run tasks.
    CutRunning,
    /// Close the connection and exit.
    Exit(i32),
}

/// The state machine.
#[derive(Debug)]
pub(super) struct Shutdown {
    phase: Phase,
    soft_timeout: Duration,
    remap_sigterm: bool,
    status: i32,
    exiting: bool,
}

impl Shutdown {
    pub(super) fn new(settings: &Settings) -> Self {
        Shutdown {
            phase: Phase::Running,
            soft_timeout: duration(settings.worker_soft_shutdown_timeout),
            remap_sigterm: settings.worker_remap_sigterm,
            status: 0,
            exiting: false,
        }
    }

    /// Whether new tasks may begin.
    pub(super) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// A signal came while `busy` tasks run.
    pub(super) fn signal(&mut self, signal: Signal, busy: usize) -> Vec<Action> {
        let quits = match signal {
            Signal::Quit => true,
            Signal::Terminate => self.remap_sigterm,
            Signal::Interrupt => {
                self.status = 1;
                self.phase >= Phase::Warm
            }
        };
        let wanted = match quits {
            false => Phase::Warm,
            true if self.soft_timeout.is_zero() || busy == 0 || self.phase == Phase::Soft => Phase::Cold,
            true => Phase::Soft,
        };
        self.enter(wanted, busy)
    }

    /// There is no going on without the channel that the broker has closed. Nothing is to go back on it.
    pub(super) fn fail(&mut self, busy: usize) -> Vec<Action> {
        self.status = 1;
        let actions = self.enter(Phase::Warm, busy);
        actions
            .into_iter()
            .map(|action| if action == Action::StopConsuming { Action::Abandon } else { action })
            .collect()
    }

    /// The soft phase is over while `busy` tasks run.
    pub(super) fn soft_timeout(&mut self, busy: usize) -> Vec<Action> {
        self.enter(Phase::Cold, busy)
    }

    /// Nothing runs any more.
    pub(super) fn idle(&mut self) -> Vec<Action> {
        let over = self.phase > Phase::Running && !std::mem::replace(&mut self.exiting, true);
        if over { vec![Action::Exit(self.status)] } else { Vec::new() }
    }

    fn enter(&mut self, wanted: Phase, busy: usize) -> Vec<Action> {
        if wanted <= self.phase || self.exiting {
            return Vec::new();
        }
        let mut actions = Vec::new();
        if self.phase == Phase::Running {
            actions.push(Action::StopConsuming);
        }
        self.phase = wanted;
        if wanted == Phase::Cold {
            // Celery's own exit status: 1 is for a warm shutdown by SIGINT only.
            self.status = 0;
        }
        match wanted {
            Phase::Soft => actions.push(Action::Wait(self.soft_timeout)),
            Phase::Cold if busy > 0 => actions.push(Action::CutRunning),
            _ => {}
        }
        if busy == 0 {
            actions.extend(self.idle());
        }
        actions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Profile;

    fn shutdown(soft: f64) -> Shutdown {
        Shutdown::new(&Settings { worker_soft_shutdown_timeout: soft, ..Settings::new(Profile::Celery) })
    }

    #[test]
    fn sigterm_waits_for_running_tasks_however_often_it_comes() {
        let mut worker = shutdown(0.0);
        assert_eq!(worker.signal(Signal::Terminate, 2), [Action::StopConsuming]);
        assert_eq!(worker.signal(Signal::Terminate, 2), []);
        assert_eq!(worker.idle(), [Action::Exit(0)]);
        assert_eq!(worker.idle(), [], "exits once");
    }

    #[test]
    fn one_interrupt_is_a_warm_shutdown_with_status_1() {
        let mut worker = shutdown(0.0);
        assert_eq!(worker.signal(Signal::Interrupt, 1), [Action::StopConsuming]);
        assert_eq!(worker.idle(), [Action::Exit(1)]);
    }

    #[test]
    fn without_its_channel_it_ends_with_status_1_when_what_runs_is_done() {
        let mut worker = shutdown(0.0);
        assert_eq!(worker.fail(1), [Action::Abandon]);
        assert_eq!(worker.idle(), [Action::Exit(1)]);
        assert_eq!(shutdown(0.0).fail(0), [Action::Abandon, Action::Exit(1)]);
    }

    #[test]
    fn a_second_interrupt_is_cold() {
        let mut worker = shutdown(0.0);
        assert_eq!(worker.signal(Signal::Interrupt, 1), [Action::StopConsuming]);
        assert_eq!(worker.signal(Signal::Interrupt, 1), [Action::CutRunning]);
        assert_eq!(worker.idle(), [Action::Exit(0)]);
    }

    #[test]
    fn a_soft_shutdown_gives_running_tasks_some_time() {
        let mut worker = shutdown(5.0);
        let wait = Action::Wait(Duration::from_secs(5));
        assert_eq!(worker.signal(Signal::Quit, 1), [Action::StopConsuming, wait]);
        assert_eq!(worker.soft_timeout(1), [Action::CutRunning]);
        assert_eq!(worker.idle(), [Action::Exit(0)]);
    }

    #[test]
    fn an_idle_worker_exits_at_once() {
        let mut worker = shutdown(5.0);
        assert_eq!(worker.signal(Signal::Quit, 0), [Action::StopConsuming, Action::Exit(0)]);
    }
}

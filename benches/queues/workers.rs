//! Worker processes, watched from outside while they empty a queue.

use super::processes;
use super::server::{Observer, Server, Wire};
use super::table::Measured;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Until a worker has nothing more to do with its start.
pub(super) const SETTLE: Duration = Duration::from_secs(3);
/// Between two looks at the queue.
const PAUSE: Duration = Duration::from_millis(2);

/// Processes that work until they are dropped.
pub(super) struct Workers(Vec<Child>);

impl Workers {
    pub(super) fn start(commands: Vec<Command>) -> Workers {
        let start = |mut command: Command| {
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a worker's program can be run")
        };
        Workers(commands.into_iter().map(start).collect())
    }

    /// They and their children.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.0.iter().flat_map(|child| processes::tree(child.id())).collect()
    }

    fn live(&mut self) -> bool {
        self.0.iter_mut().all(|child| matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A pool child that is told of its parent's end only by a signal would stay for ever.
        for pid in self.pids() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// Lets workers empty the queue, in which `tasks` wait. The clock runs from the first task that one of them takes, so that
/// nobody's start counts.
///
/// `None` when they ended or did not do it in time.
pub(super) fn drain(server: &Server, wire: Wire, tasks: usize, commands: Vec<Command>) -> Option<Measured> {
    let mut observer = Observer::new(server, wire);
    let mut workers = Workers::start(commands);
    let started = Instant::now();
    while !observer.has_begun(tasks) {
        if !workers.live() || started.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
    let cpu = processes::cpu_micros(&workers.pids());
    let before = observer.reset();
    let (first, started) = (observer.left(tasks), Instant::now());
    while observer.left(tasks) > 0 {
        if !workers.live() || started.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
    let seconds = started.elapsed().as_secs_f64();
    let served = observer.served();
    let pids = workers.pids();
    Some(Measured {
        tasks: first as f64,
        seconds,
        cpu_micros: processes::cpu_micros(&pids) - cpu,
        server_micros: served.cpu_micros - before.cpu_micros,
        commands: served.commands,
        mib: Some(processes::resident_mib(&pids)),
    })
}

/// What calls of one after the other take while workers do them.
pub(super) fn trips(workers: Vec<Command>, caller: Command) -> Option<Vec<Duration>> {
    let _workers = Workers::start(workers);
    std::thread::sleep(SETTLE);
    super::producers::trips(caller)
}

/// MiB that workers hold when they have nothing to do.
pub(super) fn idle_mib(commands: Vec<Command>, settle: Duration) -> f64 {
    let workers = Workers::start(commands);
    std::thread::sleep(settle);
    processes::resident_mib(&workers.pids())
}

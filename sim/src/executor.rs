//! Tasks, wakers and the ready queue: the executor that lets the seed decide who runs next.

use crate::process::ProcessId;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// A task's future. Not `Send`: a world lives on one thread.
pub(crate) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A slot in the task table; the generation tells a new tenant from the one a stale waker meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    slot: u32,
    generation: u32,
}

impl TaskKey {
    /// No other task of the world has it.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }
}

/// A task that is ready, and its place among all that ever were.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) key: TaskKey,
    pub(crate) since: u64,
}

/// What is taken out of the table while a task is polled.
pub(crate) struct Runnable {
    pub(crate) future: LocalFuture,
    pub(crate) waker: Waker,
}

struct Task {
    process: ProcessId,
    /// Where its process's list has it.
    at: u32,
    wake: Arc<TaskWake>,
    /// `None` while it is being polled.
    runnable: Option<Runnable>,
}

struct TaskWake {
    key: TaskKey,
    world: u64,
    /// In the ready queue (or parked with its paused process) already.
    queued: AtomicBool,
    foreign: Arc<AtomicBool>,
}

/// What is ready to run in the world that lives on this thread.
struct Ready {
    world: u64,
    tasks: Vec<Waiting>,
    /// Tasks that became ready so far.
    count: u64,
    /// Set while tokio's clock is being stepped: whoever becomes ready ends the step.
    step: Option<Waker>,
}

thread_local! {
    static READY: RefCell<Ready> = const { RefCell::new(Ready::of(0)) };
}

impl Ready {
    const fn of(world: u64) -> Self {
        Ready { world, tasks: Vec::new(), count: 0, step: None }
    }

    #[inline]
    fn push(&mut self, key: TaskKey) {
        self.tasks.push(Waiting { key, since: self.count });
        self.count += 1;
    }
}

impl Wake for TaskWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        READY.with_borrow_mut(|ready| {
            if ready.world != self.world {
                // Another thread finished something for simulated code: real scheduling has leaked in.
                self.foreign.store(true, Ordering::Relaxed);
            } else if !self.queued.load(Ordering::Relaxed) {
                // Only the world's own thread gets here, so this needs no locked read-modify-write.
                self.queued.store(true, Ordering::Relaxed);
                ready.push(self.key);
                if let Some(step) = &ready.step {
                    step.wake_by_ref();
                }
            }
        });
    }
}

/// Its generation and its tenant. It fills one line of the cache: polls go to and fro between thousands of them.
#[derive(Default)]
#[repr(align(64))]
struct Slot(u32, Option<Task>);

/// All tasks of a world.
pub(crate) struct Tasks {
    world: u64,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The slots of each process's tasks.
    of: Vec<Vec<u32>>,
    foreign: Arc<AtomicBool>,
}

impl Tasks {
    pub(crate) fn new(world: u64) -> Self {
        READY.with_borrow_mut(|ready| *ready = Ready::of(world));
        Tasks { world, slots: Vec::new(), free: Vec::new(), of: Vec::new(), foreign: Arc::default() }
    }

    /// Whether a waker was called on another thread.
    pub(crate) fn woken_from_outside(&self) -> bool {
        self.foreign.load(Ordering::Relaxed)
    }

    /// Adds a task and makes it ready.
    pub(crate) fn spawn(&mut self, process: ProcessId, future: LocalFuture) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let Slot(generation, tenant) = &mut self.slots[slot as usize];
        let key = TaskKey { slot, generation: *generation };
        let wake = Arc::new(TaskWake {
            key,
            world: self.world,
            queued: AtomicBool::new(false),
            foreign: self.foreign.clone(),
        });
        let waker = Waker::from(wake.clone());
        waker.wake_by_ref();
        let owner = process.0 as usize;
        if owner >= self.of.len() {
            self.of.resize_with(owner + 1, Vec::new);
        }
        let at = self.of[owner].len() as u32;
        self.of[owner].push(slot);
        *tenant = Some(Task { process, at, wake, runnable: Some(Runnable { future, waker }) });
    }

    fn get(&mut self, key: TaskKey) -> Option<&mut Task> {
        match self.slots.get_mut(key.slot as usize) {
            Some(Slot(generation, task)) if *generation == key.generation => task.as_mut(),
            _ => None,
        }
    }

    /// Whose task it is, if it still exists.
    pub(crate) fn owner(&mut self, key: TaskKey) -> Option<ProcessId> {
        self.get(key).map(|task| task.process)
    }

    /// Takes a ready task out for polling.
    pub(crate) fn take(&mut self, key: TaskKey) -> Option<Runnable> {
        let task = self.get(key)?;
        task.wake.queued.store(false, Ordering::Relaxed);
        task.runnable.take()
    }

    /// Puts a pending task back; returns it when its process ended during the poll.
    #[must_use = "dropping a future may come back to the table"]
    pub(crate) fn put_back(&mut self, key: TaskKey, runnable: Runnable) -> Option<Runnable> {
        match self.get(key) {
            Some(task) => task.runnable.replace(runnable),
            None => Some(runnable),
        }
    }

    /// Forgets a finished task.
    pub(crate) fn remove(&mut self, key: TaskKey) {
        let Some(task) = self.get(key) else { return };
        let (owner, at) = (task.process.0 as usize, task.at);
        self.of[owner].swap_remove(at as usize);
        if let Some(moved) = self.of[owner].get(at as usize)
            && let Some(task) = &mut self.slots[*moved as usize].1
        {
            task.at = at;
        }
        self.vacate(key.slot);
    }

    fn vacate(&mut self, slot: u32) -> Option<Runnable> {
        let Slot(generation, tenant) = &mut self.slots[slot as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(slot);
        tenant.take().and_then(|task| task.runnable)
    }

    /// Removes every task of `process`; the caller drops the futures once nothing is borrowed.
    pub(crate) fn remove_all(&mut self, process: ProcessId) -> Vec<Runnable> {
        let slots = self.of.get_mut(process.0 as usize).map(std::mem::take).unwrap_or_default();
        slots.into_iter().filter_map(|slot| self.vacate(slot)).collect()
    }

    /// Futures of `process` that still exist.
    pub(crate) fn live(&self, process: ProcessId) -> usize {
        self.of.get(process.0 as usize).map_or(0, Vec::len)
    }

    /// Takes everything out, for the end of the world.
    pub(crate) fn clear(&mut self) -> Vec<(ProcessId, Runnable)> {
        self.of.clear();
        let tasks = self.slots.drain(..).filter_map(|Slot(_, task)| task);
        tasks.filter_map(|task| Some((task.process, task.runnable?))).collect()
    }
}

/// How many tasks are ready.
#[inline]
pub(crate) fn ready_count() -> usize {
    READY.with_borrow(|ready| ready.tasks.len())
}

/// Takes one ready task, of several the one that `choose` points at; `None` when none is ready.
#[inline]
pub(crate) fn take_ready(choose: impl FnOnce(&[Waiting]) -> usize) -> Option<TaskKey> {
    READY.with_borrow_mut(|ready| {
        let index = match ready.tasks.len() {
            0 => return None,
            1 => 0,
            _ => choose(&ready.tasks),
        };
        Some(ready.tasks.swap_remove(index).key)
    })
}

/// Makes parked tasks ready again, in the order in which they were parked.
pub(crate) fn make_ready(tasks: Vec<TaskKey>) {
    READY.with_borrow_mut(|ready| tasks.into_iter().for_each(|key| ready.push(key)));
}

/// Whoever is woken from now on also wakes `step`.
pub(crate) fn notify_step(step: Option<Waker>) {
    READY.with_borrow_mut(|ready| ready.step = step);
}

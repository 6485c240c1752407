//! How processes and queues stand after an event, as far as the trace tells.

use super::record::{Happened, Replay, Sort};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How a process stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessState {
    /// It runs.
    pub alive: bool,
    /// How often it has begun.
    pub lives: u32,
    /// Of a worker: indices of tasks that it has received and that are not settled, in order.
    pub unacked: Vec<usize>,
    /// Those of them that wait in it for a child.
    pub reserved: Vec<usize>,
    /// Those of them that it holds until their time comes.
    pub timers: Vec<usize>,
    /// Of a pool child: the task whose body it runs.
    pub running: Option<usize>,
}

/// How everything stands after some event.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Processes by name.
    pub processes: BTreeMap<Arc<str>, ProcessState>,
    /// Tasks in each queue, in the order in which they got there.
    pub queues: BTreeMap<Arc<str>, VecDeque<usize>>,
}

impl Moment {
    /// After the first `count` events.
    pub fn after(replay: &Replay, count: usize) -> Moment {
        let mut moment = Moment::default();
        replay.events.iter().take(count).for_each(|event| moment.happen(event));
        moment
    }

    fn process(&mut self, name: &Arc<str>) -> &mut ProcessState {
        self.processes.entry(name.clone()).or_default()
    }

    fn happen(&mut self, event: &Happened) {
        match (&event.sort, event.task) {
            (Sort::Started, _) => {
                let process = self.process(&event.process);
                *process = ProcessState { alive: true, lives: process.lives + 1, ..ProcessState::default() };
            }
            (Sort::Exited, _) => {
                let process = self.process(&event.process);
                *process = ProcessState { lives: process.lives, ..ProcessState::default() };
                if *event.process == *crate::scenario::cluster::BROKER {
                    self.queues.clear();
                }
            }
            (Sort::Queued(queue), Some(task)) => self.queues.entry(queue.clone()).or_default().push_back(task),
            (Sort::Requeued(queue), Some(task)) => {
                self.settle(task);
                self.queues.entry(queue.clone()).or_default().push_front(task);
            }
            (Sort::Delivered(queue), Some(task)) => self.leave(queue, task),
            (Sort::Settled, Some(task)) => self.settle(task),
            (Sort::Received, Some(task)) => {
                let worker = self.process(&event.process);
                worker.unacked.push(task);
                worker.reserved.push(task);
            }
            (Sort::Parked, Some(task)) => {
                let worker = self.process(&event.process);
                take(&mut worker.reserved, task);
                worker.timers.push(task);
            }
            (Sort::Begun, Some(task)) => {
                self.process(&event.process).running = Some(task);
                let worker: Arc<str> = event.process.split('/').next().unwrap_or_default().into();
                let worker = self.process(&worker);
                let _ = take(&mut worker.reserved, task) || take(&mut worker.timers, task);
            }
            (Sort::Over, _) => self.process(&event.process).running = None,
            _ => {}
        }
    }

    fn leave(&mut self, queue: &Arc<str>, task: usize) {
        if let Some(waiting) = self.queues.get_mut(queue)
            && let Some(at) = waiting.iter().position(|known| *known == task)
        {
            waiting.remove(at);
        }
    }

    /// A copy is settled or back in its queue: the worker that has had one longest holds it no more. One that no worker
    /// has leaves the queue that it waits in.
    fn settle(&mut self, task: usize) {
        for worker in self.processes.values_mut() {
            if take(&mut worker.unacked, task) {
                let _ = take(&mut worker.reserved, task) || take(&mut worker.timers, task);
                return;
            }
        }
        let names: Vec<Arc<str>> = self.queues.keys().cloned().collect();
        names.iter().for_each(|queue| self.leave(queue, task));
    }
}

/// Takes one out; whether it was there.
fn take(tasks: &mut Vec<usize>, task: usize) -> bool {
    let at = tasks.iter().position(|known| *known == task);
    at.map(|at| tasks.remove(at)).is_some()
}

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{JOBS, Job, Message, VISIBILITY_TIMEOUT, fingerprint};
use crate::{Outcome, Tally};

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Published,
    Delivered,
    /// The visibility timeout has passed; the job is ready again, as its next attempt.
    Lost,
    Acked,
}

/// Learns each [`Step`] of each job as the broker takes it. `()` keeps no record.
pub trait Ledger {
    /// The attempt of `job` is the one that takes the step.
    fn enter(&mut self, step: Step, job: Job);
}

impl Ledger for () {
    fn enter(&mut self, _: Step, _: Job) {}
}

/// The broker as a state machine. `P` is how the port addresses a peer; times are virtual, since the start of the run.
///
/// A job is in exactly one place: ready, in flight, or acknowledged.
#[derive(Debug)]
pub struct Broker<P, L = ()> {
    ready: VecDeque<Job>,
    in_flight: BTreeMap<u32, InFlight>,
    waiting: VecDeque<P>,
    acked: Tally,
    messages: u64,
    ledger: L,
}

#[derive(Debug)]
struct InFlight {
    job: Job,
    visible_at: Duration,
}

impl<P: Copy> Broker<P> {
    pub fn new() -> Self {
        Self::with_ledger(())
    }
}

impl<P: Copy, L: Ledger> Broker<P, L> {
    pub fn with_ledger(ledger: L) -> Self {
        Self {
            ready: VecDeque::new(),
            in_flight: BTreeMap::new(),
            waiting: VecDeque::new(),
            acked: Tally::default(),
            messages: 0,
            ledger,
        }
    }

    /// Takes one message and appends to `out` what is to be sent.
    ///
    /// # Panics
    /// On a message that only a broker sends.
    pub fn receive(&mut self, now: Duration, from: P, message: Message, out: &mut Vec<(P, Message)>) {
        self.messages += 1;
        self.expire(now);
        match message {
            Message::Publish(job) => {
                self.ledger.enter(Step::Published, job);
                self.ready.push_back(job);
                self.send(from, Message::Confirm { id: job.id }, out);
            }
            Message::Fetch => self.waiting.push_back(from),
            Message::Ack { id } => {
                if let Some(entry) = self.in_flight.remove(&id) {
                    self.ledger.enter(Step::Acked, entry.job);
                    self.acked.record(fingerprint(entry.job));
                }
            }
            Message::Confirm { .. } | Message::Deliver(_) => panic!("the broker was sent {message:?}"),
        }
        self.deliver(now, out);
    }

    /// To be called every [`SWEEP`](super::SWEEP).
    pub fn sweep(&mut self, now: Duration, out: &mut Vec<(P, Message)>) {
        self.expire(now);
        self.deliver(now, out);
    }

    /// Whether all jobs are acknowledged.
    pub fn is_done(&self) -> bool {
        self.acked.count == u64::from(JOBS)
    }

    /// The operations are the messages that the broker has received and sent.
    pub fn outcome(&self, virtual_time: Duration) -> Outcome {
        Outcome { operations: self.messages, virtual_time, done: self.acked }
    }

    fn expire(&mut self, now: Duration) {
        let (ready, ledger) = (&mut self.ready, &mut self.ledger);
        self.in_flight.retain(|_, entry| {
            let held = now < entry.visible_at;
            if !held {
                ledger.enter(Step::Lost, entry.job);
                ready.push_back(Job { attempt: entry.job.attempt + 1, ..entry.job });
            }
            held
        });
    }

    fn deliver(&mut self, now: Duration, out: &mut Vec<(P, Message)>) {
        while !self.ready.is_empty() && !self.waiting.is_empty() {
            let (Some(job), Some(worker)) = (self.ready.pop_front(), self.waiting.pop_front()) else {
                return;
            };
            self.ledger.enter(Step::Delivered, job);
            self.in_flight.insert(job.id, InFlight { job, visible_at: now + VISIBILITY_TIMEOUT });
            self.send(worker, Message::Deliver(job), out);
        }
    }

    fn send(&mut self, to: P, message: Message, out: &mut Vec<(P, Message)>) {
        self.messages += 1;
        out.push((to, message));
    }
}

impl<P: Copy> Default for Broker<P> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCER: u8 = 0;
    const LOSER: u8 = 1;
    const WINNER: u8 = 2;

    #[test]
    fn a_lost_job_goes_to_another_worker_after_the_visibility_timeout() {
        let job = Job { id: 7, work_ms: 5, attempt: 0 };
        let mut broker = Broker::new();
        let mut out = Vec::new();

        broker.receive(Duration::ZERO, LOSER, Message::Fetch, &mut out);
        broker.receive(Duration::ZERO, PRODUCER, Message::Publish(job), &mut out);
        assert_eq!(std::mem::take(&mut out), [(PRODUCER, Message::Confirm { id: 7 }), (LOSER, Message::Deliver(job))]);

        broker.receive(Duration::from_secs(1), WINNER, Message::Fetch, &mut out);
        broker.sweep(VISIBILITY_TIMEOUT - Duration::from_nanos(1), &mut out);
        assert_eq!(out, []);

        broker.sweep(VISIBILITY_TIMEOUT, &mut out);
        let again = Job { attempt: 1, ..job };
        assert_eq!(out, [(WINNER, Message::Deliver(again))]);

        broker.receive(Duration::from_secs(11), WINNER, Message::Ack { id: 7 }, &mut out);
        broker.receive(Duration::from_secs(11), LOSER, Message::Ack { id: 7 }, &mut out);
        assert_eq!(broker.outcome(Duration::ZERO).done.count, 1);
    }
}

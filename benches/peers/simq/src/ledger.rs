//! The ledger of W3: one row for each job, filled from what the broker reports.

use std::{cell::RefCell, fmt, rc::Rc};

use simq_sim::{Process, Record, Sink, What};
use workload::queue::{self, Job, Step};

/// Reports each step to the trace, and so to whoever reads it.
pub(crate) struct Reporter(pub(crate) Process);

impl queue::Ledger for Reporter {
    fn enter(&mut self, step: Step, job: Job) {
        self.0.note(name(step), pack(job), &Line(job));
    }
}

struct Line(Job);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}, attempt {}", self.0.id, self.0.attempt)
    }
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Published => "job.published",
        Step::Delivered => "job.delivered",
        Step::Lost => "job.lost",
        Step::Acked => "job.acked",
    }
}

fn step(name: &str) -> Option<Step> {
    Some(match name {
        "job.published" => Step::Published,
        "job.delivered" => Step::Delivered,
        "job.lost" => Step::Lost,
        "job.acked" => Step::Acked,
        _ => return None,
    })
}

/// A job is small enough to be its own digest.
fn pack(job: Job) -> u64 {
    u64::from(job.id) << 32 | u64::from(job.work_ms) << 16 | u64::from(job.attempt)
}

fn unpack(digest: u64) -> Job {
    Job { id: (digest >> 32) as u32, work_ms: (digest >> 16) as u16, attempt: digest as u16 }
}

/// What is known about a job; times are virtual nanoseconds.
#[derive(Clone, Debug, Default)]
struct Row {
    published: Option<u64>,
    /// The last delivery.
    delivered: Option<u64>,
    deliveries: u16,
    losses: u16,
    acked: Option<u64>,
}

/// Everything that became of every job. Clones share one table.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Rc<RefCell<Vec<Row>>>);

impl Ledger {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(vec![Row::default(); queue::JOBS as usize])))
    }

    /// # Panics
    /// If some job was not published once, acknowledged once, and delivered once more than it was lost.
    pub(crate) fn check(&self) {
        for (id, row) in self.0.borrow().iter().enumerate() {
            let in_order = row.published.is_some() && row.published <= row.delivered && row.delivered < row.acked;
            assert!(in_order && row.deliveries == row.losses + 1, "job {id}: {row:?}");
        }
    }
}

impl Sink for Ledger {
    fn record(&mut self, record: &Record<'_>) {
        let What::Note { kind, digest, .. } = record.what else { return };
        let Some(step) = step(kind) else { return };
        let job = unpack(digest);
        let row = &mut self.0.borrow_mut()[job.id as usize];
        let once = |seen: &mut Option<u64>| assert_eq!(seen.replace(record.at), None, "{kind} again: {job:?}");
        match step {
            Step::Published => once(&mut row.published),
            Step::Delivered => {
                assert_eq!(job.attempt, row.deliveries, "delivered out of turn: {job:?}");
                row.delivered = Some(record.at);
                row.deliveries += 1;
            }
            Step::Lost => row.losses += 1,
            Step::Acked => once(&mut row.acked),
        }
    }
}

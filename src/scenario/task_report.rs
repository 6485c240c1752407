//! The ledger of a run as data.

use super::ledger::{Execution, Ledger, TaskRecord};
use super::run::seconds;
use super::verdict::fate;
use crate::events::State;
use serde::Serialize;
use std::sync::Arc;

/// One line of the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct TaskReport {
    /// The task id.
    pub id: String,
    /// The task's name.
    pub task: String,
    /// What it came to.
    pub fate: &'static str,
    /// The state that the backend holds.
    pub state: &'static str,
    /// Each time its body began: by whom, when (seconds), until when, and how it ended.
    pub executions: Vec<ExecutionReport>,
    /// When it was called, seconds.
    pub called_at: f64,
    /// Deliveries of it that workers received.
    pub received: u32,
    /// Dead letters.
    pub dead_letters: u32,
}

/// One execution.
#[derive(Clone, Debug, Serialize)]
pub struct ExecutionReport {
    /// Which pool child ran it.
    pub process: String,
    /// Which try it was.
    pub retries: u32,
    /// Whether its message was delivered before.
    pub redelivered: bool,
    /// Seconds.
    pub started: f64,
    /// Seconds; `null` when it ran to the end of the run.
    pub over: Option<f64>,
    /// `returned`, `failed`, ...; `cut short` when it did not end by itself.
    pub ended: String,
}

/// Every call of a run.
pub(super) fn task_reports(ledger: &Ledger) -> Vec<TaskReport> {
    let execution = |execution: &Execution| ExecutionReport {
        process: execution.process.to_string(),
        retries: execution.retries,
        redelivered: execution.redelivered,
        started: seconds(execution.started),
        over: execution.over.map(seconds),
        ended: match (execution.ended, execution.over) {
            (Some(ended), _) => format!("{ended:?}").to_lowercase(),
            (None, Some(_)) => "cut short".to_owned(),
            (None, None) => "still running".to_owned(),
        },
    };
    let task = |(id, record): (&Arc<str>, &TaskRecord)| TaskReport {
        id: id.to_string(),
        task: record.task.to_string(),
        fate: fate(record).name(),
        state: record.state.map_or("PENDING", State::name),
        executions: record.executions.iter().map(execution).collect(),
        called_at: seconds(record.called_at),
        received: record.received,
        dead_letters: record.dead_letters,
    };
    // Poison and remote control are messages too, but nobody's calls.
    let calls = ledger.tasks.iter().filter(|(_, record)| record.calls > 0);
    calls.map(|(id, record)| (id, &**record)).map(task).collect()
}

//! Scenarios: a cluster, a workload, faults, expectations, and the verdict.
//!
//! | file | holds |
//! |---|---|
//! | `format`, `kinds`, `values`, `load` | the file format |
//! | `check`, `explain` | what is wrong with a file, and where |
//! | `script`, `faults`, `effects` | what tasks, clients and faults of a file do |
//! | `cluster`, `world` | the simulated cluster, and simq's door to it |
//! | `servers`, `serving` | what the broker's and the result store's hosts run |
//! | `redis`, `rabbit` | servers that are not simq's, simulated |
//! | `observe` | who reads a run while it happens |
//! | `ledger`, `order`, `task_report` | what happened to every task, and whether results came before acks |
//! | `verdict`, `expect`, `failures` | what became of them, and whether that was wanted |
//! | `run` | one run, and its report as data |
//! | `schedule` | who runs next, as files say it |
//! | `explore` | many runs to find one that fails, and the smallest like it |
//! | `replay` | a run once more, to be looked at |
//! | `report` | a report for people, as JSON, as JUnit |
//! | `trace` | the trace as lines of JSON |
//! | `crashpoints`, `compare`, `parallel` | many runs: each crash there is, the same story under several settings |
//! | `timeline` | a run on a time axis: a page for a browser, a trace for Perfetto |
//! | [`testkit`] | the same cluster for `cargo test` |

mod beat;
mod calls;
mod check;
pub(crate) mod cluster;
pub mod compare;
pub mod crashpoints;
mod effects;
mod expect;
mod explain;
pub mod explore;
mod failures;
mod faults;
mod format;
pub(crate) mod kinds;
mod ledger;
mod load;
mod observe;
mod order;
pub(crate) mod parallel;
mod rabbit;
mod redis;
pub mod replay;
pub mod report;
mod run;
mod schedule;
mod script;
mod servers;
mod serving;
mod starter;
mod task_report;
pub mod testkit;
mod timeline;
mod trace;
mod values;
mod verdict;
mod world;

pub use crate::text::Problem;
pub use effects::EFFECTS;
pub use expect::Expectation;
pub use load::Scenario;
pub use run::{Failure, FaultReport, Keep, Report, run, run_with};
pub use starter::starter;
pub use task_report::{ExecutionReport, TaskReport};
pub use timeline::Timeline;
pub use trace::{FirstDifference, TraceFile, first_difference};

/// The JSON Schema of scenario files.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(format::File);
    schema.insert("title".to_owned(), "simq scenario".into());
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

//! What happened in a run, on a time axis: as a page for a browser, and as a trace for Perfetto.
//!
//! | file | holds |
//! |---|---|
//! | `record` | the facts of a run while it happens, each with the one that caused it |
//! | `trail` | how far each task has come, which is how causes are found |
//! | `history` | a whole run: lanes, tasks with what is wrong with them, faults; what is left out of a large one |
//! | `lanes` | processes and queues in the order in which a reader wants them |
//! | `words` | reasons for people |
//! | `page`, `page/` | one HTML file that needs no network |
//! | `perfetto` | the Chrome trace event format |

mod history;
mod lanes;
mod page;
mod perfetto;
mod record;
mod trail;
mod words;

pub(crate) use history::Sources;
pub use history::Timeline;
pub(crate) use record::Recorder;

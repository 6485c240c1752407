//! A run once more, event for event, to be looked at: forwards, backwards, one task, one process, one queue.
//!
//! | file | holds |
//! |---|---|
//! | `record` | the events of a run, kept |
//! | `moment` | how processes and queues stand after an event |
//! | `causes` | what an event follows from |

mod causes;
mod moment;
mod record;

pub use moment::{Moment, ProcessState};
pub use record::{Happened, Replay, Sort};

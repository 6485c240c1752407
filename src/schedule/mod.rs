//! Schedules: when something is due. Pure; time comes in as an argument.

mod interval;

pub use interval::Interval;

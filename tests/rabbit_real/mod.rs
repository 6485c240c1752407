//! A RabbitMQ node and the engine, side by side: the same steps, and what is seen of both.

pub(crate) mod alarms;
pub(crate) mod laws;
pub(crate) mod pair;
pub(crate) mod real;
pub(crate) mod seen;
pub(crate) mod simulated;
pub(crate) mod steps;
pub(crate) mod story;
pub(crate) mod tables;

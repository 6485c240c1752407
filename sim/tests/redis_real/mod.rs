//! A real server beside the simulated one.

pub(crate) mod compare;
pub(crate) mod pair;
pub(crate) mod resp;
pub(crate) mod server;
pub(crate) mod twins;
pub(crate) mod words;

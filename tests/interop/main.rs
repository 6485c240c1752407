//! simq and Python's Celery on one real Redis, or one RabbitMQ: each calls the other's workers, reads the other's results,
//! and takes over what the other has left behind.
#![allow(clippy::disallowed_methods, reason = "real processes, real time")]

mod calls;
mod declared;
mod delayed;
mod forms;
mod left_behind;
mod node;
mod python;
mod replies;
mod routes;
#[path = "../servers/mod.rs"]
mod servers;
mod site;
mod states;

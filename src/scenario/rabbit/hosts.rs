//! How a simulated RabbitMQ is set up.

use crate::broker::amqp;
use crate::env::Endpoint;
use crate::env::amqp::{AmqpUrl, Name};
use crate::message::Table;
use crate::scenario::cluster::BROKER;

/// A RabbitMQ server.
#[derive(Clone, Debug)]
pub(crate) struct RabbitConfig {
    /// The heartbeat that it asks for, seconds: `heartbeat`.
    pub(crate) heartbeat: u16,
    /// What the engine is told.
    pub(crate) engine: amqp::RabbitConfig,
    /// Queues that are there from the beginning, with their x-arguments.
    pub(crate) queues: Vec<(Name, Table)>,
}

impl Default for RabbitConfig {
    fn default() -> Self {
        RabbitConfig { heartbeat: 60, engine: amqp::RabbitConfig::default(), queues: Vec::new() }
    }
}

/// Where processes find it.
pub(in crate::scenario) fn endpoint() -> Endpoint {
    match AmqpUrl::parse(&format!("amqp://{BROKER}//")) {
        Ok(url) => Endpoint::Amqp([url].into()),
        Err(_) => BROKER.into(),
    }
}

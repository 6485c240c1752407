//! One delivery in a worker's hands.

use super::ack::AckPolicy;
use super::timers::TimerId;
use crate::app::{Definition, DeliveryInfo, Failure};
use crate::broker::amqp::{Delivery, Name};
use crate::broker::{Epoch, Settlement};
use crate::message::TaskMessage;
use std::sync::Arc;

/// Names a request within its worker; never reused.
pub(super) type RequestId = u64;

/// Where a request stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Waits for its ETA.
    Parked(TimerId),
    /// The backend is asked what it knows of the task.
    Asking,
    /// Waits for a token of its task's rate limit.
    Limited,
    /// Waits for a child.
    Reserved,
    /// A child has it.
    Running { slot: usize, soft: Option<TimerId>, hard: Option<TimerId> },
    /// It has ended; its state is being stored, or its retry sent.
    Finishing,
}

/// Why the worker itself killed the child that runs a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutBy {
    HardLimit,
    ColdShutdown,
    ConnectionLoss,
    Revoke,
}

impl CutBy {
    pub(super) fn name(self) -> &'static str {
        match self {
            CutBy::HardLimit => "hard time limit",
            CutBy::ColdShutdown => "cold shutdown",
            CutBy::ConnectionLoss => "connection to the broker lost",
            CutBy::Revoke => "revoked",
        }
    }
}

/// One delivery of one task.
pub(super) struct Request {
    pub(super) epoch: Epoch,
    pub(super) delivery: Delivery,
    pub(super) queue: Name,
    pub(super) task: Arc<TaskMessage>,
    pub(super) definition: Arc<Definition>,
    pub(super) policy: AckPolicy,
    /// The broker would not deliver it once more.
    pub(super) last_delivery: bool,
    pub(super) phase: Phase,
    pub(super) cut: Option<CutBy>,
    /// Acked early, or its connection is gone: not to be settled.
    pub(super) settled: bool,
    /// The calls that its body made.
    pub(super) children: Vec<Arc<str>>,
    /// What caused the retry that is being sent.
    pub(super) cause: Option<Failure>,
    /// Its body has returned.
    pub(super) returned: bool,
    /// It does not count against the prefetch window any more.
    pub(super) makes_room: bool,
    /// What is to become of the message once the state is stored.
    pub(super) settle_as: Option<Settlement>,
}

impl Request {
    pub(super) fn delivery_info(&self) -> DeliveryInfo {
        let Delivery { exchange, routing_key, redelivered, .. } = &self.delivery;
        let (exchange, routing_key, redelivered) = (exchange.clone(), routing_key.clone(), *redelivered);
        DeliveryInfo { queue: self.queue.clone(), exchange, routing_key, redelivered }
    }

    pub(super) fn is_unstarted(&self) -> bool {
        matches!(self.phase, Phase::Parked(_) | Phase::Asking | Phase::Limited | Phase::Reserved)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }
}

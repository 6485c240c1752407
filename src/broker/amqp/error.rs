//! Why a channel is closed: RabbitMQ's reply codes and texts.

use super::Name;
use thiserror::Error;

/// An error of a client that closes its channel.
#[derive(Clone, Debug, Error, PartialEq)]
pub(super) enum ChannelError {
    #[error("NOT_FOUND - no queue '{0}' in vhost '/'")]
    NoQueue(Name),
    #[error("NOT_FOUND - no exchange '{0}' in vhost '/'")]
    NoExchange(Name),
    #[error("ACCESS_REFUSED - operation not permitted on the default exchange")]
    DefaultExchange,
    #[error("ACCESS_REFUSED - {kind} name '{name}' contains reserved prefix 'amq.*'")]
    ReservedName { kind: &'static str, name: Name },
    #[error(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{0}' in vhost '/'. It could be originally \
         declared on another connection or the exclusive property value does not match that of the original \
         declaration."
    )]
    Locked(Name),
    #[error(
        "PRECONDITION_FAILED - inequivalent arg '{argument}' for {kind} '{name}' in vhost '/': received {received} \
         but current is {current}"
    )]
    Inequivalent { argument: String, kind: &'static str, name: Name, received: String, current: String },
    #[error("PRECONDITION_FAILED - invalid arg '{argument}' for queue '{queue}' in vhost '/': {problem}")]
    InvalidArgument { argument: &'static str, queue: Name, problem: &'static str },
    #[error("PRECONDITION_FAILED - unknown delivery tag {0}")]
    UnknownDeliveryTag(u64),
    #[error("NOT_ALLOWED - attempt to reuse consumer tag '{0}'")]
    ConsumerTagInUse(Name),
}

impl ChannelError {
    /// AMQP's reply code.
    pub(super) fn code(&self) -> u16 {
        match self {
            ChannelError::NoQueue(_) | ChannelError::NoExchange(_) => 404,
            ChannelError::DefaultExchange | ChannelError::ReservedName { .. } => 403,
            ChannelError::Locked(_) => 405,
            ChannelError::Inequivalent { .. }
            | ChannelError::InvalidArgument { .. }
            | ChannelError::UnknownDeliveryTag(_) => 406,
            ChannelError::ConsumerTagInUse(_) => 530,
        }
    }
}

//! Why a channel is closed: RabbitMQ's reply codes and texts.

use super::Name;
use thiserror::Error;

/// Bytes.
const LONGEST_TEXT: usize = 255;

/// An error of a client that closes its channel, or its connection.
#[derive(Clone, Debug, Error, PartialEq)]
pub(super) enum ChannelError {
    #[error("NOT_FOUND - no queue '{0}' in vhost '/'")]
    NoQueue(Name),
    #[error("NOT_FOUND - home node 'rabbit@broker' of durable queue '{0}' in vhost '/' is down or inaccessible")]
    HomeDown(Name),
    #[error("NOT_FOUND - no exchange '{0}' in vhost '/'")]
    NoExchange(Name),
    #[error("ACCESS_REFUSED - operation not permitted on the default exchange")]
    DefaultExchange,
    #[error("ACCESS_REFUSED - {kind} name '{name}' contains reserved prefix 'amq.*'")]
    ReservedName { kind: &'static str, name: Name },
    #[error("ACCESS_REFUSED - deletion of system exchange '{0}' in vhost '/' not allowed")]
    SystemExchange(Name),
    #[error("ACCESS_REFUSED - queue '{0}' in vhost '/' in exclusive use")]
    ExclusiveUse(Name),
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
    InvalidArgument { argument: &'static str, queue: Name, problem: String },
    #[error("PRECONDITION_FAILED - invalid arg '{argument}' for queue '{queue}' in vhost '/' of queue type {kind}")]
    ArgumentOfOtherType { argument: String, queue: Name, kind: &'static str },
    #[error("PRECONDITION_FAILED - invalid property '{property}' for queue '{queue}' in vhost '/'")]
    InvalidProperty { property: &'static str, queue: Name },
    #[error("PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue")]
    ServerNamedQuorum,
    #[error("PRECONDITION_FAILED - {kind} '{name}' in vhost '/' {how}")]
    Condition { kind: &'static str, name: Name, how: &'static str },
    #[error("PRECONDITION_FAILED - {0}")]
    InvalidBinding(String),
    #[error(
        "PRECONDITION_FAILED - delivery acknowledgement on channel {channel} timed out. Timeout value used: {timeout} \
         ms. This timeout value can be configured, see consumers doc guide to learn more"
    )]
    AckTimeout { channel: u16, timeout: u64 },
    #[error(
        "RESOURCE_LOCKED - cannot obtain access to locked queue '{0}' in vhost '/'. basic.get operations are not \
         supported by quorum queues with single active consumer"
    )]
    GetFromSingleActive(Name),
    #[error("NOT_IMPLEMENTED - queue '{0}' in vhost '/' does not support global qos")]
    GlobalQos(Name),
    #[error(
        "NOT_IMPLEMENTED - cannot delete queue '{queue}' in vhost '/'. queue.delete operations with {flag} flag set are \
         not supported by quorum queues"
    )]
    ConditionalDelete { queue: Name, flag: &'static str },
    #[error("NOT_IMPLEMENTED - {0}")]
    NotImplemented(&'static str),
    #[error("PRECONDITION_FAILED - unknown delivery tag {0}")]
    UnknownDeliveryTag(u64),
    #[error("NOT_ALLOWED - attempt to reuse consumer tag '{0}'")]
    ConsumerTagInUse(Name),
}

impl ChannelError {
    /// AMQP's reply code.
    pub(super) fn code(&self) -> u16 {
        match self {
            ChannelError::NoQueue(_) | ChannelError::HomeDown(_) | ChannelError::NoExchange(_) => 404,
            ChannelError::DefaultExchange
            | ChannelError::ReservedName { .. }
            | ChannelError::SystemExchange(_)
            | ChannelError::ExclusiveUse(_) => 403,
            ChannelError::Locked(_) | ChannelError::GetFromSingleActive(_) => 405,
            ChannelError::Inequivalent { .. }
            | ChannelError::InvalidArgument { .. }
            | ChannelError::ArgumentOfOtherType { .. }
            | ChannelError::InvalidProperty { .. }
            | ChannelError::ServerNamedQuorum
            | ChannelError::Condition { .. }
            | ChannelError::InvalidBinding(_)
            | ChannelError::AckTimeout { .. }
            | ChannelError::UnknownDeliveryTag(_) => 406,
            ChannelError::ConsumerTagInUse(_) => 530,
            ChannelError::GlobalQos(_) | ChannelError::ConditionalDelete { .. } | ChannelError::NotImplemented(_) => {
                540
            }
        }
    }

    /// The reply text: RabbitMQ cuts it to what a short string of AMQP can hold.
    pub(super) fn text(&self) -> String {
        let mut text = self.to_string();
        if text.len() > LONGEST_TEXT {
            let cut = (0..=LONGEST_TEXT - 3).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(cut);
            text.push_str("...");
        }
        text
    }
}

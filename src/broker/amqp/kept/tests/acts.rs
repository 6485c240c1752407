//! What may happen to an engine.

use crate::broker::amqp::{ExchangeKind, Method, Name, Overflow, QueueOptions};
use crate::message::{DeliveryMode, Message};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) enum Act {
    Apply(usize, Method),
    /// Settles the `nth` unacked delivery of a channel.
    Settle(usize, usize, How),
    Reconnect(usize),
    Wait(u64),
    Restart,
    /// A snapshot takes the place of all records so far.
    Compact,
    Full(bool),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Ack,
    AckAll,
    Requeue,
    Reject,
    Release,
}

pub(super) fn options_of(queue: &str) -> QueueOptions {
    let durable = QueueOptions { durable: true, ..QueueOptions::default() };
    let letters = |to: &str| QueueOptions {
        dead_letter_exchange: Some("".into()),
        dead_letter_routing_key: Some(to.into()),
        ..durable.clone()
    };
    match queue {
        "q0" => QueueOptions { max_priority: Some(3), delivery_limit: Some(1), ..letters("q2") },
        "q1" => QueueOptions { message_ttl: Some(20), max_length: Some(2), ..letters("q0") },
        "q2" => QueueOptions { max_length: Some(2), overflow: Overflow::RejectPublish, ..durable },
        "q3" => QueueOptions { auto_delete: true, expires: Some(50), delivery_limit: Some(0), ..durable },
        "q4" => QueueOptions { exclusive: true, ..durable },
        _ => QueueOptions::default(),
    }
}

fn any_queue() -> impl Strategy<Value = Name> + Clone {
    prop::sample::select(&["q0", "q0", "q1", "q1", "q2", "q3", "q4", "q5", ""][..]).prop_map(Name::from)
}

fn any_exchange() -> impl Strategy<Value = Name> + Clone {
    prop::sample::select(&["x", "y", "amq.topic", "amq.fanout"][..]).prop_map(Name::from)
}

fn any_method() -> impl Strategy<Value = Method> {
    let kind = prop::sample::select(&[ExchangeKind::Direct, ExchangeKind::Topic, ExchangeKind::Fanout][..]);
    let key = prop::sample::select(&["q0", "q1", "a.b", "#"][..]).prop_map(Name::from);
    let message = (any::<u8>(), prop::option::weighted(0.2, 0..30u64), prop::bool::weighted(0.2), any::<u16>());
    let message = message.prop_map(|(priority, expiration, transient, body)| {
        let mut message = Message { body: body.to_string().into_bytes().into(), ..Message::default() };
        message.properties.priority = priority % 5;
        message.properties.expiration = expiration;
        message.properties.delivery_mode = if transient { DeliveryMode::Transient } else { DeliveryMode::Persistent };
        Arc::new(message)
    });
    let to = prop_oneof![
        4 => any_queue().prop_map(|queue| (Name::from(""), queue)),
        2 => (any_exchange(), key.clone()),
    ];
    let bound = (any_queue(), any_exchange(), key);
    prop_oneof![
        8 => (any_queue(), prop::bool::weighted(0.1)).prop_map(|(queue, flip)| {
            let mut options = options_of(&queue);
            options.durable ^= flip;
            Method::QueueDeclare { queue, passive: false, options }
        }),
        12 => (to, message).prop_map(|((exchange, routing_key), message)| {
            Method::Publish { exchange, routing_key, mandatory: false, message }
        }),
        6 => (any_queue(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(queue, first, no_ack)| {
            Method::Consume { queue, consumer: if first { "a".into() } else { "b".into() }, no_ack }
        }),
        2 => (0..4u32).prop_map(|prefetch| Method::Qos { prefetch }),
        2 => (any_queue(), any::<bool>()).prop_map(|(queue, no_ack)| Method::Get { queue, no_ack }),
        1 => Just(Method::Cancel { consumer: "a".into() }),
        1 => any_queue().prop_map(|queue| Method::QueuePurge { queue }),
        1 => any_queue().prop_map(|queue| Method::QueueDelete { queue }),
        4 => bound.clone().prop_map(|(queue, exchange, routing_key)| Method::QueueBind { queue, exchange, routing_key }),
        1 => bound.prop_map(|(queue, exchange, routing_key)| Method::QueueUnbind { queue, exchange, routing_key }),
        2 => (any_exchange(), kind, any::<bool>(), any::<bool>()).prop_map(|(exchange, kind, durable, auto_delete)| {
            Method::ExchangeDeclare { exchange, kind, durable, auto_delete }
        }),
        1 => any_exchange().prop_map(|exchange| Method::ExchangeDelete { exchange }),
    ]
}

pub(super) fn any_act() -> impl Strategy<Value = Act> {
    let how = prop::sample::select(&[How::Ack, How::AckAll, How::Requeue, How::Requeue, How::Reject, How::Release][..]);
    prop_oneof![
        30 => (0..3usize, any_method()).prop_map(|(ch, method)| Act::Apply(ch, method)),
        10 => (0..3usize, 0..4usize, how).prop_map(|(ch, nth, how)| Act::Settle(ch, nth, how)),
        2 => (0..3usize).prop_map(Act::Reconnect),
        3 => (0..40u64).prop_map(Act::Wait),
        1 => Just(Act::Restart),
        1 => Just(Act::Compact),
        1 => any::<bool>().prop_map(Act::Full),
    ]
}

//! The arguments of `queue.declare`: which a new queue may have, and how two declarations differ.

use super::error::ChannelError;
use super::{Name, Overflow, QueueOptions};
use serde_json::Value;

/// Milliseconds.
const LONGEST_EXPIRY: u64 = 315_360_000_000;

const CLASSIC: [&str; 13] = [
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-single-active-consumer",
    "x-queue-type",
    "x-queue-master-locator",
];

const QUORUM: [&str; 15] = [
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-expires",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-overflow",
    "x-single-active-consumer",
    "x-queue-type",
    "x-quorum-initial-group-size",
    "x-delivery-limit",
    "x-message-ttl",
    "x-queue-leader-locator",
];

/// The arguments that RabbitMQ knows of a type of queue, in the order in which it compares them.
fn known(quorum: bool) -> &'static [&'static str] {
    if quorum { &QUORUM } else { &CLASSIC }
}

/// The value of an argument as it is sent; `None` without it.
pub(super) fn argument(options: &QueueOptions, name: &str) -> Option<Value> {
    let overflow = match options.overflow {
        Overflow::DropHead => None,
        Overflow::RejectPublish => Some("reject-publish"),
        Overflow::RejectPublishDeadLetter => Some("reject-publish-dlx"),
    };
    match name {
        "x-expires" => options.expires.map(Value::from),
        "x-message-ttl" => options.message_ttl.map(Value::from),
        "x-dead-letter-exchange" => options.dead_letter_exchange.as_deref().map(Value::from),
        "x-dead-letter-routing-key" => options.dead_letter_routing_key.as_deref().map(Value::from),
        "x-dead-letter-strategy" => options.dead_letter_at_least_once.then(|| Value::from("at-least-once")),
        "x-max-length" => options.max_length.map(Value::from),
        "x-max-length-bytes" => options.max_length_bytes.map(Value::from),
        "x-max-priority" => options.max_priority.map(Value::from),
        "x-overflow" => overflow.map(Value::from),
        "x-single-active-consumer" => options.single_active_consumer.then(|| Value::from(true)),
        "x-queue-type" => options.quorum.then(|| Value::from("quorum")),
        "x-delivery-limit" => options.delivery_limit.map(Value::from),
        other => options.other.get(other).cloned(),
    }
}

/// 406 unless a new queue may have these values.
pub(super) fn check_values(queue: &Name, options: &QueueOptions) -> Result<(), ChannelError> {
    let too_large = |value: u64| (value > LONGEST_EXPIRY).then(|| format!("{{value_too_large,{value}}}"));
    let no_exchange = options.dead_letter_routing_key.is_some() && options.dead_letter_exchange.is_none();
    let zero = (options.expires == Some(0)).then(|| "{value_zero,0}".to_owned());
    for (argument, problem) in [
        ("x-expires", zero.or(options.expires.and_then(too_large))),
        ("x-message-ttl", options.message_ttl.and_then(too_large)),
        ("x-dead-letter-routing-key", no_exchange.then(|| "routing_key_but_no_dlx_defined".to_owned())),
    ] {
        if let Some(problem) = problem {
            return Err(ChannelError::InvalidArgument { argument, queue: queue.clone(), problem });
        }
    }
    Ok(())
}

/// 406 unless RabbitMQ has queues of this type with these arguments and properties.
pub(super) fn check_type(queue: &Name, options: &QueueOptions) -> Result<(), ChannelError> {
    let mut of_other: Vec<&str> = known(!options.quorum)
        .iter()
        .filter(|name| !known(options.quorum).contains(name) && argument(options, name).is_some())
        .copied()
        .collect();
    // In the order of the table, which clients sort.
    of_other.sort_unstable();
    if let Some(argument) = of_other.first() {
        let kind = if options.quorum { "rabbit_quorum_queue" } else { "rabbit_classic_queue" };
        let argument = (*argument).to_owned();
        return Err(ChannelError::ArgumentOfOtherType { argument, queue: queue.clone(), kind });
    }
    let properties = [
        ("auto-delete", options.auto_delete),
        ("exclusive-owner", options.exclusive),
        ("non-durable", !options.durable),
    ];
    match properties.into_iter().find(|(_, wrong)| options.quorum && *wrong) {
        Some((property, _)) => Err(ChannelError::InvalidProperty { property, queue: queue.clone() }),
        None => Ok(()),
    }
}

/// Name, received value and current value of what differs first.
pub(super) fn first_difference(
    current: &QueueOptions,
    received: &QueueOptions,
    all: bool,
) -> Option<(String, String, String)> {
    // An exclusive queue goes with its connection, whatever else is said of it.
    let durable = |options: &QueueOptions| options.durable && !options.exclusive;
    for (name, received, current) in
        [("durable", durable(received), durable(current)), ("auto_delete", received.auto_delete, current.auto_delete)]
    {
        if received != current {
            return Some((name.to_owned(), format!("'{received}'"), format!("'{current}'")));
        }
    }
    // RabbitMQ does not compare what it does not know.
    let own = all.then_some("x-delivery-limit").filter(|_| !current.quorum);
    let others = received.other.iter().chain(current.other.iter()).map(|(name, _)| name).filter(|_| all);
    known(current.quorum)
        .iter()
        .copied()
        .chain(own)
        .chain(others)
        .map(|name| (name, argument(received, name), argument(current, name)))
        .find(|(_, received, current)| received != current)
        .map(|(name, received, current)| {
            let typed = received.is_none() || current.is_none();
            (name.to_owned(), described(received.as_ref(), typed), described(current.as_ref(), typed))
        })
}

/// A value in RabbitMQ's words: with its type where there is nothing to compare it with.
fn described(value: Option<&Value>, typed: bool) -> String {
    let Some(value) = value else { return "none".to_owned() };
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if !typed {
        return format!("'{shown}'");
    }
    let kind = match value {
        Value::Bool(_) => "bool",
        Value::Number(number) if number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok()) => "signedint",
        Value::Number(_) => "long",
        _ => "longstr",
    };
    format!("the value '{shown}' of type '{kind}'")
}

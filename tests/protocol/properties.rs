//! Task messages, timestamps and backoff under arbitrary input.

use super::{decode, encode, raw, simple};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use simq::message::repr::{MAX_CHARS, argsrepr, kwargsrepr};
use simq::message::time::IsoTime;
use simq::message::{DeliveryMode, Message, TaskMessage, Timestamp};
use simq::worker::retry::Backoff;
use std::sync::Arc;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_array() -> impl Strategy<Value = Box<RawValue>> {
    prop::collection::vec(any_json(), 0..6).prop_map(|items| raw(Value::from(items).to_string()))
}

fn any_object() -> impl Strategy<Value = Box<RawValue>> {
    prop::collection::vec((".{0,6}", any_json()), 0..4)
        .prop_map(|entries| raw(Value::Object(entries.into_iter().collect()).to_string()))
}

fn any_text() -> impl Strategy<Value = Arc<str>> {
    ".{1,12}".prop_map(Arc::from)
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

prop_compose! {
    fn any_task()(
        (id, task, root_id) in (any_text(), any_text(), any_text()),
        (args, kwargs) in (any_array(), any_object()),
        embed in (prop::option::of(any_array()), prop::option::of(any_array()), prop::option::of(any_array()), prop::option::of(any_object())),
        texts in prop::collection::vec(prop::option::of(any_text()), 6),
        (eta, expires) in (prop::option::of(any_timestamp()), prop::option::of(any_timestamp())),
        numbers in (any::<u32>(), any::<u32>(), prop::option::of(any::<u32>()), any::<u8>()),
        limits in (prop::option::of(0.0..1e9), prop::option::of((0..100_000_u32).prop_map(f64::from))),
        ignore_result in any::<Option<bool>>(),
        stamps in prop::option::of(prop::collection::vec((".{0,6}", any_json()), 0..3)),
        extra in prop::collection::vec(("my-[a-z]{1,8}", any_json()), 0..4),
        is_transient in any::<bool>(),
    ) -> TaskMessage {
        let mut message = TaskMessage::new(id, task, args, kwargs);
        message.root_id = root_id;
        (message.embed.callbacks, message.embed.errbacks, message.embed.chain, message.embed.chord) = embed;
        let mut texts = texts.into_iter().flatten();
        message.shadow = texts.next();
        message.group = texts.next();
        message.parent_id = texts.next();
        message.origin = texts.next();
        message.reply_to = texts.next();
        message.argsrepr = texts.next();
        (message.eta, message.expires) = (eta, expires);
        (message.retries, message.replaced_task_nesting, message.group_index, message.priority) = numbers;
        (message.time_limit, message.soft_time_limit) = limits;
        message.ignore_result = ignore_result;
        if let Some(stamps) = stamps {
            message.stamped_headers = Some(stamps.iter().map(|(name, _)| name.clone()).collect());
            message.stamps = stamps.into_iter().collect();
        }
        for (name, value) in extra {
            message.extra.set(name, value);
        }
        message.delivery_mode = if is_transient { DeliveryMode::Transient } else { DeliveryMode::Persistent };
        message
    }
}

fn any_header_name() -> impl Strategy<Value = String> {
    let known: Vec<String> = simple().headers.iter().map(|(name, _)| name.to_owned()).collect();
    prop_oneof![4 => prop::sample::select(known), 1 => ".{0,8}"]
}

/// Whole bodies, cut ones, and ones with a byte changed.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let json =
        (any_json(), any_json(), any_json()).prop_map(|parts| json!([parts.0, parts.1, parts.2]).to_string()).boxed();
    let damaged =
        (json.clone(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(json, at, byte, cut)| {
            let mut bytes = json.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(if cut { at } else { bytes.len() });
            bytes
        });
    prop_oneof![json.prop_map(String::into_bytes), damaged, prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #[test]
    fn what_is_written_is_read(task in any_task(), now in any_timestamp()) {
        let message = encode(&task, now);
        let read = decode(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut written = task.clone();
        written.argsrepr = written.argsrepr.or_else(|| Some(argsrepr(&task.args).into()));
        written.kwargsrepr = Some(kwargsrepr(&task.kwargs).into());
        prop_assert_eq!(format!("{read:?}"), format!("{written:?}"));
        prop_assert_eq!(encode(&read, now), message);
    }

    #[test]
    fn nothing_that_arrives_panics(
        headers in prop::collection::vec((any_header_name(), any_json()), 0..24),
        is_task in any::<bool>(),
        body in any_body(),
        content_type in prop::option::weighted(0.9, prop_oneof![9 => Just("application/json".to_owned()), 1 => ".{0,8}"]),
    ) {
        let mut message = if is_task { simple() } else { Message::default() };
        for (name, value) in headers {
            message.headers.set(name, value);
        }
        message.body = body.into();
        message.properties.content_type = content_type.map(Arc::from);
        match decode(&message) {
            Ok(task) => drop(encode(&task, Timestamp::from_micros(0))),
            Err(error) => prop_assert!(error.to_string().contains("expected")),
        }
    }

    #[test]
    fn a_damaged_body_is_refused_or_read(body in any_body()) {
        let message = Message { body: body.clone().into(), ..simple() };
        if let Ok(task) = decode(&message) {
            // Not as values: JSON text may hold a number beyond every f64 or half of a surrogate pair.
            prop_assert!(serde_json::from_str::<Vec<IgnoredAny>>(task.args.get()).is_ok());
            prop_assert!(serde_json::from_str::<IgnoredAny>(task.kwargs.get()).is_ok());
            prop_assert_eq!(kwargsrepr(&task.kwargs).chars().next(), Some('{'));
            prop_assert_eq!(argsrepr(&task.args).chars().next(), Some('('));
        }
    }

    #[test]
    fn shown_arguments_are_bounded(args in any_array(), long in "[ a'é\\\\]{0,3000}") {
        for args in [args, raw(json!([long]).to_string())] {
            let shown = argsrepr(&args);
            prop_assert!(shown.starts_with('(') && shown.ends_with(')'));
            // A text that is cut may double its quotes and is marked; brackets get closed.
            prop_assert!(shown.chars().count() <= 2 * MAX_CHARS + 16);
        }
    }

    #[test]
    fn timestamps_are_read_as_written(time in any_timestamp()) {
        prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        prop_assert_eq!(IsoTime::parse(&time.to_string()), Ok(IsoTime::Aware(time)));
    }

    #[test]
    fn times_that_arrive_do_not_panic(text in "[-0-9:.,TWZz+ é]{0,40}|.{0,40}") {
        if let Ok(time) = Timestamp::parse(&text) {
            prop_assert!((Timestamp::MIN..=Timestamp::MAX).contains(&time));
        }
    }

    #[test]
    fn a_countdown_stays_within_its_bound(factor in any::<u64>(), max in any::<u64>(), retries in any::<u32>(), drawn in any::<u64>()) {
        let backoff = Backoff { factor, max, jitter: true };
        prop_assert!(backoff.countdown(retries, |_| drawn) <= max);
    }
}

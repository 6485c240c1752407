//! Task messages against captures of real Celery 5.7 traffic (`golden/`), and against arbitrary input.

#[path = "protocol/properties.rs"]
mod properties;
#[path = "protocol/retries.rs"]
mod retries;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use simq::message::payload::{MAX_BODY, MAX_DEPTH, PayloadError};
use simq::message::repr::{argsrepr, kwargsrepr};
use simq::message::time::IsoTime;
use simq::message::{Accept, DeliveryMode, Malformed, Message, Properties, Serializer, Table, TaskMessage, Timestamp};
use std::sync::Arc;

const REDIS_CAPTURES: &str = include_str!("golden/redis_task_messages.jsonl");
const AMQP_CAPTURES: &str = include_str!("golden/amqp_task_messages.jsonl");
const VECTORS: &str = include_str!("golden/vectors_misc.jsonl");

fn rows(file: &str) -> impl Iterator<Item = Value> {
    // The decoded body of one capture, `nan_inf`, is itself not JSON; its exact text stands beside it.
    let bare_nan = (r#""body_decoded": [[NaN, Infinity]"#, r#""body_decoded": [[null, null]"#);
    file.lines()
        .map(move |line| serde_json::from_str(&line.replace(bare_nan.0, bare_nan.1)).expect("golden rows are JSON"))
}

fn str_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).expect("valid JSON")
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| ALPHABET.iter().position(|digit| *digit == byte));
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

/// A message from the parts that the captures name alike on both brokers.
fn message(headers: &Value, properties: &Value, content_type: Option<&str>, body: Vec<u8>) -> Message {
    let text = |key: &str| properties[key].as_str().map(Arc::from);
    let mut table = Table::default();
    for (name, value) in headers.as_object().into_iter().flatten() {
        table.push(name.clone(), value.clone());
    }
    Message {
        headers: table,
        properties: Properties {
            content_type: content_type.map(Arc::from),
            content_encoding: None,
            delivery_mode: if properties["delivery_mode"] == 1 {
                DeliveryMode::Transient
            } else {
                DeliveryMode::Persistent
            },
            priority: properties["priority"].as_u64().map_or(0, |priority| priority as u8),
            correlation_id: text("correlation_id"),
            reply_to: text("reply_to"),
            expiration: properties["expiration"].as_str().and_then(|milliseconds| milliseconds.parse().ok()),
        },
        body: body.into(),
    }
}

/// An item of a Redis list.
fn from_envelope(envelope: &Value) -> Message {
    let body = str_of(envelope, "body");
    let is_base64 = envelope["properties"]["body_encoding"] == "base64";
    let body = if is_base64 { base64(body) } else { body.as_bytes().to_vec() };
    message(&envelope["headers"], &envelope["properties"], envelope["content-type"].as_str(), body)
}

fn from_amqp(captured: &Value) -> Message {
    let body =
        captured["body_text"].as_str().map_or_else(|| base64(str_of(captured, "body_base64")), |text| text.into());
    let properties = &captured["properties"];
    message(&captured["headers"], properties, properties["content_type"].as_str(), body)
}

/// What RabbitMQ had refused or expired before it could be captured.
const NO_MESSAGE_ON_AMQP: [&str; 2] = ["expires_datetime", "expires_in_the_past"];

/// Every captured task message: its case, the message, its body as Python decodes it.
fn captures() -> Vec<(String, Message, Value)> {
    let mut all = Vec::new();
    for (file, is_redis) in [(REDIS_CAPTURES, true), (AMQP_CAPTURES, false)] {
        for row in rows(file) {
            let is_empty = row["messages"].as_array().is_none_or(Vec::is_empty);
            assert_eq!(is_empty, !is_redis && NO_MESSAGE_ON_AMQP.contains(&str_of(&row, "case")), "{}", row["case"]);
            for captured in row["messages"].as_array().into_iter().flatten() {
                let message = match captured["raw"].as_str() {
                    Some(raw) => from_envelope(&serde_json::from_str(raw).expect("an envelope")),
                    // The sets in which kombu keeps bindings are captured beside the messages.
                    None if is_redis => continue,
                    None => from_amqp(captured),
                };
                all.push((str_of(&row, "case").to_owned(), message, captured["body_decoded"].clone()));
            }
        }
    }
    all
}

fn decode(message: &Message) -> Result<TaskMessage, Malformed> {
    TaskMessage::decode(message, &Accept::default())
}

fn decode_any(case: &str, message: &Message) -> TaskMessage {
    let task = TaskMessage::decode(message, &Accept::content(Serializer::ALL));
    task.unwrap_or_else(|error| panic!("{case}: {error}"))
}

fn encode(task: &TaskMessage, now: Timestamp) -> Message {
    task.encode(now).expect("a value that every serializer has")
}

/// The body as values. NaN, which the captured text of one case has bare, becomes null.
fn body_values(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body).replace("[NaN, Infinity]", "[null, null]");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The body as JSON, whatever it is written in.
fn as_json(task: &TaskMessage) -> Value {
    let plain = TaskMessage { serializer: Serializer::Json, compression: None, ..task.clone() };
    body_values(&encode(&plain, Timestamp::from_micros(0)).body)
}

#[test]
fn captures_pass_through_unchanged() {
    let (mut same_bytes, mut same_values, mut old) = (0, 0, 0);
    for (case, captured, body) in captures() {
        let task = decode_any(&case, &captured);
        let sent = encode(&task, sending_time(&task, &captured));
        if case.starts_with("protocol1") {
            assert_upgraded(&case, &task, &body);
            old += 1;
            continue;
        }
        assert_headers_alike(&case, &sent.headers, &captured.headers);
        assert_eq!(as_json(&task), body, "{case}");
        if task.serializer == Serializer::Json && task.compression.is_none() {
            assert_eq!(sent.body, captured.body, "{case}");
            same_bytes += 1;
        } else {
            assert_eq!(format!("{:?}", decode_any(&case, &sent)), format!("{task:?}"), "{case}");
            same_values += 1;
        }
        let encoding = Some(task.serializer.content_encoding().into());
        assert_eq!(sent.properties, Properties { content_encoding: encoding, ..captured.properties }, "{case}");
    }
    assert_eq!((same_bytes, same_values, old), (136, 24, 4));
}

/// A message of protocol 1 goes on as protocol 2, with all that it says.
fn assert_upgraded(case: &str, task: &TaskMessage, old: &Value) {
    assert_eq!(as_json(task)[0], old["args"], "{case}");
    assert_eq!(as_json(task)[1], old["kwargs"], "{case}");
    for part in ["callbacks", "errbacks", "chord"] {
        assert_eq!(as_json(task)[2][part], old[part], "{case}");
    }
    let sent = encode(task, Timestamp::from_micros(0));
    for header in ["task", "id", "group", "group_index", "retries", "timelimit"] {
        assert_eq!(sent.headers.get(header), Some(&old[header]), "{case}: {header}");
    }
    for header in ["eta", "expires"] {
        let time = |value: &Value| value.as_str().map(|text| text.parse::<Timestamp>().expect("a time"));
        assert_eq!(sent.headers.get(header).and_then(time), time(&old[header]), "{case}: {header}");
    }
}

/// When a capture was sent, from the time to live that Celery gave it.
fn sending_time(task: &TaskMessage, captured: &Message) -> Timestamp {
    let left = captured.properties.expiration.unwrap_or(0) as i64 * 1000;
    Timestamp::from_micros(task.expires.map_or(0, |expires| expires.as_micros() - left))
}

fn assert_headers_alike(case: &str, sent: &Table, captured: &Table) {
    let names = |table: &Table| table.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(sent), names(captured), "{case}");
    for ((name, sent), (_, captured)) in sent.iter().zip(captured.iter()) {
        match (case, name) {
            // A point in time is always written in UTC: the same one, in other words.
            ("eta_naive", "eta") => assert_eq!(*sent, json!("2030-01-02T03:04:05+00:00")),
            ("eta_offset", "eta") => assert_eq!(*sent, json!("2030-01-02T01:04:05+00:00")),
            _ => assert_eq!(sent, captured, "{case}: {name}"),
        }
    }
}

/// Captures whose arguments are Python values that JSON shows differently (tuples inside, dates, bytes, the `group`
/// class): their `argsrepr` cannot be computed from the body.
const SHOWN_AS_PYTHON_VALUES: [&str; 5] = ["types_in_args", "map", "starmap", "chunks", "signatures_as_json"];

#[test]
fn captured_arguments_are_shown_as_celery_shows_them() {
    let mut compared = 0;
    for (case, captured, _) in captures() {
        // Protocol 1 has no such headers.
        if case.starts_with("protocol1") || SHOWN_AS_PYTHON_VALUES.contains(&case.as_str()) {
            continue;
        }
        let task = decode_any(&case, &captured);
        assert_eq!(Some(argsrepr(&task.args).as_str()), task.argsrepr.as_deref(), "{case}");
        assert_eq!(Some(kwargsrepr(&task.kwargs).as_str()), task.kwargsrepr.as_deref(), "{case}");
        compared += 1;
    }
    assert_eq!(compared, 146);
}

fn simple() -> Message {
    TaskMessage::new("1".into(), "t".into(), raw("[]"), raw("{}"))
        .encode(Timestamp::from_micros(0))
        .expect("JSON has all")
}

#[test]
fn errors_say_what_was_expected_and_what_was_found() {
    let with = |name: &'static str, value: Value| {
        let mut message = simple();
        message.headers.set(name, value);
        message
    };
    let body = |body: &str| Message { body: body.as_bytes().into(), ..simple() };
    let mut yaml = simple();
    yaml.properties.content_type = Some("application/x-yaml".into());
    for (message, error) in [
        (Message::default(), "expected a task message with a header `task`, found no headers"),
        (with("id", json!(42)), "header `id`: expected a text that is not empty, found the number 42"),
        (
            with("retries", json!(-1)),
            "header `retries`: expected an integer from 0 to 4294967295 or null, found the number -1",
        ),
        (
            with("timelimit", json!([1])),
            "header `timelimit`: expected an array of 2 (hard, soft), each seconds from 0 or null, found an array of 1",
        ),
        (with("eta", json!(12345)), "header `eta`: expected an ISO-8601 time or null, found the number 12345"),
        (
            with("expires", json!("2030-02-30")),
            "header `expires`: not an ISO-8601 time: expected a day that this month has, found the text \"2030-02-30\"",
        ),
        (
            with("compression", json!("zip")),
            "header `compression`: expected a compression (gzip, zlib, bzip2, lzma, xz, brotli, zstd) or its content type, found \"zip\"",
        ),
        (
            yaml,
            "content type: expected application/json, found application/x-yaml; accept_content has what is accepted",
        ),
        (body("[[], {}]"), "body: expected the body to be an array of 3 (args, kwargs, embed), found an array of 2"),
        (
            body("[[], {}, {}, 5]"),
            "body: expected the body to be an array of 3 (args, kwargs, embed), found an array of 4",
        ),
        (
            body(r#"{"kwargs": {}}"#),
            "body: expected the body to be an array of 3 (args, kwargs, embed), found an object",
        ),
        (body("[[], [], {}]"), "body: expected kwargs to be an object, found an array"),
        (body("[[], {}, 1]"), "body: expected embed to be an object or null, found a number"),
        (body(r#"[[], {}, {"chain": {}}]"#), "body: expected chain to be an array or null, found an object"),
        (body("[[1, 2"), "body: expected JSON, found EOF while parsing a list at line 1 column 6"),
    ] {
        assert_eq!(decode(&message).map_err(|error| error.to_string()).err().as_deref(), Some(error));
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let nested = |levels: usize| {
        let body = format!("[{}{}, {{}}, null]", "[".repeat(levels), "]".repeat(levels));
        decode(&Message { body: body.into_bytes().into(), ..simple() })
    };
    let deepest = nested(MAX_DEPTH - 1).expect("within the limit");
    assert!(serde_json::from_str::<Value>(deepest.args.get()).is_ok(), "a task can read what was accepted");
    assert_eq!(nested(MAX_DEPTH).err(), Some(Malformed::Undecodable(PayloadError::TooDeep { limit: MAX_DEPTH })));
    assert_eq!(nested(1_000_000).err(), Some(Malformed::Undecodable(PayloadError::TooDeep { limit: MAX_DEPTH })));
    let brackets_in_text = format!(r#"[["{}"], {{}}, null]"#, "[".repeat(1000));
    assert!(decode(&Message { body: brackets_in_text.into_bytes().into(), ..simple() }).is_ok());

    let long = Message { body: vec![b' '; MAX_BODY + 1].into(), ..simple() };
    assert!(matches!(decode(&long), Err(Malformed::Undecodable(PayloadError::TooLarge { .. }))));
}

#[test]
fn what_the_broker_added_does_not_travel_on() {
    let mut message = simple();
    for name in ["x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", "redelivered"] {
        message.headers.set(name, true);
    }
    message.headers.set("x-deadline", "kept");
    let task = decode(&message).expect("a task message");
    assert_eq!(task.extra.iter().collect::<Vec<_>>(), [("x-deadline", &json!("kept"))]);
}

#[test]
fn a_user_header_cannot_replace_a_header_of_the_protocol() {
    let mut task = TaskMessage::new("1".into(), "t".into(), raw("[]"), raw("{}"));
    task.extra.set("id", "2");
    task.extra.set("n", 5);
    let headers = encode(&task, Timestamp::from_micros(0)).headers;
    assert_eq!(headers.get("id"), Some(&json!("1")));
    assert_eq!(headers.iter().last(), Some(("n", &json!(5))));
}

/// Kinds of vectors that other rooms are tested with.
const OTHER_KINDS: [&str; 4] = ["redis_topic_match", "redis_priority_bucket", "rate_limit_parse", "task_routes"];

#[test]
fn vectors() {
    let mut checked = 0;
    for row in rows(VECTORS) {
        match str_of(&row, "kind") {
            "eta_parse" => eta_vector(&row),
            "argsrepr" => argsrepr_vector(&row),
            "retry_backoff_no_jitter" => retries::backoff_vector(&row),
            other => {
                assert!(OTHER_KINDS.contains(&other), "a new kind: {other}");
                continue;
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 9 + 6 + 105);
}

fn eta_vector(row: &Value) {
    let text = str_of(row, "value");
    let mut message = simple();
    message.headers.set("eta", text);
    let eta = decode(&message).map(|task| task.eta);
    match row["parsed"].as_str() {
        None if row["error"].is_string() => assert!(matches!(eta, Err(Malformed::Time { .. })), "{text}"),
        None => assert_eq!(eta, Ok(None), "{text}"),
        Some(parsed) => {
            let time = IsoTime::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let (utc, is_aware) = match parsed {
                "2030-01-02T03:04:05+02:00" => ("2030-01-02T01:04:05+00:00".into(), true),
                _ if parsed.ends_with("+00:00") => (parsed.to_owned(), true),
                _ => (format!("{parsed}+00:00"), false),
            };
            assert_eq!((time.or_utc().to_string(), matches!(time, IsoTime::Aware(_))), (utc, is_aware), "{text}");
            assert_eq!(eta, Ok(Some(time.or_utc())), "{text}");
        }
    }
}

fn argsrepr_vector(row: &Value) {
    // The vectors give Python values; these are their JSON.
    let json = match str_of(row, "value") {
        "('é',)" => r#"["\u00e9"]"#,
        "({'a': [1, {'b': {'c': {'d': 1}}}]},)" => r#"[{"a": [1, {"b": {"c": {"d": 1}}}]}]"#,
        "('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',)" => r#"["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#,
        "(None, True, 1.5)" => "[null, true, 1.5]",
        r#"("it's",)"# => r#"["it's"]"#,
        // Bytes are a typed object in JSON, which is shown as that object.
        r"(b'\xff',)" => return,
        other => panic!("a new row: {other}"),
    };
    assert_eq!(argsrepr(&raw(json)), str_of(row, "argsrepr"));
}

/// Each text is what Celery's `saferepr` gave for the same values.
#[test]
fn arguments_are_cut_as_celery_cuts_them() {
    let x = |n| "x".repeat(n);
    for (json, shown) in [
        ("[]".to_owned(), "()".to_owned()),
        ("[4, 6]".into(), "(4, 6)".into()),
        (
            "[-0, -0.0, 1e5, 1e16, 1.5e-5, 0.0001, 1e400]".into(),
            "(0, -0.0, 100000.0, 1e+16, 1.5e-05, 0.0001, inf)".into(),
        ),
        ("[1260448153158433.25]".into(), "(1260448153158433.2,)".into()),
        (r#"["a\n\"b\\\ud83d\ude00"]"#.into(), "('a\n\"b\\😀',)".into()),
        ("[[[[]]], [[{}]], 1]".into(), "([[[...]]], [[{...}]], 1)".into()),
        (format!(r#"["{}"]"#, x(1022)), format!("('{}',)", x(1022))),
        (format!(r#"["{}"]"#, x(1023)), format!("('{}...',)", x(1023))),
        (format!(r#"["{} {}"]"#, x(10), x(2000)), format!("('{}...',)", x(10))),
        (format!(r#"[["{}", 1], 2]"#, x(2000)), format!("(['{}...', ...])", x(1022))),
        (format!(r#"[["{}", 1]]"#, x(2000)), format!("(['{}...', ...],)", x(1022))),
        (format!(r#"["{}", 1234]"#, x(1018)), format!("('{}', 1...)", x(1018))),
    ] {
        assert_eq!(argsrepr(&raw(json)), shown);
    }
    assert_eq!(kwargsrepr(&raw(r#"{ "a" : 1 , "b":{"c":null} }"#)), "{'a': 1, 'b': {'c': None}}");
}

//! The results that Celery stored (`tests/golden/redis_result_backend.jsonl`): keys, forms and what is read from them.

use super::results::Results;
use crate::backend::form::Form;
use crate::events::State;
use crate::settings::{Profile, Settings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeSet;

const GOLDEN: &str = include_str!("../../../tests/golden/redis_result_backend.jsonl");

fn form(set: &[(&str, &str)]) -> Form {
    let mut settings = Settings::new(Profile::Celery);
    settings.set_text("result_accept_content", "json,msgpack,yaml,pickle").unwrap();
    set.iter().for_each(|(name, value)| settings.set_text(name, value).unwrap());
    Form::new(&settings)
}

/// The results of the capture: case, key, bytes.
fn stored() -> Vec<(String, String, Vec<u8>)> {
    let mut stored = Vec::new();
    for row in GOLDEN.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        for key in row["keys"].as_array().unwrap() {
            let name = key["key"].as_str().unwrap();
            let bytes = match (&key["value"], &key["base64"]) {
                (_, Value::String(base64)) => STANDARD.decode(base64).unwrap(),
                (Value::String(text), _) => text.clone().into_bytes(),
                _ => continue,
            };
            if name.starts_with("celery-task-meta-") {
                stored.push((row["case"].as_str().unwrap().to_owned(), name.to_owned(), bytes));
            }
        }
    }
    stored
}

#[test]
fn every_captured_result_is_read_under_the_key_that_it_has() {
    let (form, results) = (form(&[]), Results::new(&Settings::new(Profile::Celery)));
    let (mut seen, mut states) = (0, BTreeSet::new());
    for (case, key, bytes) in stored() {
        let (state, meta) = form.read(&bytes).unwrap_or_else(|failure| panic!("{case}: {failure}"));
        let meta: Value = serde_json::from_slice(&meta).unwrap();
        assert_eq!(results.key(meta["task_id"].as_str().unwrap()), key, "{case}");
        let named = meta["status"].as_str().unwrap();
        assert_eq!(state, State::named(named).unwrap_or(State::Custom), "{case}");
        if case.ends_with("_failure") && case.starts_with("result_serializer") {
            assert_eq!(meta["result"]["exc_type"], "ValueError", "{case}");
            assert_eq!(meta["result"]["exc_message"], serde_json::json!(["boom", 42]), "{case}");
            assert_eq!(meta["result"]["exc_module"], "builtins", "{case}");
        }
        states.insert(named.to_owned());
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
    assert!(
        ["FAILURE", "RETRY", "REVOKED", "STARTED", "SUCCESS"].iter().all(|state| states.contains(*state)),
        "{states:?}"
    );
}

#[test]
fn what_is_written_in_any_form_is_read_again_and_says_the_same() {
    let plain = form(&[]);
    for (case, key, bytes) in stored() {
        let Ok((state, meta)) = plain.read(&bytes) else { panic!("{case} can't be read") };
        for serializer in ["json", "msgpack", "yaml", "pickle"] {
            for compression in ["", "gzip", "bzip2", "lzma", "brotli", "zstd"] {
                let mut set = vec![("result_serializer", serializer)];
                set.extend((!compression.is_empty()).then_some(("result_compression", compression)));
                let form = form(&set);
                let (_, written) = form.write(&key, state, meta.clone()).unwrap();
                let (read_state, read) = plain.read(&written).unwrap();
                let value = |meta: &[u8]| serde_json::from_slice::<Value>(meta).unwrap();
                assert_eq!((read_state, value(&read)), (state, value(&meta)), "{case} {serializer} {compression}");
            }
        }
    }
}

#[test]
fn what_a_form_has_no_room_for_becomes_a_failure() {
    let form = form(&[("result_serializer", "msgpack")]);
    let meta = format!(r#"{{"status": "SUCCESS", "result": 1{}, "date_done": "then"}}"#, "0".repeat(30));
    let meta: std::sync::Arc<[u8]> = meta.into_bytes().into();
    let (state, written) = form.write("an-id", State::Success, meta.clone()).unwrap();
    let (read_state, read) = form.read(&written).unwrap();
    let read: Value = serde_json::from_slice(&read).unwrap();
    assert_eq!((state, read_state), (State::Failure, State::Failure));
    assert_eq!((&read["result"]["exc_type"], &read["date_done"]), (&"EncodeError".into(), &"then".into()));
    assert!(form.write("an-id", State::Started, meta).is_none());
}

#[test]
fn what_is_no_result_says_why() {
    let form = form(&[]);
    for bytes in
        [&b""[..], b"\0celery-compressed\0", b"\0celery-compressed\0application/none\0x", b"{", b"\xc1", b"\x80\x04."]
    {
        let failure = form.read(bytes).map(|_| ()).unwrap_err();
        assert_eq!((&*failure.exc_type, &*failure.module), ("DecodeError", "kombu.exceptions"), "{bytes:?}");
    }
    let only_json = Form::new(&Settings::new(Profile::Celery));
    let refused = only_json.read(b"\x80\x04K\x01.").map(|_| ()).unwrap_err();
    assert_eq!(refused.exc_type, "ContentDisallowed");
}

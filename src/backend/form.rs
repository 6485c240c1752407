//! The form of results that others read: serializer and compression of what is written, and of what others have written
//! (wire sheet, section 12.1).
//!
//! A stored result does not say how it is serialized: Celery's clients read with their own `result_serializer`. Each form
//! begins in a way of its own, so that simq reads any that it accepts.

use crate::app::Failure;
use crate::events::State;
use crate::message::{Accept, Compression, Serializer};
use crate::settings::Settings;
use serde_json::json;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Before the content type of the compression, which ends with another zero.
const COMPRESSED: &[u8] = b"\0celery-compressed\0";

/// A state, and the meta as JSON text in canonical form.
pub(super) type Told = (State, Arc<[u8]>);

/// How this process writes results, and what it reads.
pub(super) struct Form {
    serializer: Serializer,
    compression: Option<Compression>,
    accept: Accept,
    /// Bytes of the longest result that is read.
    limit: usize,
}

impl Form {
    pub(super) fn new(settings: &Settings) -> Form {
        let accepted = settings.result_accept_content.as_ref().unwrap_or(&settings.accept_content);
        Form {
            serializer: settings.result_serializer,
            compression: settings.result_compression,
            // What it writes it reads.
            accept: Accept::content(accepted.serializers().chain([settings.result_serializer])),
            limit: usize::try_from(settings.max_body_size).unwrap_or(usize::MAX),
        }
    }

    /// Of messages, which `result_compression` leaves alone.
    pub(super) fn of_messages(settings: &Settings) -> Form {
        Form { compression: None, ..Form::new(settings) }
    }

    pub(super) fn serializer(&self) -> Serializer {
        self.serializer
    }

    /// The bytes of a meta. One that can't be written becomes the FAILURE that says so, as in Celery; `None` when it is only
    /// a state on the way, which nobody needs.
    pub(super) fn write(&self, id: &str, state: State, meta: Arc<[u8]>) -> Option<Told> {
        let why = match self.encode(&meta) {
            Ok(None) => return Some((state, meta)),
            Ok(Some(bytes)) => return Some((state, bytes.into())),
            Err(why) => why,
        };
        tracing::error!(id, %state, why, "a result can't be stored in the form of result_serializer");
        if !state.is_ready() {
            return None;
        }
        let failure = Failure::new("EncodeError", why).in_module("kombu.exceptions");
        let date_done = serde_json::from_slice::<Dated<'_>>(&meta).ok().and_then(|dated| dated.date_done);
        let meta = meta_of(id, &failure, date_done);
        Some((State::Failure, self.encode(&meta).ok()?.map_or(meta, Arc::from)))
    }

    /// `None` when the bytes are the meta's own.
    fn encode(&self, meta: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let raw: &RawValue = serde_json::from_slice(meta).map_err(|error| error.to_string())?;
        let bytes = self.serializer.encode(raw).map_err(|error| error.to_string())?;
        let Some(compression) = self.compression else {
            return Ok(if *bytes == *meta { None } else { Some(bytes.into_owned()) });
        };
        let packed = compression.compress(&bytes).map_err(|error| error.to_string())?;
        Ok(Some([COMPRESSED, compression.content_type().as_bytes(), b"\0", &packed].concat()))
    }

    /// Reads what is stored, by whomever.
    ///
    /// # Errors
    ///
    /// The exception that Celery's client raises.
    pub(super) fn read(&self, stored: &[u8]) -> Result<Told, Failure> {
        let unpacked = self.unpack(stored)?;
        let bytes = unpacked.as_deref().unwrap_or(stored);
        let mut refusal = None;
        for serializer in self.forms_of(bytes) {
            if !self.accept.accepts(serializer) {
                let text = format!("Refusing to deserialize a result of type {}", serializer.content_type());
                refusal.get_or_insert(Failure::new("ContentDisallowed", text).in_module("kombu.exceptions"));
                continue;
            }
            match serializer.decode_result(bytes, self.limit) {
                Ok(meta) if !meta.get().starts_with('{') => {
                    refusal.get_or_insert(undecodable("expected an object, found another value"));
                }
                Ok(meta) => {
                    let meta = Box::<str>::from(meta).into_boxed_bytes();
                    return Ok((state_in(&meta), meta.into()));
                }
                Err(error) => {
                    refusal.get_or_insert(undecodable(error));
                }
            }
        }
        Err(refusal.unwrap_or_else(|| undecodable("no form of a result")))
    }

    fn unpack(&self, stored: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let Some(rest) = stored.strip_prefix(COMPRESSED) else { return Ok(None) };
        let end = rest.iter().position(|byte| *byte == 0).ok_or_else(|| undecodable("a compression without an end"))?;
        let (name, packed) = rest.split_at(end);
        let compression: Compression = String::from_utf8_lossy(name).parse().map_err(undecodable)?;
        if packed.len() > self.limit {
            return Err(undecodable(format!("a result of {} bytes; at most {} are read", packed.len(), self.limit)));
        }
        compression.decompress(&packed[1..], self.limit).map(Some).map_err(undecodable)
    }

    /// The serializers that begin an object like this; the one that this process writes with first.
    fn forms_of(&self, bytes: &[u8]) -> Vec<Serializer> {
        let mut forms = match bytes {
            [0x80, 2..=5, ..] => vec![Serializer::Pickle],
            [0x80..=0x8F | 0xDE | 0xDF, ..] => vec![Serializer::Msgpack],
            [b'{', ..] => vec![Serializer::Json, Serializer::Yaml],
            _ => vec![Serializer::Yaml],
        };
        forms.sort_by_key(|form| *form != self.serializer);
        forms
    }
}

#[derive(serde::Deserialize)]
struct Dated<'a> {
    #[serde(borrow)]
    date_done: Option<&'a str>,
}

fn undecodable(why: impl std::fmt::Display) -> Failure {
    Failure::new("DecodeError", why.to_string()).in_module("kombu.exceptions")
}

/// What a caller is told of a result that can't be read or written.
pub(super) fn meta_of(id: &str, failure: &Failure, date_done: Option<&str>) -> Arc<[u8]> {
    let result = json!({
        "exc_type": failure.exc_type, "exc_message": failure.message, "exc_module": failure.module,
    });
    let meta = json!({
        "status": State::Failure.name(), "result": result, "traceback": null, "children": [], "date_done": date_done,
        "task_id": id,
    });
    meta.to_string().into_bytes().into()
}

/// The state that a meta names; a name that is not Celery's is a task's own state.
fn state_in(meta: &[u8]) -> State {
    #[derive(serde::Deserialize)]
    struct Status<'a> {
        #[serde(borrow)]
        status: std::borrow::Cow<'a, str>,
    }
    match serde_json::from_slice::<Status<'_>>(meta) {
        Ok(Status { status }) => State::named(&status).unwrap_or(State::Custom),
        Err(_) => State::Custom,
    }
}

/// The state of what is stored in whichever form.
#[cfg(feature = "sim")]
pub(crate) fn state_of(stored: &[u8]) -> State {
    if stored.first() == Some(&b'{') {
        return state_in(stored);
    }
    let form = Form {
        serializer: Serializer::Json,
        compression: None,
        accept: Accept::content(Serializer::ALL),
        limit: crate::message::payload::MAX_BODY,
    };
    form.read(stored).map_or(State::Custom, |(state, _)| state)
}

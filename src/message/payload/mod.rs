//! Payloads: what bodies of tasks and stored results are made of, as bytes in one of Celery's serializers, compressed
//! or not.
//!
//! Inside simq a payload is always JSON text, the *canonical* form. What JSON lacks is in it as Python's typed objects,
//! `{"__type__": T, "__value__": V}`, which Celery writes into JSON itself; the types in [`python`](super::python) are
//! their Rust side. NaN and the infinities, which Python writes bare, are the one typed object of simq's own,
//! `{"__type__": "float", "__value__": "NaN"}`; no JSON that arrives may contain it.
//!
//! | | in canonical form | written as |
//! |---|---|---|
//! | msgpack `bin`, YAML `!!binary`, pickled `bytes` | `bytes`, or `base64` if it is not UTF-8 | the same again |
//! | msgpack timestamp | `datetime` in UTC | the typed object: Python's msgpack has no other |
//! | YAML timestamp, pickled `datetime`, `date` | `datetime`, `date` | the same again |
//! | pickled `time`, `Decimal`, `UUID` | `time`, `decimal`, `uuid` | by pickle the same, by others the typed object |
//! | pickled tuple, set, frozenset | an array | a list |
//! | a key that is an integer, float, boolean or null | the text that Python's `json.dumps` makes of it | that text |
//! | a key of another type | refused | |
//! | the same list or map in several places (YAML alias, pickle memo) | a copy in each | copies |
//! | an integer beyond 64 bits in msgpack, 128 in pickle | refused | refused; JSON and YAML have no limit |

mod compression;
mod error;
mod json;
mod msgpack;
mod pickle;
mod serializer;
mod tokens;
mod typed;
mod writer;
mod yaml;

pub use compression::{Compression, UnknownCompression};
pub use error::{PayloadError, Unserializable};
pub use serializer::{Serializer, UnknownSerializer};

pub(super) use tokens::typed;
pub(super) use typed::{Kind, bare_float, name_of_float};

/// Bytes of the longest payload that is read, before and after decompression: 128 MiB, RabbitMQ's own default limit.
pub const MAX_BODY: usize = 128 << 20;
/// Deepest nesting of arrays and objects in a payload that is read. `serde_json` goes no deeper, so no task could read
/// its arguments.
pub const MAX_DEPTH: usize = 127;

/// What the parts that a payload shares with itself may add to its canonical text. A few bytes of YAML or pickle can
/// refer to each other so that the text doubles with each; an honest payload stays far below.
const MAX_SHARED: usize = 16 << 20;
/// Bytes of canonical text that one byte of an honest payload can stand for: an empty msgpack `bin` of two is a typed
/// object of 38.
const MAX_RATIO: usize = 32;

/// The most canonical text that a payload of `size` bytes may become.
fn text_limit(size: usize, limit: usize) -> usize {
    limit.min(MAX_SHARED.saturating_add(size.saturating_mul(MAX_RATIO)))
}

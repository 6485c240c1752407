//! Python's values that JSON lacks, for the arguments and results of tasks.
//!
//! Celery writes them into JSON as objects, `{"__type__": "decimal", "__value__": "1.50"}`. A task that takes or returns
//! one of these types reads and writes that form, so that a Python peer sees its own `Decimal`:
//!
//! ```
//! use simq::message::python::{Bytes, Decimal};
//!
//! let price: Decimal = "1.50".parse().unwrap();
//! assert_eq!(serde_json::to_string(&price).unwrap(), r#"{"__type__":"decimal","__value__":"1.50"}"#);
//! let bytes: Bytes = serde_json::from_str(r#"{"__type__": "base64", "__value__": "/wA="}"#).unwrap();
//! assert_eq!(bytes.0, [0xff, 0]);
//! ```
//!
//! | Python | Rust |
//! |---|---|
//! | `bytes` | [`Bytes`] |
//! | `datetime` | [`DateTime`] |
//! | `date` | [`Date`] |
//! | `time` | [`Time`] |
//! | `Decimal` | [`Decimal`] |
//! | `UUID` | [`Uuid`] |
//! | a `float` that may be NaN or infinite | [`Float`] |

mod bytes;
mod decimal;
mod float;
mod form;
mod moment;
mod uuid;

pub use self::uuid::Uuid;
pub use bytes::Bytes;
pub use decimal::Decimal;
pub use float::Float;
pub use form::NotA;
pub use moment::{Date, DateTime, Time};

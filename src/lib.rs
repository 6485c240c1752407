//! simq: a Celery-compatible task queue whose production code runs, unchanged, inside a deterministic simulated cluster.
//!
//! Start with [`App`]: it registers tasks, calls them, and runs the embedded queue. To test what happens to your tasks
//! when something dies, run the same application in a simulated cluster: `testkit` (feature `sim`, on by default). Each
//! feature has a program in `examples/`; whoever comes from Celery finds the way in `docs/from-celery.md`.
//!
//! | room | holds |
//! |---|---|
//! | [`app`] | an application: tasks, options, typed handles, results |
//! | [`message`] | messages on the wire: Celery's protocol 2 |
//! | [`schedule`] | when something is due |
//! | [`routing`] | which queue or exchange a call goes to |
//! | [`producer`], [`broker`], [`worker`], [`backend`], [`beat`] | the five actors |
//! | [`redis`](mod@redis) | what the adapters of Redis share: addresses, batches, scripts |
//! | [`control`] | remote control: requests that are broadcast to workers |
//! | [`journal`] | what the embedded queue keeps in a directory |
//! | [`settings`] | Celery's settings in two profiles |
//! | `planted` | faults for tests, in builds with the feature of that name |
//! | [`env`](mod@env) | the only door to time, randomness, processes, connections, files |
//! | [`events`] | what happens to tasks, as facts |

pub mod app;
pub mod backend;
pub mod beat;
pub mod broker;
pub mod cli;
mod collections;
pub mod control;
pub mod env;
pub mod events;
pub mod journal;
pub mod message;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
pub mod producer;
pub mod redis;
pub mod routing;
#[cfg(feature = "sim")]
pub mod scenario;
pub mod schedule;
pub mod settings;
mod text;
mod tls;
pub mod worker;

pub use app::{
    App, AsyncResult, CallOptions, DeliveryInfo, Error, Failure, Kwargs, PublishRetry, Running, StateChanges, Task,
    TaskContext, TaskError, TaskOptions, TaskResult,
};
pub use backend::Meta;
pub use beat::{CatchUp, Entry};
pub use events::State;
pub use message::{Compression, Serializer, Timestamp, python};
#[cfg(feature = "sim")]
pub use scenario::testkit;
pub use settings::{Profile, RateLimit, Settings};

/// The README's examples, compiled and run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadMe;

/// The way from Celery, compiled and run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../docs/from-celery.md")]
pub struct FromCelery;

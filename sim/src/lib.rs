//! A deterministic world for actix actors: turmoil for actix.
//!
//! A [`World`] holds hosts, each with a name, a disk, a wall clock and a program. A program gets a [`Process`] handle
//! and does everything through it: it spawns futures (an actix actor is one: `Context::into_future`), sleeps, listens
//! and connects, reads its disk. The world polls all futures itself, in an order that the seed chooses, on a clock that
//! jumps from event to event. Whatever a process does to others is an *effect* and crosses a point that the world
//! numbers, so a [`Fault`] can strike at a time, or exactly there ([`Trigger`]).
//!
//! Everything observable goes into a trace; the same seed gives the same [`TraceHash`], in any process, on any machine.
//!
//! ```
//! use simq_sim::{Config, Fault, Stop, World};
//! use std::time::Duration;
//!
//! let world = World::new(Config::new(1))?;
//! world.define("sleeper", |process| {
//!     let inner = process.clone();
//!     process.spawn(async move {
//!         inner.sleep(Duration::from_secs(3600)).await;
//!         inner.exit(0);
//!     });
//! });
//! world.start("sleeper");
//! let fault = world.fault_at(Duration::from_secs(60), Fault::Kill { process: "sleeper".into() });
//! assert_eq!(world.run(Duration::from_secs(7200), 1_000), Stop::Idle);
//! assert!(world.struck(fault));
//! assert_eq!(world.exit_of("sleeper").unwrap().to_string(), "signal 9 (SIGKILL)");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | room | holds |
//! |---|---|
//! | `world`, `shared` | the loop: run what is ready, move the clock, let the next event happen |
//! | `choices`, `order`, `prng` | every random decision, in salted streams; strategies and pinned schedules |
//! | `alternatives` | choices whose other outcome somebody would see |
//! | `executor`, `timer`, `tokio_clock` | tasks and wakers, the event heap, tokio's paused clock kept in step |
//! | `process`, `life`, `fate` | the handle of a program; who lives; start, kill, pause, signals, children |
//! | `disk` | what survives a crash |
//! | `net`, `effect` | connections; the numbered effects |
//! | `fault`, `layers` | what can go wrong, also twice at once |
//! | `redis` | a Redis server, as a state machine |
//! | `trace` | records, sinks, the hash |

mod alternatives;
mod choices;
mod disk;
mod effect;
mod executor;
mod fate;
mod fault;
mod layers;
mod life;
mod net;
mod order;
mod prng;
mod process;
pub mod redis;
mod shared;
mod timer;
mod tokio_clock;
mod trace;
mod world;

pub use alternatives::{Alternative, Pin};
pub use choices::Stream;
pub use effect::{Point, Trigger};
pub use fault::Fault;
pub use life::Exit;
pub use net::{ConnectError, Connection, Listener, Payload};
pub use order::{Order, Pins};
pub use prng::Prng;
pub use process::{Child, Process, ProcessId, SYNC_TIME, Signal};
pub use shared::{end_here, here};
pub use timer::Sleep;
pub use trace::{Record, Sink, TraceHash, What};
pub use world::{Config, EPOCH_MICROS, Stop, Stopper, Summary, World};

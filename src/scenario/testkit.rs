//! Your own application in the simulated cluster, from `cargo test`.
//!
//! The application is built by a function, once for each simulated process, because processes share nothing. Everything
//! runs in virtual time: `tokio::time::sleep` in a task costs nothing real.
//!
//! ```
//! use simq::scenario::testkit::Cluster;
//! use simq::{App, TaskContext};
//! use std::time::Duration;
//!
//! fn app() -> App {
//!     let app = App::new("shop");
//!     app.task("mail.send", |_ctx: TaskContext, (to,): (String,)| async move {
//!         tokio::time::sleep(Duration::from_secs(2)).await;
//!         Ok(format!("sent to {to}"))
//!     });
//!     app
//! }
//!
//! let report = Cluster::new(app)
//!     .workers(2, 1)
//!     .kill_at(Duration::from_secs(1), "w1")
//!     .run(|client| async move {
//!         let send = client.app.remote::<(String,), String>("mail.send");
//!         let sent = send.delay(("ada".into(),)).await.unwrap();
//!         assert_eq!(sent.get(Duration::from_secs(3600)).await.unwrap(), "sent to ada");
//!     });
//! assert_eq!(report.lost, 0);
//! ```

mod client;
mod plans;

pub use client::Client;
pub use plans::{FaultPlan, fault_plans};

use super::cluster::{self, BROKER, PRODUCER, Plan, When, WorkerPlan};
use super::observe::Look;
use super::rabbit::RabbitConfig;
use super::redis::RedisHosts;
use super::serving::Servers;
use super::verdict::Counts;
use crate::app::App;
use crate::broker::amqp::DropReason;
use crate::message::Timestamp;
use crate::worker::WorkerOptions;
use simq_sim::redis::{Persistence, RedisConfig};
use simq_sim::{Fault, Order};
use std::cell::Cell;
use std::process::{ExitCode, Termination};
use std::rc::Rc;
use std::time::Duration;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Calls made.
    pub calls: u64,
    /// Calls whose body returned.
    pub succeeded: u64,
    /// Calls whose body raised, for good.
    pub failed: u64,
    /// Calls accepted whose body never came to its end and never will.
    pub lost: u64,
    /// Calls whose body came to its end more than once in one attempt.
    pub duplicated: u64,
    /// Calls still waiting or running at the end.
    pub stuck: u64,
    /// Messages in the dead-letter queue.
    pub dead_lettered: u64,
    /// Messages that were rejected without requeue and that no dead-letter queue took: gone.
    pub rejected: u64,
    /// Messages in queues or in workers' hands at the end, dead letters not counted.
    pub unsettled: u64,
    /// Times a body began.
    pub executions: u64,
    /// Virtual time that it took.
    pub virtual_time: Duration,
    /// The seed, to see this run again.
    pub seed: u64,
    /// Hash of everything that happened.
    pub trace_hash: String,
}

/// A simulated cluster around an application.
pub struct Cluster {
    plan: Plan,
    /// The faults from here on may find nothing to strike.
    must_strike: Option<usize>,
}

impl Cluster {
    /// A cluster for the application that `app` builds. One worker `w1` with one child, seed 1, an hour at most.
    pub fn new(app: impl Fn() -> App + 'static) -> Self {
        let apps: Rc<dyn Fn() -> App> = Rc::new(app);
        let dead_letter_queue = apps().settings().task_dead_letter_queue.clone();
        let plan = Plan {
            seed: 1,
            latency: simq_sim::Config::new(1).latency,
            limit: Duration::from_secs(3600),
            max_events: 100_000_000,
            apps,
            uses_tokio: true,
            dead_letter_queue,
            workers: Vec::new(),
            clients: Vec::new(),
            beat: Vec::new(),
            beats: Vec::new(),
            epoch_micros: super::cluster::EPOCH_MICROS,
            faults: Vec::new(),
            servers: Servers::default(),
            order: Order::Uniform,
        };
        Cluster { plan, must_strike: None }.workers(1, 1)
    }

    /// Broker and result store are Redis servers that keep everything on their disks: `redis://broker/0` and
    /// `redis://backend/0`.
    #[must_use]
    pub fn on_redis(mut self) -> Self {
        let config = RedisConfig { persistence: Persistence::Always, ..RedisConfig::default() };
        self.plan.servers.redis = RedisHosts { broker: Some(config.clone()), backend: Some(config), fail_over: None };
        self
    }

    /// The broker is a RabbitMQ, `amqp://broker//`. Results stay where they were.
    #[must_use]
    pub fn on_rabbitmq(mut self) -> Self {
        self.plan.servers.rabbit = Some(RabbitConfig::default());
        self
    }

    /// Another seed: another run.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// What every wall clock shows at the start. Default: 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn starts_at(mut self, time: Timestamp) -> Self {
        self.plan.epoch_micros = time.as_micros();
        self
    }

    /// Virtual time after which the run ends even if something is left to do. Default: an hour.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.plan.limit = limit;
        self
    }

    /// This many workers, `w1`, `w2`, ..., with this many pool children each, instead of those before.
    #[must_use]
    pub fn workers(mut self, count: u32, concurrency: u32) -> Self {
        let options = WorkerOptions { concurrency, queues: Vec::new(), finishing: 0 };
        let worker =
            |number| WorkerPlan { name: format!("w{number}"), options: options.clone(), memory: None, apps: None };
        self.plan.workers = (1..=count).map(worker).collect();
        self
    }

    /// Runs the application's schedule, in a process `beat`. Such a run lasts until its limit.
    ///
    /// # Panics
    ///
    /// When the schedule can't be used.
    #[must_use]
    pub fn beat(mut self) -> Self {
        match (self.plan.apps)().schedule_entries() {
            Ok(entries) => self.plan.beat = entries,
            #[allow(clippy::panic, reason = "a test that can't run must fail")]
            Err(error) => panic!("{error}"),
        }
        self.plan.beats = vec![cluster::BEAT.to_owned()];
        self
    }

    /// A fault of the world, at a time.
    #[must_use]
    pub fn fault_at(mut self, at: Duration, fault: Fault) -> Self {
        self.plan.faults.push((When::At(at), fault));
        self
    }

    /// A fault of the world, at an effect of a process.
    #[must_use]
    pub fn fault_on(mut self, trigger: simq_sim::Trigger, fault: Fault) -> Self {
        self.plan.faults.push((When::On(trigger), fault));
        self
    }

    /// SIGKILL to a process: `w1`, `broker`, `w1/2` for its second pool child.
    #[must_use]
    pub fn kill_at(self, at: Duration, process: &str) -> Self {
        self.fault_at(at, Fault::Kill { process: process.to_owned() })
    }

    /// Starts a process again.
    #[must_use]
    pub fn restart_at(self, at: Duration, process: &str) -> Self {
        self.fault_at(at, Fault::Restart { process: process.to_owned() })
    }

    /// Resets a worker's connections to the broker.
    #[must_use]
    pub fn reset_at(self, at: Duration, process: &str) -> Self {
        self.fault_at(at, Fault::Reset { between: [process.to_owned(), BROKER.to_owned()] })
    }

    /// Runs a client script, and then until nothing is left to do. The script returns nothing, or a result: then `?` is at
    /// hand in it.
    ///
    /// # Panics
    ///
    /// When the script panics, returns an error, does not come to its end within the limit, or a planned fault finds
    /// nothing to strike: the message names the seed. Also inside of a tokio runtime: call it from a plain `#[test]`.
    pub fn run<F>(mut self, script: impl Fn(Client) -> F + 'static) -> Summary
    where
        F: Future<Output: Termination> + 'static,
    {
        let done = Rc::new(Cell::new(None));
        let told = done.clone();
        let broker = self.plan.servers.endpoints().broker;
        let client: cluster::Client = Rc::new(move |env, app, calls| {
            calls.begin();
            let script = script(Client { app: app.clone(), env: env.clone(), broker: broker.clone() });
            let (told, calls) = (told.clone(), calls.clone());
            env.spawn(async move {
                told.set(Some(script.await.report()));
                calls.end();
            });
        });
        self.plan.clients.push((PRODUCER.to_owned(), client));
        let seed = self.plan.seed;
        let outcome = match cluster::run(&self.plan, Look::default()) {
            Ok(outcome) => outcome,
            #[allow(clippy::panic, reason = "a test that can't run must fail")]
            Err(error) => panic!("{error}"),
        };
        let end = outcome.summary.now;
        let crashes = outcome.crashed.join("; ");
        assert!(crashes.is_empty(), "seed {seed}: a process crashed: {crashes}");
        let done = done.get();
        assert!(done.is_some(), "seed {seed}: the script did not come to its end within {:?}", self.plan.limit);
        assert!(done == Some(ExitCode::SUCCESS), "seed {seed}: the script returned the error above");
        assert!(outcome.leak.is_none(), "seed {seed}: not deterministic: {}", outcome.leak.unwrap_or_default());
        let must_strike = self.must_strike.unwrap_or(usize::MAX);
        for ((when, fault), struck) in self.plan.faults.iter().zip(&outcome.struck).take(must_strike) {
            assert!(struck, "seed {seed}: fault never struck: {fault} ({when:?})");
        }
        let counts = Counts::of(&outcome.ledger, &[], end, |_, _| true);
        let dropped = outcome.ledger.tasks.values().flat_map(|record| &record.dropped);
        let rejected = dropped.filter(|why| **why == DropReason::Rejected).count();
        Summary {
            calls: counts.calls,
            succeeded: counts.succeeded,
            failed: counts.failed,
            lost: counts.lost,
            duplicated: counts.duplicated,
            stuck: counts.stuck,
            dead_lettered: counts.dead_lettered,
            rejected: rejected as u64,
            unsettled: outcome.ledger.tasks.values().map(|record| record.copies.unsigned_abs()).sum(),
            executions: counts.executions,
            virtual_time: Duration::from_nanos(end),
            seed,
            trace_hash: outcome.summary.hash.to_string(),
        }
    }
}

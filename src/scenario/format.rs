//! The format of scenario files.
//!
//! The documentation of these types is the schema's (`simq schema`), and `docs/scenarios.md` explains every key with an
//! example. Unknown keys are refused everywhere.

use super::beat::BeatEntry;
use super::explore::Explore;
pub(crate) use super::kinds::{Kind, SignalName};
use super::schedule::Schedule;
use super::servers::{Network, RabbitServer, RedisServer, ServerKind};
use super::values::{Count, Span, SpanRange, Time};
use crate::settings::Profile;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A scenario: a cluster, a workload, faults, and what is expected of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// One or two sentences: the story.
    pub(crate) about: Option<String>,
    /// The seed that a plain run uses. Default: 1.
    #[serde(default = "one")]
    pub(crate) seed: u64,
    /// Which defaults the settings start from: `safe` or `celery`. Default: `safe`.
    #[serde(default)]
    pub(crate) profile: Profile,
    /// Virtual time after which a run ends even if something is left to do. Default: 10 minutes.
    #[schemars(with = "Option<Span>")]
    pub(crate) limit: Option<Spanned<Span>>,
    /// Settings under Celery's names.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) settings: toml::Table,
    /// What the host `broker` runs: simq's own broker, `redis`, or `rabbitmq`. Default: `embedded`.
    #[serde(default)]
    pub(crate) broker: ServerKind,
    /// What the host `backend` runs: simq's own result store, or Redis. Default: `embedded`.
    #[serde(default)]
    pub(crate) backend: ServerKind,
    /// How the simulated Redis servers are set up.
    #[serde(default)]
    pub(crate) redis: RedisServer,
    /// How the simulated RabbitMQ is set up.
    #[serde(default)]
    pub(crate) rabbitmq: RabbitServer,
    /// Latency of every connection.
    #[serde(default)]
    pub(crate) network: Network,
    /// Worker hosts by name.
    #[schemars(with = "BTreeMap<String, Worker>")]
    #[serde(default)]
    pub(crate) workers: BTreeMap<Spanned<String>, Worker>,
    /// Tasks by name: what their bodies do, and their options.
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, Task>,
    /// Calls to be made.
    #[serde(default)]
    pub(crate) workload: Vec<Load>,
    /// Entries of the scheduler.
    #[serde(default)]
    pub(crate) beat: Vec<BeatEntry>,
    /// Hosts that run the scheduler, 1 to 100; with more than one they are called `beat1`, `beat2`, ... Default: 1.
    #[schemars(with = "Option<u32>")]
    pub(crate) beats: Option<Spanned<u32>>,
    /// What every wall clock shows at the start. Default: `2026-01-01T00:00:00Z`.
    #[schemars(with = "Option<String>")]
    pub(crate) starts: Option<Spanned<String>>,
    /// What goes wrong.
    #[serde(default)]
    pub(crate) fault: Vec<FaultEntry>,
    /// Who runs next, and how long messages travel. Default: the seed decides.
    pub(crate) schedule: Option<Schedule>,
    /// What `simq explore` may add.
    #[serde(default)]
    pub(crate) explore: Explore,
    /// What must hold at the end.
    #[serde(default)]
    pub(crate) expect: Expect,
    /// The same story under other settings: each variant is a run of its own, with its own expectations.
    #[serde(default)]
    pub(crate) variant: BTreeMap<String, Variant>,
}

fn one() -> u64 {
    1
}

/// What differs in a variant. What it does not name is the file's.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    /// What this variant shows.
    pub(crate) about: Option<String>,
    /// Other defaults.
    pub(crate) profile: Option<Profile>,
    /// How the simulated Redis servers are set up, in place of the file's.
    pub(crate) redis: Option<RedisServer>,
    /// How the simulated RabbitMQ is set up, in place of the file's.
    pub(crate) rabbitmq: Option<RabbitServer>,
    /// Settings on top of the file's.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) settings: toml::Table,
    /// Keys of tasks on top of the file's.
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, Task>,
    /// What goes wrong, in place of the file's faults.
    pub(crate) fault: Option<Vec<FaultEntry>>,
    /// Expectations on top of the file's.
    #[serde(default)]
    pub(crate) expect: Expect,
}

/// A worker host, or several alike.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    /// How many; with more than one they are called `NAME1`, `NAME2`, ... Default: one, called `NAME`.
    #[schemars(with = "Option<u32>")]
    pub(crate) count: Option<Spanned<u32>>,
    /// Pool children of each, 1 to 1000. Default: 1.
    #[schemars(with = "Option<u32>")]
    pub(crate) concurrency: Option<Spanned<u32>>,
    /// Queues that they consume. Default: `task_default_queue`.
    #[serde(default)]
    pub(crate) queues: Vec<String>,
    /// Tasks that they don't know: workers of an older version.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) without: Vec<Spanned<String>>,
    /// Messages that fit into their memory; one more ends the worker. Default: no limit.
    #[schemars(with = "Option<u32>")]
    pub(crate) memory: Option<Spanned<u32>>,
}

/// A task: what its body does when it is run, and its options under Celery's names.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    /// How long the body takes before it does what it does. Default: 0s.
    pub(crate) takes: Option<SpanRange>,
    /// What the first, second, ... execution of each call does; the last one goes for all that follow. Default: return.
    pub(crate) does: Option<Vec<Does>>,
    /// It does that until this time of the run, and from then on returns. Default: to the end.
    pub(crate) does_until: Option<Span>,
    /// Ack after the task has run. Default: `task_acks_late`.
    pub(crate) acks_late: Option<bool>,
    /// Requeue when its pool child is lost. Default: `task_reject_on_worker_lost`.
    pub(crate) reject_on_worker_lost: Option<bool>,
    /// Send again, as a retry, when its pool child is lost. Default: `task_retry_on_worker_lost`.
    pub(crate) retry_on_worker_lost: Option<bool>,
    /// Ack when it raised. Default: `task_acks_on_failure`.
    pub(crate) acks_on_failure: Option<bool>,
    /// Ack when it ran into its hard time limit. Default: `task_acks_on_timeout`.
    pub(crate) acks_on_timeout: Option<bool>,
    /// Its child is killed after this time. Default: `task_time_limit`.
    pub(crate) time_limit: Option<Span>,
    /// It is interrupted after this time. Default: `task_soft_time_limit`.
    pub(crate) soft_time_limit: Option<Span>,
    /// Retries before it fails for good. Default: 3.
    pub(crate) max_retries: Option<u32>,
    /// Wait before a retry. Default: 180s.
    pub(crate) default_retry_delay: Option<Span>,
    /// Retry by itself when it raises. Default: if it has a `retry_backoff`.
    pub(crate) autoretry: Option<bool>,
    /// Wait 1, 2, 4, ... times this many seconds before such a retry. Default: 0, the `default_retry_delay`.
    pub(crate) retry_backoff: Option<f64>,
    /// Longest of those waits. Default: 10m.
    pub(crate) retry_backoff_max: Option<Span>,
    /// Draw each of those waits at random up to the computed one. Default: true.
    pub(crate) retry_jitter: Option<bool>,
    /// Store no result. Default: `task_ignore_result`.
    pub(crate) ignore_result: Option<bool>,
    /// Queue of its calls. Default: `task_default_queue`.
    pub(crate) queue: Option<String>,
    /// Priority of its calls, 0 to 255. Default: `task_default_priority`.
    pub(crate) priority: Option<u8>,
    /// How often each worker begins it: `"10/s"`, `"2/m"`. Default: `task_default_rate_limit`.
    pub(crate) rate_limit: Option<String>,
}

/// What a body does at its end.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Does {
    /// Returns.
    Return,
    /// Raises an exception.
    Raise,
    /// Asks for a retry.
    Retry,
    /// Rejects its message without requeue.
    Reject,
    /// Rejects its message and wants it back in the queue.
    Requeue,
    /// Asks to be ignored.
    Ignore,
    /// Panics.
    Panic,
    /// Never ends.
    Hang,
    /// Its child gets SIGKILL.
    KillChild,
    /// Its child runs out of memory and is killed by the kernel.
    OutOfMemory,
    /// Its child exits with status 1.
    Exit,
}

/// Calls of one task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Load {
    /// The task's name.
    #[schemars(with = "String")]
    pub(crate) task: Spanned<String>,
    /// How many calls, 1 to 10,000,000. Default: 1.
    #[schemars(with = "Option<u64>")]
    pub(crate) count: Option<Spanned<u64>>,
    /// When the first call is made. Default: 0s.
    #[serde(default)]
    pub(crate) at: Span,
    /// Time between two calls. Default: 0s, all at once.
    #[serde(default)]
    pub(crate) every: SpanRange,
    /// Ids of the calls: `ID` for one, `ID-1`, `ID-2`, ... for more. Default: random UUIDs.
    pub(crate) id: Option<String>,
    /// Not before this long after the call. Default: at once.
    pub(crate) countdown: Option<SpanRange>,
    /// Not later than this long after the call. Default: whenever.
    pub(crate) expires: Option<Span>,
    /// Queue. Default: the task's.
    pub(crate) queue: Option<String>,
    /// Priority, 0 to 255. Default: the task's.
    pub(crate) priority: Option<u8>,
    /// Wait this long for each result, as a caller of `get(timeout)` does. Default: don't wait.
    pub(crate) wait: Option<Span>,
    /// Revoke each call this long after it was accepted. Default: never.
    pub(crate) revoke_after: Option<Span>,
    /// Host that makes the calls. Default: `producer`.
    pub(crate) from: Option<String>,
}

/// Something that goes wrong, and when: `at` a time, `between` two times (drawn by the seed), or `before`, `after` or
/// `receiving` an effect.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultEntry {
    /// What goes wrong.
    #[serde(rename = "do")]
    #[schemars(with = "Kind")]
    pub(crate) kind: Spanned<Kind>,
    /// The process it happens to: `w1`, `w1/2` for its second pool child, `broker`, `backend`, `beat`, `producer`.
    #[schemars(with = "Option<String>")]
    pub(crate) process: Option<Spanned<String>>,
    /// The two hosts of a network fault; what is one-way goes from the first to the second.
    #[schemars(with = "Option<[String; 2]>")]
    pub(crate) hosts: Option<[Spanned<String>; 2]>,
    /// At this time.
    pub(crate) at: Option<Span>,
    /// At a time drawn from this range.
    pub(crate) between: Option<SpanRange>,
    /// Right before an effect of `of`, for example `basic.ack`; `any` counts all of them.
    #[schemars(with = "Option<String>")]
    pub(crate) before: Option<Spanned<String>>,
    /// Right after an effect of `of`.
    #[schemars(with = "Option<String>")]
    pub(crate) after: Option<Spanned<String>>,
    /// When a message of that name reaches `of`.
    #[schemars(with = "Option<String>")]
    pub(crate) receiving: Option<Spanned<String>>,
    /// Which of those effects, counted from 1. Default: 1.
    #[schemars(with = "Option<u64>")]
    pub(crate) nth: Option<Spanned<u64>>,
    /// The process whose effects are meant. Default: `process`.
    #[schemars(with = "Option<String>")]
    pub(crate) of: Option<Spanned<String>>,
    /// After a `kill`, `power_off` or `out_of_memory` (or the SIGKILL at the end of a grace period): start it again after
    /// this long.
    pub(crate) restart_after: Option<Span>,
    /// How long a `pause`, `partition`, `latency` or `slow_consumer` lasts. Default: to the end.
    #[serde(rename = "for")]
    pub(crate) lasting: Option<Span>,
    /// Which signal. Default: SIGTERM.
    pub(crate) signal: Option<SignalName>,
    /// SIGKILL follows this long after the signal.
    pub(crate) grace: Option<Span>,
    /// The signal goes to the pool children too.
    pub(crate) group: Option<bool>,
    /// Which pool child, from 1. Default: a random one.
    #[schemars(with = "Option<usize>")]
    pub(crate) child: Option<Spanned<usize>>,
    /// A partition in one direction only.
    pub(crate) one_way: Option<bool>,
    /// The new latency.
    pub(crate) latency: Option<Span>,
    /// Its jitter. Default: 0s.
    pub(crate) jitter: Option<Span>,
    /// Time between two messages of a `slow_consumer`.
    pub(crate) pace: Option<Span>,
    /// How far the wall clock jumps: `"+1h"`, `"-30s"`.
    #[schemars(with = "Option<String>")]
    pub(crate) by: Option<Spanned<String>>,
    /// Queue of a `poison` message. Default: `task_default_queue`.
    pub(crate) queue: Option<String>,
    /// Body of a `poison` message. Default: bytes that are no JSON.
    pub(crate) body: Option<String>,
    /// How often the body stands there, one after the other, 1 to 100,000,000. Default: once.
    #[schemars(with = "Option<u64>")]
    pub(crate) repeat: Option<Spanned<u64>>,
    /// What the message says of its body. Default: `application/json`.
    pub(crate) content_type: Option<String>,
    /// Compression of the body. Default: none.
    #[schemars(with = "Option<String>")]
    pub(crate) compression: Option<Spanned<String>>,
}

macro_rules! expectations {
    ($( $(#[doc = $doc:literal])* $field:ident: $type:ty; )*) => {
        /// What must hold at the end of a run. A key that is not there expects nothing.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Expect {
            $( $(#[doc = $doc])* pub(crate) $field: Option<$type>, )*
            /// The same, for the calls of one task or for one id (or all ids `ID-1`, `ID-2`, ...).
            #[serde(default)]
            #[schemars(with = "BTreeMap<String, serde_json::Value>")]
            pub(crate) of: BTreeMap<Spanned<String>, Expect>,
        }

        impl Expect {
            /// This, with what `over` names in its place.
            pub(crate) fn overlaid(&self, over: &Expect) -> Expect {
                let mut of = self.of.clone();
                for (name, expect) in &over.of {
                    let expect = of.get(name).map_or_else(|| expect.clone(), |base| base.overlaid(expect));
                    of.insert(name.clone(), expect);
                }
                Expect { $( $field: over.$field.clone().or_else(|| self.$field.clone()), )* of }
            }
        }
    };
}

expectations! {
    /// Calls accepted whose body never came to an end of its own and never will.
    lost: Count;
    /// Calls whose body came to its end more than once in one attempt.
    duplicated: Count;
    /// Calls of which two executions ran at the same time.
    overlapping: Count;
    /// Calls that are still waiting or running at the end.
    stuck: Count;
    /// Calls that waited for 10 s or more while a worker that could have run them was idle.
    starved: Count;
    /// Callers that waited 60 s or more for the answer to a call, or were still waiting for a result, for 60 s or more, when
    /// the run ended.
    hung: Count;
    /// Calls that returned and have no result.
    result_missing: Count;
    /// Calls that returned and have another state than SUCCESS.
    result_wrong: Count;
    /// Calls with late acks of which a message was acked, or rejected for good, before the result store knew what became of
    /// it.
    acked_unstored: Count;
    /// Calls whose body began more than 10 times in one attempt.
    unbounded_loop: Count;
    /// Processes that ended by themselves, and not well.
    crashed: Count;
    /// Pairs of calls of one task, one after the other, that began in the other order.
    wrong_order: Count;
    /// Due times of beat without a call.
    skipped: Count;
    /// Due times of beat with more than one call.
    doubled: Count;
    /// Calls.
    calls: Count;
    /// Calls that were refused, or not known to be published.
    call_failed: Count;
    /// Calls whose body returned.
    succeeded: Count;
    /// Calls whose body raised, and that will not be tried again.
    failed: Count;
    /// Calls that rejected their message.
    rejected: Count;
    /// Calls that asked to be ignored.
    ignored: Count;
    /// Calls that expired before they began.
    expired: Count;
    /// Calls that were revoked: not run, or killed.
    revoked: Count;
    /// Calls of which an execution began after their revoke was answered.
    ran_revoked: Count;
    /// Messages of calls that had succeeded before, acked and not run.
    skipped_duplicates: Count;
    /// Most messages that one worker held at the same time.
    most_held: Count;
    /// Most executions that began within one second.
    most_begun_per_second: Count;
    /// Messages in the dead-letter queue.
    dead_lettered: Count;
    /// Times a body began.
    executions: Count;
    /// Times the body of any one call began: its largest value.
    executions_per_task: Count;
    /// Executions that were cut short.
    interrupted: Count;
    /// Publishes of beat.
    ticks: Count;
    /// Half of the calls began within this time after they were due.
    p50_start_delay: Time;
    /// 99 of 100 calls did.
    p99_start_delay: Time;
    /// All did.
    max_start_delay: Time;
    /// After the last fault, everything was done within this time.
    settles_within: Time;
    /// States that the backend holds at the end, and how many of each: `{ SUCCESS = 20 }`.
    states: BTreeMap<String, Count>;
}

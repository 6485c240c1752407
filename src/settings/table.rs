//! The table of settings.

use super::rate_limit::RateLimit;
use super::value::{Precedence, Seconds, SettingValue};

/// Which defaults a fleet starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "sim", derive(schemars::JsonSchema))]
pub enum Profile {
    /// Nothing is lost: late acks, requeue on worker loss with a delivery limit and dead letters, confirms.
    #[default]
    Safe,
    /// Celery 5.7's defaults and algorithms, hazards included.
    Celery,
}

impl Profile {
    /// From its name.
    pub(crate) fn try_from_toml(name: toml::Value) -> Option<Profile> {
        match name.as_str()? {
            "safe" => Some(Profile::Safe),
            "celery" => Some(Profile::Celery),
            _ => None,
        }
    }
}

macro_rules! settings {
    ($( $(#[doc = $doc:literal])* $field:ident $name:literal: $type:ty = $safe:expr, $celery:expr; )*) => {
        /// Every setting that this version acts on.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        impl Settings {
            /// The defaults of a profile.
            pub fn new(profile: Profile) -> Self {
                match profile {
                    Profile::Safe => Settings { $( $field: $safe, )* },
                    Profile::Celery => Settings { $( $field: $celery, )* },
                }
            }

            /// All names.
            pub fn names() -> &'static [&'static str] {
                &[$( $name, )*]
            }

            /// Each setting: name, what it takes, what it does.
            pub fn documentation() -> Vec<(&'static str, &'static str, &'static str)> {
                vec![$( ($name, <$type as SettingValue>::EXPECTED, concat!($($doc,)*).trim_ascii()), )*]
            }

            /// The value under a name, `None` when it is unset or unknown.
            pub fn get(&self, name: &str) -> Option<toml::Value> {
                match name {
                    $( $name => self.$field.to_toml(), )*
                    _ => None,
                }
            }

            /// `None` for an unknown name; `Err` with what is expected for a value of another type.
            pub(super) fn set_known(&mut self, name: &str, value: &toml::Value) -> Option<Result<(), &'static str>> {
                match name {
                    $( $name => Some(match SettingValue::from_toml(value) {
                        Some(value) => {
                            self.$field = value;
                            Ok(())
                        }
                        None => Err(<$type as SettingValue>::EXPECTED),
                    }), )*
                    _ => None,
                }
            }
        }
    };
}

settings! {
    /// Ack a message after its task has run, not before.
    task_acks_late "task_acks_late": bool = true, false;
    /// With late acks: ack a task that raised. Off: reject it without requeue.
    task_acks_on_failure "task_acks_on_failure": bool = true, true;
    /// With late acks: ack a task that ran into its hard time limit. Off: requeue it.
    task_acks_on_timeout "task_acks_on_timeout": bool = false, true;
    /// With late acks: requeue a task whose pool child was lost.
    task_reject_on_worker_lost "task_reject_on_worker_lost": bool = true, false;
    /// Send a task whose pool child was lost again, as a retry; wins over `task_reject_on_worker_lost`.
    task_retry_on_worker_lost "task_retry_on_worker_lost": bool = false, false;
    /// Seconds after which a running task's child is killed.
    task_time_limit "task_time_limit": Option<Seconds> = None, None;
    /// Seconds after which a running task is interrupted.
    task_soft_time_limit "task_soft_time_limit": Option<Seconds> = None, None;
    /// Store STARTED when a task begins.
    task_track_started "task_track_started": bool = false, false;
    /// Store no results.
    task_ignore_result "task_ignore_result": bool = false, false;
    /// Store failures even so.
    task_store_errors_even_if_ignored "task_store_errors_even_if_ignored": bool = false, false;
    /// The queue of calls that name none, and of workers that name none.
    task_default_queue "task_default_queue": String = "celery".to_owned(), "celery".to_owned();
    /// Priority of calls that name none.
    task_default_priority "task_default_priority": Option<u32> = None, None;
    /// Calls that a task makes have its priority unless they name one.
    task_inherit_parent_priority "task_inherit_parent_priority": bool = false, false;
    /// 2: messages survive a restart of the broker. 1: they don't.
    task_default_delivery_mode "task_default_delivery_mode": u32 = 2, 2;
    /// `x-max-priority` of queues.
    task_queue_max_priority "task_queue_max_priority": Option<u32> = None, None;
    /// simq: `x-delivery-limit` of queues: a message returned more often goes to the dead-letter queue.
    task_delivery_limit "task_delivery_limit": Option<u32> = Some(20), None;
    /// simq: the queue of dead letters.
    task_dead_letter_queue "task_dead_letter_queue": Option<String> = Some("celery.dead".to_owned()), None;
    /// Try a publish again when it failed.
    task_publish_retry "task_publish_retry": bool = true, true;
    /// Tries after the first.
    task_publish_max_retries "task_publish_retry_policy.max_retries": u32 = 3, 3;
    /// Seconds before the first further try.
    task_publish_interval_start "task_publish_retry_policy.interval_start": Seconds = 0.0, 0.0;
    /// Seconds that each further wait is longer.
    task_publish_interval_step "task_publish_retry_policy.interval_step": Seconds = 0.2, 0.2;
    /// Longest wait between tries, seconds.
    task_publish_interval_max "task_publish_retry_policy.interval_max": Seconds = 1.0, 1.0;
    /// simq: seconds after which a caller gets an error whatever happens; unset, it may wait for ever.
    task_publish_timeout "task_publish_timeout": Option<Seconds> = Some(30.0), None;
    /// Let the broker confirm each publish.
    confirm_publish "broker_transport_options.confirm_publish": bool = true, false;
    /// Seconds to wait for a confirm before the publish is tried again.
    confirm_timeout "broker_transport_options.confirm_timeout": Seconds = 10.0, 10.0;
    /// Seconds a connect may take.
    broker_connection_timeout "broker_connection_timeout": Seconds = 4.0, 4.0;
    /// Reconnect when the connection is lost.
    broker_connection_retry "broker_connection_retry": bool = true, true;
    /// Failed connects in a row after which a worker exits; 0 never.
    broker_connection_max_retries "broker_connection_max_retries": u32 = 0, 100;
    /// Seconds between heartbeats; a connection silent for twice as long is given up. 0 sends none. The embedded
    /// broker asks for 60 at most, as RabbitMQ does.
    broker_heartbeat "broker_heartbeat": Seconds = 60.0, 120.0;
    /// Deliveries held per pool child; 0 is no limit.
    worker_prefetch_multiplier "worker_prefetch_multiplier": u32 = 1, 4;
    /// Largest window that messages waiting for their ETA may make of the prefetch window.
    worker_eta_task_limit "worker_eta_task_limit": Option<u32> = Some(10_000), None;
    /// After a lost connection, begin with a smaller prefetch window while tasks still run.
    worker_enable_prefetch_count_reduction "worker_enable_prefetch_count_reduction": bool = true, true;
    /// When the connection is lost, kill running tasks with late acks: the broker delivers them again.
    worker_cancel_long_running_tasks_on_connection_loss "worker_cancel_long_running_tasks_on_connection_loss": bool
        = true, false;
    /// Skip a message whose task has succeeded: by what this worker remembers, and, for a message that was delivered
    /// before or that beat sent, by what the result backend says.
    worker_deduplicate_successful_tasks "worker_deduplicate_successful_tasks": bool = true, false;
    /// simq: seconds for which a worker remembers the tasks that succeeded there.
    deduplicate_window "worker_deduplicate_window": Seconds = 3_600.0, 3_600.0;
    /// simq: how many of them at most; each takes about 100 bytes.
    deduplicate_max "worker_deduplicate_max": u32 = 50_000, 50_000;
    /// simq: `revoke` stores REVOKED itself, and a worker asks the result backend before it begins a task that was
    /// delivered before or was held for its ETA: a revoke then outlives every worker. Off: only those workers know that
    /// heard it.
    revoke_in_backend "control_revoke_in_backend": bool = true, false;
    /// File in which a worker remembers revoked tasks across restarts.
    worker_state_db "worker_state_db": Option<String> = None, None;
    /// simq: revoked tasks that a worker remembers at most (Celery's CELERY_WORKER_REVOKES_MAX).
    worker_revokes_max "worker_revokes_max": u32 = 50_000, 50_000;
    /// simq: seconds for which it does (Celery's CELERY_WORKER_REVOKE_EXPIRES).
    worker_revoke_expires "worker_revoke_expires": Seconds = 10_800.0, 10_800.0;
    /// Listen to remote control.
    worker_enable_remote_control "worker_enable_remote_control": bool = true, true;
    /// Prefix of the exchange of remote control.
    control_exchange "control_exchange": String = "celery".to_owned(), "celery".to_owned();
    /// Seconds that a request waits for a worker.
    control_queue_ttl "control_queue_ttl": Seconds = 300.0, 300.0;
    /// Seconds after which a worker's unused queue of requests is deleted.
    control_queue_expires "control_queue_expires": Seconds = 10.0, 10.0;
    /// Let every task run as often as it comes, whatever its rate limit.
    worker_disable_rate_limits "worker_disable_rate_limits": bool = false, false;
    /// How often a task begins in each worker process, unless it says so itself.
    task_default_rate_limit "task_default_rate_limit": Option<RateLimit> = None, None;
    /// simq: a task that waits for its rate limit does not count against the prefetch window (up to
    /// `worker_eta_task_limit`), so that other tasks get past it.
    rate_limit_grows_prefetch "worker_rate_limit_grows_prefetch": bool = true, false;
    /// Seconds that running tasks get before a cold shutdown.
    worker_soft_shutdown_timeout "worker_soft_shutdown_timeout": Seconds = 0.0, 0.0;
    /// simq: SIGTERM means a cold shutdown (after the soft one): Celery's `REMAP_SIGTERM=SIGQUIT`.
    worker_remap_sigterm "worker_remap_sigterm": bool = false, false;
    /// simq: at a warm shutdown give back at once what has not begun; off, only when the connection closes.
    worker_return_unstarted "worker_return_unstarted": bool = true, false;
    /// Seconds after which a result is forgotten; 0 never.
    result_expires "result_expires": Seconds = 86_400.0, 86_400.0;
    /// Try to store a result until the backend takes it; off, one failed connect loses it and the task is acked.
    result_backend_always_retry "result_backend_always_retry": bool = true, false;
    /// Store name, arguments, worker, retries and queue with each result.
    result_extended "result_extended": bool = false, false;
    /// simq: which stored states stay. `full`: a state is replaced only by one that says as much or more (SUCCESS, FAILURE,
    /// REVOKED, REJECTED and IGNORED, the others); `success`: only a SUCCESS stays, as in Celery's Redis, database and
    /// cache backends; `none`: the last write wins, as in its other backends.
    result_precedence "result_precedence": Precedence = Precedence::Full, Precedence::Success;
    /// simq: store IGNORED for a task that asks to be ignored, so that nobody waits for a result that can't come; off,
    /// Celery's way, nothing.
    result_store_ignored "result_store_ignored": bool = true, false;
    /// Time zone of local times: crontabs, relative intervals. A name of the IANA database; unset, it is UTC.
    timezone "timezone": Option<String> = None, None;
    /// Celery keeps times in UTC. Off, it would use the machine's zone where `timezone` is unset; simq uses UTC.
    enable_utc "enable_utc": bool = true, true;
    /// Entries of beat by name.
    beat_schedule "beat_schedule": toml::Table = toml::Table::new(), toml::Table::new();
    /// File of beat's state.
    beat_schedule_filename "beat_schedule_filename": String
        = "beat-schedule.json".to_owned(), "beat-schedule.json".to_owned();
    /// simq: each due time is published once, again until it succeeds. Off, Celery's algorithm: a failed publish skips
    /// the run, and changes of clocks move, skip or stop runs.
    beat_exactly_once "beat_exactly_once": bool = true, false;
    /// simq: of several beats one publishes, which holds a lease in the result store. Needs `beat_exactly_once`.
    beat_lease "beat_lease": bool = true, true;
    /// simq: seconds after which another beat takes over from one that is silent.
    beat_lease_ttl "beat_lease_ttl": Seconds = 30.0, 30.0;
    /// Publishes after which beat writes its state; 0 is every 180 seconds.
    beat_sync_every "beat_sync_every": u32 = 1, 0;
    /// Longest sleep of beat, seconds; 0 is 300. A step of the wall clock is noticed no later.
    beat_max_loop_interval "beat_max_loop_interval": Seconds = 5.0, 0.0;
    /// Seconds after which a missed run of a crontab is left out.
    beat_cron_starting_deadline "beat_cron_starting_deadline": Option<Seconds> = None, None;
}

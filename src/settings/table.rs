//! The table of settings.

use super::fsync::Fsync;
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
    /// simq: directory in which the embedded broker and result store keep what they hold; unset, it ends with the
    /// process.
    embedded_directory "embedded_directory": Option<String> = None, None;
    /// simq: when that is safe from a loss of power: before anybody is told of it, within a second, or when the
    /// operating system sees fit. A process that is killed loses nothing, whichever it is.
    embedded_fsync "embedded_fsync": Fsync = Fsync::Always, Fsync::EverySecond;
    /// simq: bytes of messages that the embedded broker takes into its directory; it refuses more.
    embedded_max_bytes "embedded_max_bytes": u64 = 1 << 30, 1 << 30;
    /// simq: publish a due entry again until it succeeds; off, a failed publish skips the run.
    beat_retry_failed "beat_retry_failed": bool = true, false;
    /// Publishes after which beat writes its state; 0 is every 180 seconds.
    beat_sync_every "beat_sync_every": u32 = 1, 0;
    /// Longest sleep of beat, seconds; 0 is 300.
    beat_max_loop_interval "beat_max_loop_interval": Seconds = 0.0, 0.0;
}

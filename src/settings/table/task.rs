//! Settings of tasks: how they are sent, routed, run and acked.

macro_rules! task_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// Ack a message after its task has run, not before.
    task_acks_late: bool = true, false;
    /// With late acks: ack a task that raised, or ran into its hard time limit, where one of the next two is unset.
    /// Where this is unset too, the first is acked and the second is not.
    task_acks_on_failure_or_timeout: Option<bool> = None, Some(true);
    /// With late acks: ack a task that raised. Off: reject it without requeue.
    task_acks_on_failure: Option<bool> = None, None;
    /// With late acks: ack a task that ran into its hard time limit. Off: requeue it.
    task_acks_on_timeout: Option<bool> = None, None;
    /// With late acks: requeue a task whose pool child was lost.
    task_reject_on_worker_lost: bool = true, false;
    /// Send a task whose pool child was lost again, as a retry; wins over `task_reject_on_worker_lost`.
    task_retry_on_worker_lost: bool = false, false;
    /// Seconds after which a running task's child is killed.
    task_time_limit: Option<Seconds> = None, None;
    /// Seconds after which a running task is interrupted.
    task_soft_time_limit: Option<Seconds> = None, None;
    /// Store STARTED when a task begins.
    task_track_started: bool = false, false;
    /// Store no results.
    task_ignore_result: bool = false, false;
    /// Store failures even so.
    task_store_errors_even_if_ignored: bool = false, false;
    /// How often a task may run: `"10/m"`, `"2/s"`, `"1/h"`, or a number for each second; 0 is no limit. For each task
    /// and each worker.
    task_default_rate_limit: Option<RateLimit> = None, None;
    /// Options of tasks by their names, over those of the code: `{ "tasks.add" = { rate_limit = "10/s" } }`; `*` is
    /// every task. Of a list of such tables the later one wins.
    task_annotations: Option<Read<Annotations>> = None, None;

    /// Form of the bodies of messages.
    task_serializer: Serializer = Serializer::Json, Serializer::Json;
    /// Compression of the bodies of messages.
    task_compression: Option<Compression> = None, None;
    /// Version of the messages that are sent.
    [later "protocol 1"] task_protocol: u32 where (1 to 2) = 2, 2;
    /// How deep the `argsrepr` of a message goes into values.
    [later "argsrepr"] task_repr_maxlevels: u32 = 3, 3;
    /// The producer tells that it sent a task.
    [later "events"] task_send_sent_event: bool = false, false;
    /// Run a task in place of sending it.
    [later "eager tasks"] task_always_eager: bool = false, false;
    /// Such a task's error is the caller's.
    [later "eager tasks"] task_eager_propagates: bool = false, false;
    /// Store the results of such tasks.
    [later "eager tasks"] task_store_eager_result: bool = false, false;
    /// Call the error callbacks of a chord for each task of its header.
    [later "canvas"] task_allow_error_cb_on_chord_header: bool = false, false;

    /// Queues, with their exchanges and arguments: `{ video = { exchange = "media", exchange_type = "topic" } }`. See
    /// `docs/routing.md`.
    task_queues: Read<Vec<QueueSpec>> = Read::default(), Read::default();
    /// Where the calls of tasks go, by names, globs and regular expressions: `{ "video.*" = "video" }`. See
    /// `docs/routing.md`.
    task_routes: Read<Routes> = Read::default(), Read::default();
    /// simq: a call that no queue is bound for is an error for its caller; off, it is dropped without a word.
    task_publish_mandatory: bool = true, false;
    /// The queue of calls that name none, and of workers that name none.
    task_default_queue: String = "celery".to_owned(), "celery".to_owned();
    /// Kind of the default queue, on RabbitMQ.
    task_default_queue_type: QueueType = QueueType::Classic, QueueType::Classic;
    /// Exchange of the default queue, and of queues that name none; unset, that of `task_default_queue`.
    task_default_exchange: Option<String> = None, None;
    /// Its type.
    task_default_exchange_type: ExchangeType = ExchangeType::Direct, ExchangeType::Direct;
    /// Routing key of the default queue, and of queues that name none; unset, `task_default_queue`.
    task_default_routing_key: Option<String> = None, None;
    /// Priority of calls that name none.
    task_default_priority: Option<u32> where (0 to 255) = None, None;
    /// Calls that a task makes have its priority unless they name one.
    task_inherit_parent_priority: bool = false, false;
    /// 2: messages survive a restart of the broker. 1: they don't.
    task_default_delivery_mode: u32 where (1 to 2) = 2, 2;
    /// Make a queue that a call or a worker names and `task_queues` does not.
    task_create_missing_queues: bool = true, true;
    /// Kind of such a queue, on RabbitMQ.
    task_create_missing_queue_type: QueueType = QueueType::Classic, QueueType::Classic;
    /// Type of the exchange of such a queue; unset, direct.
    task_create_missing_queue_exchange_type: Option<ExchangeType> = None, None;
    /// `x-max-priority` of queues.
    task_queue_max_priority: Option<u32> where (0 to 255) = None, None;
    /// simq: `x-delivery-limit` of queues: a message returned more often goes to the dead-letter queue.
    task_delivery_limit: Option<u32> = Some(20), None;
    /// simq: the queue of dead letters.
    task_dead_letter_queue: Option<String> = Some("celery.dead".to_owned()), None;

    /// Try a publish again when it failed.
    task_publish_retry: bool = true, true;
    /// Tries after the first.
    task_publish_max_retries "task_publish_retry_policy.max_retries": u32 = 3, 3;
    /// Seconds before the first further try.
    task_publish_interval_start "task_publish_retry_policy.interval_start": Seconds = 0.0, 0.0;
    /// Seconds that each further wait is longer.
    task_publish_interval_step "task_publish_retry_policy.interval_step": Seconds = 0.2, 0.2;
    /// Longest wait between tries, seconds.
    task_publish_interval_max "task_publish_retry_policy.interval_max": Seconds = 1.0, 1.0;
    /// simq: seconds after which a caller gets an error whatever happens; unset, it may wait for ever.
    task_publish_timeout: Option<Seconds> = Some(30.0), None;

    } };
}

//! Settings of workers.

macro_rules! worker_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// Pool children of a worker; unset, one for each core.
    worker_concurrency: Option<Children> = None, None;
    /// What runs the tasks.
    [later "pools"] worker_pool: Pool = Pool::Prefork, Pool::Prefork;
    /// Deliveries held per pool child; 0 is no limit.
    worker_prefetch_multiplier: u32 = 1, 4;
    /// On RabbitMQ, where a queue is a quorum queue: a prefetch window for each consumer, for such a queue knows no other.
    worker_detect_quorum_queues: bool = true, true;
    /// Largest window that messages waiting for their ETA may make of the prefetch window.
    worker_eta_task_limit: Option<u32> = Some(10_000), None;
    /// After a lost connection, begin with a smaller prefetch window while tasks still run.
    worker_enable_prefetch_count_reduction: bool = true, true;
    /// When the connection is lost, kill running tasks with late acks: the broker delivers them again.
    worker_cancel_long_running_tasks_on_connection_loss: bool = true, false;
    /// simq: a worker that does not know a task gives its message back after this many seconds, for one that does: an older
    /// version in a rolling deploy. As often as `task_delivery_limit` allows; unset, or without a limit, it rejects it.
    worker_return_unknown: Option<Seconds> = None, None;
    /// Seconds that running tasks get before a cold shutdown.
    worker_soft_shutdown_timeout: Seconds = 0.0, 0.0;
    /// Wait so long even when nothing runs but tasks that wait for their ETA.
    [later "shutdown"] worker_enable_soft_shutdown_on_idle: bool = false, false;
    /// simq: SIGTERM means a cold shutdown (after the soft one): Celery's `REMAP_SIGTERM=SIGQUIT`.
    worker_remap_sigterm: bool = false, false;
    /// simq: at a warm shutdown give back at once what has not begun; off, only when the connection closes.
    worker_return_unstarted: bool = true, false;
    /// Skip a message whose task has succeeded: by what this worker remembers, and, for a message that was delivered
    /// before or that beat sent, by what the result backend says.
    worker_deduplicate_successful_tasks: bool = true, false;
    /// simq: ask the result backend about every message before it is run, and not only about those that may have a history:
    /// a revoke that no worker heard, and a success in another worker, then count for all. One question more for each task.
    screen_all "worker_screen_all": bool = false, false;
    /// simq: seconds for which a worker remembers the tasks that succeeded there.
    deduplicate_window "worker_deduplicate_window": Seconds = 3_600.0, 3_600.0;
    /// simq: how many of them at most; each takes about 100 bytes.
    deduplicate_max "worker_deduplicate_max": u32 = 50_000, 50_000;
    /// File in which a worker remembers revoked tasks across restarts.
    worker_state_db: Option<String> = None, None;
    /// simq: revoked tasks that a worker remembers at most (Celery's CELERY_WORKER_REVOKES_MAX).
    worker_revokes_max: u32 = 50_000, 50_000;
    /// simq: seconds for which it does (Celery's CELERY_WORKER_REVOKE_EXPIRES).
    worker_revoke_expires: Seconds = 10_800.0, 10_800.0;
    /// Listen to remote control.
    worker_enable_remote_control: bool = true, true;
    /// Let every task run as often as it comes, whatever its rate limit.
    worker_disable_rate_limits: bool = false, false;
    /// simq: a task that waits for its rate limit does not count against the prefetch window (up to
    /// `worker_eta_task_limit`), so that other tasks get past it.
    rate_limit_grows_prefetch "worker_rate_limit_grows_prefetch": bool = true, false;
    /// Tasks after which a pool child is replaced.
    worker_max_tasks_per_child: Option<u32> where (1 to 4_294_967_295) = None, None;
    /// Memory in KiB after which a pool child is replaced.
    [later "recycling"] worker_max_memory_per_child: Option<u32> = None, None;
    /// Each worker also has a queue of its own: `<node name>.dq2`, bound to the exchange `C.dq2` with the node's name.
    worker_direct: bool = false, false;

    } };
}

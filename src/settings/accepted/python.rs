//! Hooks and habits of Celery's own code.

accepted! {
    /// Modules that a worker imports.
    [never "Python modules"] "imports": Words = Words::default();
    /// More of them.
    [never "Python modules"] "include": Words = Words::default();
    /// A task's error is raised with its remote traceback.
    [never "Python tracebacks"] "task_remote_tracebacks": bool = false;
    /// Class that agrees with others.
    [never "a Python class"] "worker_agent": Option<String> = None;
    /// Class that scales the pool.
    [never "a Python class"] "worker_autoscaler": String = "celery.worker.autoscale:Autoscaler".to_owned();
    /// Class that consumes.
    [never "a Python class"] "worker_consumer": String = "celery.worker.consumer:Consumer".to_owned();
    /// Class of timers.
    [never "a Python class"] "worker_timer": Option<String> = None;
    /// Seconds between looks of some timers.
    [never "timers are exact"] "worker_timer_precision": Seconds = 1.0;
    /// How a pool of processes is started.
    [never "billiard"] "worker_pool_start_method": Option<String> = None;
    /// Lock the pool's queue while its children are busy.
    [never "billiard"] "worker_pool_putlocks": bool = true;
    /// Seconds until a lost child's task is failed.
    [never "a lost child is noticed at once"] "worker_lost_wait": Seconds = 10.0;
    /// Seconds that a new child may take to start.
    [later "pools"] "worker_proc_alive_timeout": Seconds = 4.0;
    /// Replace the root logger.
    [never "Python logging"] "worker_hijack_root_logger": bool = true;
    /// Colours in logs.
    [never "Python logging"] "worker_log_color": Option<bool> = None;
    /// Format of log lines.
    [never "Python logging"] "worker_log_format": Option<String> = None;
    /// Format of log lines of tasks.
    [never "Python logging"] "worker_task_log_format": Option<String> = None;
    /// Standard output goes to the log.
    [never "Python logging"] "worker_redirect_stdouts": bool = true;
    /// At this level.
    [never "Python logging"] "worker_redirect_stdouts_level": String = "WARNING".to_owned();
    /// Class that knows what is due.
    [never "a Python class"] "beat_scheduler": String = "celery.beat:PersistentScheduler".to_owned();

    /// Log file of a daemon.
    [never "simq leaves daemons to the system"] "worker_logfile": Option<String> = None;
    /// PID file of a daemon.
    [never "simq leaves daemons to the system"] "worker_pidfile": Option<String> = None;
    /// User of a daemon.
    [never "simq leaves daemons to the system"] "worker_uid": Option<String> = None;
    /// Group of a daemon.
    [never "simq leaves daemons to the system"] "worker_gid": Option<String> = None;
    /// File mode mask of a daemon.
    [never "simq leaves daemons to the system"] "worker_umask": Option<String> = None;
    /// Interpreter of a daemon.
    [never "simq leaves daemons to the system"] "worker_executable": Option<String> = None;
    /// Log file of a daemon.
    [never "simq leaves daemons to the system"] "beat_logfile": Option<String> = None;
    /// PID file of a daemon.
    [never "simq leaves daemons to the system"] "beat_pidfile": Option<String> = None;
    /// User of a daemon.
    [never "simq leaves daemons to the system"] "beat_uid": Option<String> = None;
    /// Group of a daemon.
    [never "simq leaves daemons to the system"] "beat_gid": Option<String> = None;
    /// File mode mask of a daemon.
    [never "simq leaves daemons to the system"] "beat_umask": Option<String> = None;
    /// Interpreter of a daemon.
    [never "simq leaves daemons to the system"] "beat_executable": Option<String> = None;
    /// Log file of a daemon.
    [never "simq leaves daemons to the system"] "events_logfile": Option<String> = None;
    /// PID file of a daemon.
    [never "simq leaves daemons to the system"] "events_pidfile": Option<String> = None;
    /// User of a daemon.
    [never "simq leaves daemons to the system"] "events_uid": Option<String> = None;
    /// Group of a daemon.
    [never "simq leaves daemons to the system"] "events_gid": Option<String> = None;
    /// File mode mask of a daemon.
    [never "simq leaves daemons to the system"] "events_umask": Option<String> = None;
    /// Interpreter of a daemon.
    [never "simq leaves daemons to the system"] "events_executable": Option<String> = None;
}

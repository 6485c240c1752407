//! Settings of remote control.

macro_rules! control_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// Prefix of the exchange of remote control.
    control_exchange: String = "celery".to_owned(), "celery".to_owned();
    /// Seconds that a request waits for a worker.
    control_queue_ttl: Seconds = 300.0, 300.0;
    /// Seconds after which a worker's unused queue of requests is deleted.
    control_queue_expires: Seconds = 10.0, 10.0;
    /// simq: `revoke` stores REVOKED itself, and a worker asks the result backend before it begins a task that was
    /// delivered before or was held for its ETA: a revoke then outlives every worker. Off: only those workers know that
    /// heard it.
    revoke_in_backend "control_revoke_in_backend": bool = true, false;

    } };
}

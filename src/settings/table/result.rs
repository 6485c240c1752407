//! Settings of results.

macro_rules! result_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// Where results are kept: `redis://...`; `rpc://`: nowhere, they go over the broker to the process that made the call;
    /// unset, in the process that keeps the embedded queue.
    result_backend: Option<Url> = None, None;
    /// Seconds after which a result is forgotten; 0 never.
    result_expires: Seconds = 86_400.0, 86_400.0;
    /// Seconds after which a failure is forgotten; unset, `result_expires`.
    result_failure_expires: Option<Seconds> = None, None;
    /// Store name, arguments, worker, retries and queue with each result.
    result_extended: bool = false, false;
    /// simq: which stored states stay. `full`: a state is replaced only by one that says as much or more (SUCCESS, FAILURE,
    /// REVOKED, REJECTED and IGNORED, the others); `success`: only a SUCCESS stays, as in Celery's Redis, database and
    /// cache backends; `none`: the last write wins, as in its other backends.
    result_precedence: Precedence = Precedence::Full, Precedence::Success;
    /// simq: store IGNORED for a task that asks to be ignored, so that nobody waits for a result that can't come; off,
    /// Celery's way, nothing.
    result_store_ignored: bool = true, false;
    /// With `rpc://`: results survive a restart of the broker.
    result_persistent: Option<bool> = None, None;
    /// simq: with `rpc://`: what comes while a caller's connection is lost waits for the next one, for `result_expires`;
    /// off, Celery's way, the queue of its results goes with its connection, and what was under way is lost.
    result_queue_waits: bool = true, false;
    /// Form of results stored in Redis, or sent over `rpc://`. Celery's clients must be set to the same.
    result_serializer: Serializer = Serializer::Json, Serializer::Json;
    /// Compression of results stored in Redis. What is compressed says so: whoever reads it need not be set to the same.
    result_compression: Option<Compression> = None, None;
    /// Try to store a result until the backend takes it; off, one failed connect loses it and the task is acked.
    result_backend_always_retry: bool = true, false;
    /// With `result_backend_always_retry`: failed connects in a row after which a result is given up; unset, never.
    result_backend_max_retries: Option<u32> = None, None;
    /// Milliseconds before the first further connect; each wait is twice as long as the one before.
    result_backend_base_sleep_between_retries_ms: u32 where (1 to 3_600_000) = 200, 10;
    /// Longest of those waits, milliseconds.
    result_backend_max_sleep_between_retries_ms: u32 = 10_000, 10_000;
    /// Seconds after which what is known of a chord is forgotten; unset, `result_expires`.
    [later "canvas"] result_chord_expires: Option<Seconds> = None, None;
    /// Seconds that the results of a chord's header may take to be read.
    [later "canvas"] result_chord_join_timeout: Seconds = 3.0, 3.0;
    /// Seconds between looks at a chord, where the backend can't count.
    [later "canvas"] result_chord_retry_interval: Seconds = 1.0, 1.0;

    } };
}

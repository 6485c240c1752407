//! Results in Redis, in databases, on RabbitMQ.

accepted! {
    /// Exchange of results.
    [never "only Celery's former amqp backend has it"] "result_exchange": String = "celeryresults".to_owned();
    /// Its type.
    [never "only Celery's former amqp backend has it"] "result_exchange_type": ExchangeType = ExchangeType::Direct;
    /// Results that a client keeps; -1 none.
    [never "a client waits for results and keeps none"] "result_cache_max": i64 = -1;
    /// One backend for all threads of a process.
    [never "it always is"] "result_backend_thread_safe": bool = false;

    /// A chord's results are in the order of its header.
    [later "canvas"] "result_backend_transport_options.result_chord_ordered": bool = true;
    /// Tries of a command: `timeout`, `max_retries`, `interval_start`, `interval_step`, `interval_max`.
    [never "result_backend_always_retry and its companions say it"] "result_backend_transport_options.retry_policy": Option<toml::Table> = None;
    /// Seconds after which a claim on a chord ends.
    [later "canvas"] "result_backend_transport_options.visibility_timeout": Option<Seconds> = None;

    /// Seconds between checks of an idle connection.
    [never "a store that owes an answer is asked every 5 seconds"] "redis_backend_health_check_interval": Option<Seconds> = None;
    /// Python object that yields user and password.
    [never "a Python class"] "redis_backend_credential_provider": Option<String> = None;
    /// Connections to the server; unset, as many as are wanted.
    [never "one connection carries everything"] "redis_max_connections": Option<u32> = None;
    /// Try a command again that timed out.
    [never "what was under way is done again on the next connection"] "redis_retry_on_timeout": bool = false;

    /// Database of results, where `result_backend` has none.
    [later "database results"] "database_url": Option<Url> = None;
    /// Names of the tables: `task`, `group`.
    [later "database results"] "database_table_names": Option<toml::Table> = None;
    /// Schemas of the tables: `task`, `group`.
    [later "database results"] "database_table_schemas": Option<toml::Table> = None;
    /// Make the tables at once.
    [later "database results"] "database_create_tables_at_setup": bool = true;
    /// A session for each operation.
    [never "SQLAlchemy"] "database_short_lived_sessions": bool = false;
    /// Options of the engine.
    [never "SQLAlchemy"] "database_engine_options": Option<toml::Table> = None;
    /// Function that gets the engine.
    [never "SQLAlchemy"] "database_engine_callback": Option<String> = None;
    /// Server of the cache backend, where `result_backend` has none.
    [later "Memcached"] "cache_backend": Option<Url> = None;
    /// Its options.
    [later "Memcached"] "cache_backend_options": Option<SecretTable> = None;
    /// Result backends by the schemes of their URLs.
    [never "Python classes"] "override_backends": Option<toml::Table> = None;
}

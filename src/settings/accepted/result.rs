//! Results in Redis, in databases, on RabbitMQ.

accepted! {
    /// Messages with results survive a restart of the broker.
    [later "RabbitMQ"] "result_persistent": Option<bool> = None;
    /// Exchange of results.
    [never "only Celery's former amqp backend has it"] "result_exchange": String = "celeryresults".to_owned();
    /// Its type.
    [never "only Celery's former amqp backend has it"] "result_exchange_type": ExchangeType = ExchangeType::Direct;
    /// Results that a client keeps; -1 none.
    [never "a client waits for results and keeps none"] "result_cache_max": i64 = -1;
    /// One backend for all threads of a process.
    [never "it always is"] "result_backend_thread_safe": bool = false;

    /// A chord's results are in the order of its header.
    [later "Redis"] "result_backend_transport_options.result_chord_ordered": bool = true;
    /// Tries of a command: `timeout`, `max_retries`, `interval_start`, `interval_step`, `interval_max`.
    [later "Redis"] "result_backend_transport_options.retry_policy": Option<toml::Table> = None;
    /// Seconds after which a claim on a chord ends.
    [later "Redis"] "result_backend_transport_options.visibility_timeout": Option<Seconds> = None;
    /// Name of the connections at the server.
    [later "Redis"] "result_backend_transport_options.client_name": Option<String> = None;
    /// Name of the master that Sentinels watch.
    [later "Redis Sentinel"] "result_backend_transport_options.master_name": Option<String> = None;
    /// Sentinels that must agree on it.
    [later "Redis Sentinel"] "result_backend_transport_options.min_other_sentinels": Option<u32> = None;
    /// Options of the connections to Sentinels, such as `password`.
    [later "Redis Sentinel"] "result_backend_transport_options.sentinel_kwargs": Option<SecretTable> = None;

    /// Host of Redis, where `result_backend` has none.
    [later "Redis"] "redis_host": Option<String> = None;
    /// Its port.
    [later "Redis"] "redis_port": Option<u32> where (1 to 65535) = None;
    /// Its database.
    [later "Redis"] "redis_db": Option<u32> = None;
    /// Its user.
    [later "Redis"] "redis_username": Option<String> = None;
    /// Its password.
    [later "Redis"] "redis_password": Option<Secret> = None;
    /// TLS: a table with `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`.
    [later "Redis"] "redis_backend_use_ssl": Tls = Tls::off();
    /// Seconds between checks of an idle connection.
    [later "Redis"] "redis_backend_health_check_interval": Option<Seconds> = None;
    /// Python object that yields user and password.
    [never "a Python class"] "redis_backend_credential_provider": Option<String> = None;
    /// Connections to the server; unset, as many as are wanted.
    [later "Redis"] "redis_max_connections": Option<u32> = None;
    /// Seconds that a command may take.
    [later "Redis"] "redis_socket_timeout": Option<Seconds> = Some(120.0);
    /// Seconds that a connect may take.
    [later "Redis"] "redis_socket_connect_timeout": Option<Seconds> = None;
    /// Try a command again that timed out.
    [later "Redis"] "redis_retry_on_timeout": bool = false;
    /// Keep idle connections alive.
    [later "Redis"] "redis_socket_keepalive": bool = false;
    /// Name of the connections at the server.
    [later "Redis"] "redis_client_name": Option<String> = None;

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

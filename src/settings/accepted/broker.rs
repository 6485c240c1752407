//! Connections to Redis and RabbitMQ.

accepted! {
    /// The broker that workers read from, where it is another than `broker_url`.
    [later "Redis and RabbitMQ"] "broker_read_url": Option<Urls> = None;
    /// The broker that producers write to, where it is another than `broker_url`.
    [later "Redis and RabbitMQ"] "broker_write_url": Option<Urls> = None;
    /// Which of several brokers is tried next.
    [later "Redis and RabbitMQ"] "broker_failover_strategy": Failover = Failover::RoundRobin;
    /// Reconnect when the first connect fails; unset, `broker_connection_retry`.
    [later "Redis and RabbitMQ"] "broker_connection_retry_on_startup": Option<bool> = None;
    /// Treat an error of a channel as a lost connection; off, the worker ends.
    [later "RabbitMQ"] "broker_channel_error_retry": bool = false;
    /// Checks of the heartbeat in each interval.
    [later "RabbitMQ"] "broker_heartbeat_checkrate": Seconds = 3.0;
    /// How to authenticate: `PLAIN`, `AMQPLAIN`, `EXTERNAL`.
    [later "RabbitMQ"] "broker_login_method": Option<String> = None;
    /// Kind of the queues that hold delayed messages.
    [later "RabbitMQ"] "broker_native_delayed_delivery_queue_type": DeliveryQueueType = DeliveryQueueType::Quorum;
    /// Connections that producers share; simq has one for each process.
    [never "one connection carries all publishes of a process"] "broker_pool_limit": Option<u32> = Some(10);
    /// Seconds to wait for one of them.
    [never "one connection carries all publishes of a process"] "broker_pool_acquire_timeout": Option<Seconds> = None;
    /// TLS: true, or a table with `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`.
    [later "Redis and RabbitMQ"] "broker_use_ssl": Tls = Tls::off();
    /// Name of the transport, where `broker_url` has none.
    [later "Redis and RabbitMQ"] "broker_transport": Option<String> = None;
    /// Host of the broker, where there is no `broker_url`.
    [later "Redis and RabbitMQ"] "broker_host": Option<String> = None;
    /// Its port.
    [later "Redis and RabbitMQ"] "broker_port": Option<u32> where (1 to 65535) = None;
    /// Its user.
    [later "Redis and RabbitMQ"] "broker_user": Option<String> = None;
    /// Its password.
    [later "Redis and RabbitMQ"] "broker_password": Option<Secret> = None;
    /// Its virtual host.
    [later "Redis and RabbitMQ"] "broker_vhost": Option<String> = None;

    /// Keep messages that are not acked, to restore them.
    [later "Redis"] "broker_transport_options.ack_emulation": bool = true;
    /// Queue of messages that no queue takes.
    [later "Redis"] "broker_transport_options.deadletter_queue": Option<String> = None;
    /// Seconds that a connect may take.
    [later "Redis"] "broker_transport_options.socket_connect_timeout": Option<Seconds> = None;
    /// Keep idle connections alive.
    [later "Redis"] "broker_transport_options.socket_keepalive": Option<bool> = None;
    /// Options of the socket for it.
    [later "Redis"] "broker_transport_options.socket_keepalive_options": Option<toml::Table> = None;
    /// Try a command again that timed out.
    [later "Redis"] "broker_transport_options.retry_on_timeout": Option<bool> = None;
    /// Connections to the server.
    [later "Redis"] "broker_transport_options.max_connections": Option<u32> = Some(10);
    /// Seconds between checks of an idle connection.
    [later "Redis"] "broker_transport_options.health_check_interval": Option<Seconds> = None;
    /// Seconds between checks of the credentials.
    [later "Redis"] "broker_transport_options.reauth_check_interval": Option<Seconds> = None;
    /// Name of the master that Sentinels watch.
    [later "Redis Sentinel"] "broker_transport_options.master_name": Option<String> = None;
    /// Sentinels that must agree on it.
    [later "Redis Sentinel"] "broker_transport_options.min_other_sentinels": Option<u32> = None;
    /// Options of the connections to Sentinels, such as `password`.
    [later "Redis Sentinel"] "broker_transport_options.sentinel_kwargs": Option<SecretTable> = None;
    /// Also listen to the channels of kombu before 5.4.
    [later "Redis Sentinel"] "broker_transport_options.sentinel_fanout_compat": bool = false;

    /// On Redis, take only what can run.
    [later "Redis"] "worker_disable_prefetch": bool = false;
    /// Set a prefetch count for each consumer where a queue is a quorum queue.
    [later "RabbitMQ"] "worker_detect_quorum_queues": bool = true;
}

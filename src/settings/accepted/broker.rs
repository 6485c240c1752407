//! Connections to Redis and RabbitMQ.

accepted! {
    /// The broker that workers read from, where it is another than `broker_url`.
    [later "Redis and RabbitMQ"] "broker_read_url": Option<Urls> = None;
    /// The broker that producers write to, where it is another than `broker_url`.
    [later "Redis and RabbitMQ"] "broker_write_url": Option<Urls> = None;
    /// Checks of the heartbeat in each interval.
    [later "RabbitMQ"] "broker_heartbeat_checkrate": Seconds = 3.0;
    /// Connections that producers share; simq has one for each process.
    [never "one connection carries all publishes of a process"] "broker_pool_limit": Option<u32> = Some(10);
    /// Seconds to wait for one of them.
    [never "one connection carries all publishes of a process"] "broker_pool_acquire_timeout": Option<Seconds> = None;

    /// Try a command again that timed out.
    [never "what was under way is done again on the next connection"] "broker_transport_options.retry_on_timeout": Option<bool> = None;
    /// Connections to the server.
    [never "one connection carries everything"] "broker_transport_options.max_connections": Option<u32> = Some(10);
    /// Seconds between checks of an idle connection.
    [never "heartbeats do that: broker_heartbeat"] "broker_transport_options.health_check_interval": Option<Seconds> = None;
    /// Seconds between checks of the credentials.
    [never "a connection keeps its login"] "broker_transport_options.reauth_check_interval": Option<Seconds> = None;
    /// Also listen to the channels of kombu before 5.4.
    [later "channels of kombu before 5.4"] "broker_transport_options.sentinel_fanout_compat": bool = false;

    /// On Redis, take only what can run.
    [later "Redis"] "worker_disable_prefetch": bool = false;
}

//! Settings of the connection to the broker.

macro_rules! broker_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// The broker: `redis://...`, `amqp://...`, or several, of which the next is tried when one can't be reached; unset or
    /// `memory://`, the embedded one.
    broker_url: Option<Urls> = None, None;
    /// Which of several brokers is tried next: `round-robin`, `shuffle`.
    broker_failover_strategy: Failover = Failover::RoundRobin, Failover::RoundRobin;
    /// Scheme of the broker, `redis` for example, where there is no `broker_url`.
    broker_transport: Option<String> = None, None;
    /// Host of the broker, where there is no `broker_url`.
    broker_host: Option<String> = None, None;
    /// Its port.
    broker_port: Option<u32> where (1 to 65535) = None, None;
    /// Its user.
    broker_user: Option<String> = None, None;
    /// Its password.
    broker_password: Option<Secret> = None, None;
    /// Its virtual host; on Redis, the number of the database.
    broker_vhost: Option<String> = None, None;
    /// TLS to the broker: true, or a table with `ssl_cert_reqs` (`required`, which is the default, `optional`, `none`),
    /// `ssl_check_hostname`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`. For RabbitMQ also without `ssl_`, as Celery
    /// wants them there.
    broker_use_ssl: UseTls = UseTls::off(), UseTls::off();
    /// How to introduce oneself to RabbitMQ: `PLAIN`, `AMQPLAIN`, `EXTERNAL`; unset, `PLAIN`.
    broker_login_method: Option<LoginMethod> = None, None;
    /// Let the broker confirm each publish.
    confirm_publish "broker_transport_options.confirm_publish": bool = true, false;
    /// Seconds to wait for a confirm before the publish is tried again.
    confirm_timeout "broker_transport_options.confirm_timeout": Seconds = 10.0, 10.0;
    /// On RabbitMQ, where a queue is a quorum queue: the kind of the queues in which messages wait for their ETA. Must be the
    /// same everywhere.
    broker_native_delayed_delivery_queue_type: QueueType = QueueType::Quorum, QueueType::Quorum;
    /// Seconds a connect may take.
    broker_connection_timeout: Seconds = 4.0, 4.0;
    /// Reconnect when the connection is lost.
    broker_connection_retry: bool = true, true;
    /// Connect again when the first connect fails; unset, `broker_connection_retry`.
    broker_connection_retry_on_startup: Option<bool> = None, None;
    /// Take an error of a channel, such as RabbitMQ's 406 after its `consumer_timeout`, for a lost connection; off, the
    /// worker lets its running tasks finish and exits with status 1.
    broker_channel_error_retry: bool = true, false;
    /// Failed connects in a row after which a worker exits; 0 never.
    broker_connection_max_retries: u32 = 0, 100;
    /// Seconds between heartbeats; a connection silent for twice as long is given up. 0 sends none. The embedded
    /// broker asks for 60 at most, as RabbitMQ does.
    broker_heartbeat: Seconds = 60.0, 120.0;

    } };
}

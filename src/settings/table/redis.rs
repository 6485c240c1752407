//! Settings of Redis as a broker.

macro_rules! redis_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// simq: how messages are taken from a queue. `atomic` moves them into the record of what is unacked as one step;
    /// `kombu` pops and then records, as Celery does: a worker that dies in between takes the message with it.
    redis_consume "broker_transport_options.consume": RedisConsume = RedisConsume::Atomic, RedisConsume::Kombu;
    /// simq: seconds after which a message that a worker of simq holds is delivered again, unless that worker says that
    /// it still lives, which it does three times as often. Only with `consume = "atomic"`.
    redis_lease "broker_transport_options.lease": Seconds = 30.0, 30.0;
    /// Seconds after which a message that was not acked is delivered again, whether or not its worker lives. Workers of
    /// simq that consume with `atomic` renew what they hold, so that nobody counts their messages as overdue.
    redis_visibility_timeout "broker_transport_options.visibility_timeout": Seconds = 3600.0, 3600.0;
    /// Hash of messages that are not acked yet.
    redis_unacked_key "broker_transport_options.unacked_key": String = "unacked".to_owned(), "unacked".to_owned();
    /// Sorted set of their times.
    redis_unacked_index_key "broker_transport_options.unacked_index_key": String = "unacked_index".to_owned(), "unacked_index".to_owned();
    /// Lock of the sweep that restores them, with `consume = "kombu"`.
    redis_unacked_mutex_key "broker_transport_options.unacked_mutex_key": String = "unacked_mutex".to_owned(), "unacked_mutex".to_owned();
    /// Seconds after which that lock is free again.
    redis_unacked_mutex_expire "broker_transport_options.unacked_mutex_expire": Seconds = 300.0, 300.0;
    /// Messages that one sweep restores; unset, all.
    redis_unacked_restore_limit "broker_transport_options.unacked_restore_limit": Option<u32> = None, None;
    /// Seconds between looks for messages to restore, with `consume = "kombu"`.
    redis_unacked_restore_interval "broker_transport_options.unacked_restore_interval": Seconds = 10.0, 10.0;
    /// Only every so many of those looks is one.
    redis_unacked_restore_throttle "broker_transport_options.unacked_restore_throttle": u32 = 10, 10;
    /// What stands between a queue's name and a priority.
    redis_sep "broker_transport_options.sep": String = "\u{6}\u{16}".to_owned(), "\u{6}\u{16}".to_owned();
    /// Priorities that have a list of their own, 0 to 9. On Redis 0 is the most urgent.
    redis_priority_steps "broker_transport_options.priority_steps": Numbers = [0, 3, 6, 9].into(), [0, 3, 6, 9].into();
    /// Which of several queues is read first: `round_robin`, `sorted`, `priority`.
    redis_queue_order_strategy "broker_transport_options.queue_order_strategy": QueueOrder = QueueOrder::RoundRobin, QueueOrder::RoundRobin;
    /// Prefix of the channels of fanout exchanges: true, false, or the prefix itself.
    redis_fanout_prefix "broker_transport_options.fanout_prefix": Prefix = Prefix::On, Prefix::On;
    /// Let the channels of fanout exchanges have the routing key in their names.
    redis_fanout_patterns "broker_transport_options.fanout_patterns": bool = true, true;
    /// Prefix of all keys.
    redis_global_keyprefix "broker_transport_options.global_keyprefix": Option<String> = None, None;
    /// How bodies stand in a message: `base64`, or unset as they are, where they are text.
    redis_body_encoding "broker_transport_options.body_encoding": Option<String> = Some("base64".to_owned()), Some("base64".to_owned());
    /// Seconds between looks at an empty queue. With `atomic` the server tells of new messages; this is for when it
    /// can't.
    redis_polling_interval "broker_transport_options.polling_interval": Seconds = 1.0, 1.0;
    /// Seconds that the server may take for an answer; a connection that is silent for longer is given up.
    redis_socket_timeout "broker_transport_options.socket_timeout": Option<Seconds> = Some(30.0), None;
    /// Name of the connections at the server.
    redis_client_name "broker_transport_options.client_name": Option<String> = None, None;
    /// Keep messages that are not acked, to restore them. Off, a message is gone as soon as a worker has it, as with
    /// Celery's: a worker that dies takes what it holds with it.
    redis_ack_emulation "broker_transport_options.ack_emulation": bool = true, true;
    /// Queue of messages whose exchange leads to no queue; unset, they are dropped.
    redis_deadletter_queue "broker_transport_options.deadletter_queue": Option<String> = None, None;
    /// Seconds that a connect may take, where that is less than `broker_connection_timeout`.
    redis_socket_connect_timeout "broker_transport_options.socket_connect_timeout": Option<Seconds> = None, None;
    /// Let the operating system keep idle connections alive.
    redis_socket_keepalive "broker_transport_options.socket_keepalive": Option<bool> = None, None;
    /// Options of the socket for it: `TCP_KEEPIDLE` and `TCP_KEEPINTVL`, seconds, and `TCP_KEEPCNT`; or their numbers on
    /// Linux, as in redis-py.
    redis_socket_keepalive_options "broker_transport_options.socket_keepalive_options": Option<toml::Table> = None, None;
    /// Name of the master that the Sentinels of `broker_url` watch.
    redis_master_name "broker_transport_options.master_name": Option<String> = None, None;
    /// Other Sentinels that must watch it too for one to be believed.
    redis_min_other_sentinels "broker_transport_options.min_other_sentinels": Option<u32> = None, None;
    /// How to introduce oneself to Sentinels: `username`, `password`, `ssl`, and the options of `broker_use_ssl`.
    redis_sentinel_kwargs "broker_transport_options.sentinel_kwargs": Option<SecretTable> = None, None;
    /// Name of the master that the Sentinels of `result_backend` watch.
    result_master_name "result_backend_transport_options.master_name": Option<String> = None, None;
    /// Other Sentinels that must watch it too for one to be believed.
    result_min_other_sentinels "result_backend_transport_options.min_other_sentinels": Option<u32> = None, None;
    /// How to introduce oneself to Sentinels: `username`, `password`, `ssl`, and the options of `redis_backend_use_ssl`.
    result_sentinel_kwargs "result_backend_transport_options.sentinel_kwargs": Option<SecretTable> = None, None;
    /// Name of the connections at the server of results; unset, `redis_client_name`.
    result_transport_client_name "result_backend_transport_options.client_name": Option<String> = None, None;
    /// Host of results, where `result_backend` is `redis` or `rediss` and no more.
    redis_host: Option<String> = None, None;
    /// Its port.
    redis_port: Option<u32> where (1 to 65535) = None, None;
    /// Its database.
    redis_db: Option<u32> = None, None;
    /// Its user.
    redis_username: Option<String> = None, None;
    /// Its password.
    redis_password: Option<Secret> = None, None;
    /// TLS to the server of results: true, or a table with `ssl_cert_reqs` (`required`, which is the default, `optional`,
    /// `none`), `ssl_check_hostname`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`.
    redis_backend_use_ssl: UseTls = UseTls::off(), UseTls::off();
    /// Seconds that the server of results may take for an answer.
    result_socket_timeout "redis_socket_timeout": Option<Seconds> = Some(30.0), Some(120.0);
    /// Seconds that a connect to it may take, where that is less than `broker_connection_timeout`.
    result_socket_connect_timeout "redis_socket_connect_timeout": Option<Seconds> = None, None;
    /// Let the operating system keep idle connections to it alive.
    result_socket_keepalive "redis_socket_keepalive": bool = false, false;
    /// Name of the connections to it.
    result_client_name "redis_client_name": Option<String> = None, None;
    /// Prefix of the keys of results; `_` is put behind it unless it ends in one of `:_-.`.
    result_global_keyprefix "result_backend_transport_options.global_keyprefix": Option<String> = None, None;

    } };
}

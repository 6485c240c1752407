//! Events, remote control, signed messages.

accepted! {
    /// Send events of tasks, for monitors.
    [later "events"] "worker_send_task_events": bool = false;
    /// Exchange of events.
    [later "events"] "event_exchange": String = "celeryev".to_owned();
    /// Form of events.
    [later "events"] "event_serializer": Serializer = Serializer::Json;
    /// Prefix of monitors' queues.
    [later "events"] "event_queue_prefix": String = "celeryev".to_owned();
    /// Seconds after which an event in a monitor's queue is dropped.
    [later "events"] "event_queue_ttl": Option<Seconds> = Some(5.0);
    /// Seconds after which a monitor's unused queue is dropped.
    [later "events"] "event_queue_expires": Option<Seconds> = Some(60.0);
    /// A monitor's queue is its own.
    [later "events"] "event_queue_exclusive": bool = true;
    /// A monitor's queue survives a restart of the broker.
    [later "events"] "event_queue_durable": bool = false;

    /// A queue of remote control is its worker's own.
    [later "remote control"] "control_queue_exclusive": bool = true;
    /// Queues of remote control survive a restart of the broker.
    [later "remote control"] "control_queue_durable": bool = false;
    /// Remote control may restart a worker's pool.
    [later "remote control"] "worker_pool_restarts": bool = false;
    /// Beat obeys remote control.
    [later "remote control"] "beat_enable_remote_control": bool = false;
    /// Seconds without a turn after which beat calls itself unwell; unset, the longer of 60 and two sleeps.
    [later "remote control"] "beat_max_tick_age": Option<Seconds> = None;

    /// File with the private key that signs messages.
    [later "signed messages"] "security_key": Option<String> = None;
    /// Password of that key.
    [later "signed messages"] "security_key_password": Option<Secret> = None;
    /// File with the certificate that signs messages.
    [later "signed messages"] "security_certificate": Option<String> = None;
    /// Files with the certificates that messages are checked with.
    [later "signed messages"] "security_cert_store": Option<String> = None;
    /// Digest of signatures.
    [later "signed messages"] "security_digest": String = "sha256".to_owned();
}

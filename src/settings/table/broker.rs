//! Settings of the connection to the broker.

macro_rules! broker_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// The broker: `redis://...`; unset or `memory://`, the embedded one.
    broker_url: Option<Urls> = None, None;
    /// Let the broker confirm each publish.
    confirm_publish "broker_transport_options.confirm_publish": bool = true, false;
    /// Seconds to wait for a confirm before the publish is tried again.
    confirm_timeout "broker_transport_options.confirm_timeout": Seconds = 10.0, 10.0;
    /// Seconds a connect may take.
    broker_connection_timeout: Seconds = 4.0, 4.0;
    /// Reconnect when the connection is lost.
    broker_connection_retry: bool = true, true;
    /// Failed connects in a row after which a worker exits; 0 never.
    broker_connection_max_retries: u32 = 0, 100;
    /// Seconds between heartbeats; a connection silent for twice as long is given up. 0 sends none. The embedded
    /// broker asks for 60 at most, as RabbitMQ does.
    broker_heartbeat: Seconds = 60.0, 120.0;

    } };
}

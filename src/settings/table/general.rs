//! Settings that belong to no actor.

macro_rules! general_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// Forms of bodies that a worker decodes: names of serializers, or content types.
    accept_content: ContentTypes = ContentTypes::json(), ContentTypes::json();
    /// The same for results; unset, `accept_content`. What `result_serializer` writes is read too.
    result_accept_content: Option<ContentTypes> = None, None;
    /// The application's time zone is UTC where `timezone` is unset.
    enable_utc: bool = true, true;
    /// The application's time zone, for times without one and for crontabs: `Europe/Berlin`.
    timezone: Option<String> = None, None;

    /// simq: bytes of the longest body that a worker reads, before and after decompression.
    max_body_size "accept_max_body_size": u64 = 128 << 20, 128 << 20;
    /// simq: directory in which the embedded broker and result store keep what they hold; unset, it ends with the
    /// process.
    embedded_directory: Option<String> = None, None;
    /// simq: when that is safe from a loss of power: before anybody is told of it, within a second, or when the
    /// operating system sees fit. A process that is killed loses nothing, whichever it is.
    embedded_fsync: Fsync = Fsync::Always, Fsync::EverySecond;
    /// simq: bytes of messages that the embedded broker takes into its directory; it refuses more.
    embedded_max_bytes: u64 = 1 << 30, 1 << 30;
    /// simq: bytes of results that the embedded result store keeps, in memory and in its directory; it forgets those first
    /// that would end first. 0 is no limit.
    embedded_max_result_bytes: u64 = 1 << 30, 1 << 30;

    /// simq: tasks that a stand-alone worker runs as programs: a name, and `program`, `args` and so on. See
    /// `docs/redis.md`.
    command_tasks: toml::Table = toml::Table::new(), toml::Table::new();

    } };
}

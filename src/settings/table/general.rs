//! Settings that belong to no actor.

macro_rules! general_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// Forms of bodies that a worker decodes: names of serializers, or content types.
    [later "serializers"] accept_content: Words = ["json"].into(), ["json"].into();
    /// The same for results; unset, `accept_content`.
    [later "serializers"] result_accept_content: Option<Words> = None, None;
    /// The application's time zone is UTC where `timezone` is unset.
    [later "time zones"] enable_utc: bool = true, true;
    /// The application's time zone, for times without one and for crontabs: `Europe/Berlin`.
    [later "time zones"] timezone: Option<String> = None, None;

    } };
}

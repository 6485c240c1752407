//! Settings of beat.

macro_rules! beat_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { $($before)*

    /// What is published when.
    beat_schedule: toml::Table = toml::Table::new(), toml::Table::new();
    /// File of beat's state.
    beat_schedule_filename: String
        = "beat-schedule.json".to_owned(), "beat-schedule.json".to_owned();
    /// simq: each due time is published once, again until it succeeds. Off, Celery's algorithm: a failed publish skips
    /// the run, and changes of clocks move, skip or stop runs.
    beat_exactly_once: bool = true, false;
    /// simq: of several beats one publishes, which holds a lease in the result store. Needs `beat_exactly_once`.
    beat_lease: bool = true, true;
    /// simq: seconds after which another beat takes over from one that is silent.
    beat_lease_ttl: Seconds = 30.0, 30.0;
    /// Publishes after which beat writes its state; 0 is every 180 seconds.
    beat_sync_every: u32 = 1, 0;
    /// Longest sleep of beat, seconds; 0 is 300. A step of the wall clock is noticed no later.
    beat_max_loop_interval: Seconds = 5.0, 0.0;
    /// Seconds after which a missed run of a crontab is skipped; unset, it runs late.
    beat_cron_starting_deadline: Option<Seconds> = None, None;

    } };
}

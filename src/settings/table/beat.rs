//! Settings of beat.

macro_rules! beat_settings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { $($before)*

    /// What is published when.
    [later "`simq beat`"] beat_schedule: toml::Table = toml::Table::new(), toml::Table::new();
    /// File of beat's state.
    [later "`simq beat`"] beat_schedule_filename: String
        = "beat-schedule.json".to_owned(), "beat-schedule.json".to_owned();
    /// simq: publish a due entry again until it succeeds; off, a failed publish skips the run.
    beat_retry_failed: bool = true, false;
    /// Publishes after which beat writes its state; 0 is every 180 seconds.
    beat_sync_every: u32 = 1, 0;
    /// Longest sleep of beat, seconds; 0 is 300.
    beat_max_loop_interval: Seconds = 0.0, 0.0;
    /// Seconds after which a missed run of a crontab is skipped; unset, it runs late.
    [later "crontab"] beat_cron_starting_deadline: Option<Seconds> = None, None;

    } };
}

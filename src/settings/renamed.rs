//! Celery's old names, in upper case, and what they are now.

/// Those that no rule makes of the new name.
const RENAMED: [(&str, &str); 12] = [
    ("CELERY_MESSAGE_COMPRESSION", "task_compression"),
    ("CELERY_MAX_CACHED_RESULTS", "result_cache_max"),
    ("CELERY_TASK_RESULT_EXPIRES", "result_expires"),
    ("CELERY_EAGER_PROPAGATES_EXCEPTIONS", "task_eager_propagates"),
    ("CELERY_SEND_TASK_SENT_EVENT", "task_send_sent_event"),
    ("CELERY_SEND_EVENTS", "worker_send_task_events"),
    ("CELERY_RESULT_DBURI", "database_url"),
    ("CELERY_RESULT_ENGINE_OPTIONS", "database_engine_options"),
    ("CELERY_RESULT_DB_SHORT_LIVED_SESSIONS", "database_short_lived_sessions"),
    ("CELERY_RESULT_DB_TABLENAMES", "database_table_names"),
    ("CELERYD_WORKER_LOST_WAIT", "worker_lost_wait"),
    ("CASSANDRA_COLUMN_FAMILY", "cassandra_table"),
];

/// The new name of an old one, or of a new one in upper case, with or without `CELERY_` as Django's settings have it.
pub(super) fn renamed(name: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    if !name.chars().any(|c| c.is_ascii_uppercase()) || name.chars().any(|c| c.is_ascii_lowercase()) {
        return None;
    }
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == name) {
        return Some((*new).to_owned());
    }
    let name = name.to_ascii_lowercase();
    // In this order: `CELERY_TIMEZONE`, `CELERY_ACKS_LATE`, `CELERYD_CONCURRENCY`, `CELERYD_TASK_TIME_LIMIT` and
    // `CELERYD_TIME_LIMIT`, `CELERYBEAT_SCHEDULE`, `CELERY_DISABLE_RATE_LIMITS`.
    let rules = [
        ("", ""),
        ("celery_", ""),
        ("celery_", "task_"),
        ("celeryd_", ""),
        ("celeryd_", "worker_"),
        ("celeryd_", "task_"),
        ("celerybeat_", "beat_"),
        ("celery_", "worker_"),
    ];
    rules.iter().filter_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?))).find(|name| exists(name))
}

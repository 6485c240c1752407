//! Keys and channels: kombu's, so that Celery's processes and simq's share queues (wire sheet, section 5.2).

use crate::settings::Settings;
use std::sync::Arc;

/// What the names of keys and channels are made of.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    prefix: String,
    separator: String,
    /// Ascending; the first is 0.
    steps: Vec<u8>,
    /// Before the names of exchanges in channels.
    channel_prefix: String,
    channel_patterns: bool,
    pub(super) unacked: Arc<str>,
    pub(super) unacked_index: Arc<str>,
    pub(super) unacked_mutex: Arc<str>,
}

impl Layout {
    pub(super) fn new(settings: &Settings, database: i64) -> Layout {
        let prefix = settings.redis_global_keyprefix.clone().unwrap_or_default();
        let key = |name: &str| Arc::from(format!("{prefix}{name}"));
        // What is not a priority is never asked for; 0 takes what no other step takes.
        let mut steps: Vec<u8> =
            settings.redis_priority_steps.iter().filter(|step| **step <= 9).map(|step| *step as u8).collect();
        steps.push(0);
        steps.sort_unstable();
        steps.dedup();
        Layout {
            unacked: key(&settings.redis_unacked_key),
            unacked_index: key(&settings.redis_unacked_index_key),
            unacked_mutex: key(&settings.redis_unacked_mutex_key),
            channel_prefix: format!("{prefix}{}", settings.redis_fanout_prefix.text(database)),
            channel_patterns: settings.redis_fanout_patterns,
            separator: settings.redis_sep.clone(),
            steps,
            prefix,
        }
    }

    /// How many lists a queue has.
    pub(super) fn buckets(&self) -> usize {
        self.steps.len()
    }

    /// The list of a queue for messages of a priority: the largest step that is no larger. 0 is the most urgent.
    pub(super) fn bucket(&self, queue: &str, priority: u8) -> String {
        let step = self.steps.iter().rev().find(|step| **step <= priority.min(9)).copied().unwrap_or_default();
        self.list(queue, step)
    }

    /// All lists of a queue, the most urgent first.
    pub(super) fn lists(&self, queue: &str) -> impl Iterator<Item = String> {
        self.steps.iter().map(move |step| self.list(queue, *step))
    }

    fn list(&self, queue: &str, step: u8) -> String {
        match step {
            0 => format!("{}{queue}", self.prefix),
            step => format!("{}{queue}{}{step}", self.prefix, self.separator),
        }
    }

    /// The sets of an exchange's bindings: that of all, and that of those which do not expire.
    pub(super) fn bindings(&self, exchange: &str) -> [String; 2] {
        ["", "_permanent"].map(|kind| format!("{}_kombu.binding{kind}.{exchange}", self.prefix))
    }

    /// One binding as a member of those sets. kombu keeps the regular expression of a topic's pattern in the middle.
    pub(super) fn binding(&self, routing_key: &str, pattern: &str, queue: &str) -> String {
        let separator = &self.separator;
        format!("{routing_key}{separator}{pattern}{separator}{queue}")
    }

    /// The routing key and the queue of such a member.
    pub(super) fn bound<'a>(&self, member: &'a str) -> Option<(&'a str, &'a str)> {
        let (routing_key, rest) = member.split_once(&self.separator)?;
        let (_, queue) = rest.rsplit_once(&self.separator)?;
        Some((routing_key, queue))
    }

    /// The channel that a fanout exchange publishes to.
    pub(super) fn channel(&self, exchange: &str, routing_key: &str) -> String {
        match routing_key {
            key if !key.is_empty() && self.channel_patterns => format!("{}{exchange}/{key}", self.channel_prefix),
            _ => format!("{}{exchange}", self.channel_prefix),
        }
    }

    /// The pattern of such channels that a queue bound with this key listens to.
    pub(super) fn channel_pattern(&self, exchange: &str, routing_key: &str) -> String {
        self.channel(exchange, &routing_key.replace('#', "*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Profile;

    fn layout(set: &[(&str, &str)]) -> Layout {
        let mut settings = Settings::new(Profile::Celery);
        set.iter().for_each(|(name, value)| settings.set_text(name, value).unwrap());
        Layout::new(&settings, 5)
    }

    /// The rows of the wire sheet, section 5.4.
    #[test]
    fn a_priority_goes_to_the_largest_step_below() {
        let layout = layout(&[]);
        for (priority, list) in [
            (0, "celery"),
            (2, "celery"),
            (3, "celery\u{6}\u{16}3"),
            (5, "celery\u{6}\u{16}3"),
            (6, "celery\u{6}\u{16}6"),
            (9, "celery\u{6}\u{16}9"),
            (255, "celery\u{6}\u{16}9"),
        ] {
            assert_eq!(layout.bucket("celery", priority), list);
        }
    }

    #[test]
    fn names_have_the_prefix_of_the_settings() {
        let layout = layout(&[("broker_transport_options.global_keyprefix", "app-")]);
        assert_eq!(layout.bucket("celery", 0), "app-celery");
        assert_eq!(&*layout.unacked_index, "app-unacked_index");
        assert_eq!(layout.bindings("tasks")[0], "app-_kombu.binding.tasks");
        assert_eq!(layout.channel("celeryev", "worker.online"), "app-/5.celeryev/worker.online");
        assert_eq!(layout.channel_pattern("celeryev", "worker.#"), "app-/5.celeryev/worker.*");
    }

    #[test]
    fn a_binding_is_read_as_it_was_written() {
        let layout = layout(&[]);
        let member = layout.binding("a.*", "^a\\.[^.]+$", "q");
        assert_eq!(layout.bound(&member), Some(("a.*", "q")));
        assert_eq!(layout.bound("nonsense"), None);
    }
}

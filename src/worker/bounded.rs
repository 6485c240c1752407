//! Ids that are remembered for a while, and only so many of them: Celery's `LimitedSet`.

use crate::collections::Map;
use crate::message::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The latest ids, each for `window`, `max` at most; the oldest make room.
#[derive(Debug)]
pub(super) struct BoundedIds {
    max: usize,
    window: Duration,
    /// When each was last added; an entry of `order` with another time is stale.
    added: Map<Arc<str>, Timestamp>,
    order: VecDeque<(Timestamp, Arc<str>)>,
}

impl BoundedIds {
    pub(super) fn new(max: usize, window: Duration) -> Self {
        BoundedIds { max, window, added: Map::default(), order: VecDeque::new() }
    }

    /// Remembers an id; one that is known begins anew.
    pub(super) fn add(&mut self, id: Arc<str>, now: Timestamp) {
        self.purge(now);
        if self.max > 0 && self.added.insert(id.clone(), now) != Some(now) {
            self.order.push_back((now, id));
        }
        while self.added.len() > self.max {
            self.drop_oldest();
        }
    }

    pub(super) fn contains(&self, id: &str, now: Timestamp) -> bool {
        self.added.get(id).is_some_and(|added| now.saturating_since(*added) <= self.window)
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, &Arc<str>)> {
        let current = |(at, id): &&(Timestamp, Arc<str>)| self.added.get(id) == Some(at);
        self.order.iter().filter(current).map(|(at, id)| (*at, id))
    }

    fn purge(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(at, _)| now.saturating_since(*at) > self.window) {
            self.drop_oldest();
        }
        if self.order.len() > self.added.len().saturating_mul(2) + 16 {
            let added = &self.added;
            self.order.retain(|(at, id)| added.get(id) == Some(at));
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((at, id)) = self.order.pop_front()
            && self.added.get(&id) == Some(&at)
        {
            self.added.swap_remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn ids_are_forgotten_after_their_window_or_when_there_are_too_many() {
        let mut ids = BoundedIds::new(2, Duration::from_secs(10));
        ids.add("a".into(), at(0));
        assert!(ids.contains("a", at(10)) && !ids.contains("a", at(11)));
        ids.add("b".into(), at(1));
        ids.add("a".into(), at(2));
        ids.add("c".into(), at(3));
        assert!(!ids.contains("b", at(3)), "the oldest makes room, and a was added anew");
        assert_eq!(ids.iter().map(|(_, id)| &**id).collect::<Vec<_>>(), ["a", "c"]);
        ids.add("d".into(), at(100));
        assert_eq!(ids.added.len(), 1);
    }

    #[test]
    fn an_id_that_is_added_again_and_again_takes_no_more_room() {
        let mut ids = BoundedIds::new(10, Duration::from_secs(1_000_000));
        ids.add("z".into(), at(0));
        (0..10_000).for_each(|second| ids.add("a".into(), at(second)));
        assert!(ids.added.len() == 2 && ids.contains("z", at(10_000)));
        assert!(ids.order.len() < 50, "{}", ids.order.len());
        assert!(ids.contains("a", at(10_000)));
    }
}

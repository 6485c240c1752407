//! The embedded result store: a pure state machine.
//!
//! A success stays: whatever is stored over it later is dropped, as Celery's key-value backends do. Results end with
//! their lifetime.

use crate::collections::Map;
use crate::env::Instant;
use crate::events::State;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// States and results by task id, and who wants to hear of them.
#[derive(Default)]
pub struct Store {
    results: Map<Arc<str>, Kept>,
    ends: BTreeSet<(Instant, Arc<str>)>,
    watchers: Map<Arc<str>, Vec<u64>>,
}

struct Kept {
    state: State,
    meta: Arc<[u8]>,
    ends: Option<Instant>,
}

impl Store {
    /// Keeps a state; false when a success is there already. Whoever watches a task that is done now is in the list.
    pub(super) fn put(
        &mut self,
        id: &Arc<str>,
        state: State,
        meta: Arc<[u8]>,
        lifetime: Option<Duration>,
        now: Instant,
    ) -> (bool, Vec<u64>) {
        self.expire(now);
        if self.results.get(id).is_some_and(|kept| kept.state == State::Success) {
            return (false, Vec::new());
        }
        let ends = lifetime.map(|lifetime| now + lifetime);
        if let Some(old) = self.results.insert(id.clone(), Kept { state, meta, ends })
            && let Some(end) = old.ends
        {
            self.ends.remove(&(end, id.clone()));
        }
        if let Some(end) = ends {
            self.ends.insert((end, id.clone()));
        }
        let told = if state.is_ready() { self.watchers.swap_remove(id).unwrap_or_default() } else { Vec::new() };
        (true, told)
    }

    /// What is known of a task.
    pub fn get(&self, id: &str) -> Option<(State, Arc<[u8]>)> {
        self.results.get(id).map(|kept| (kept.state, kept.meta.clone()))
    }

    /// Remembers that `watcher` wants to hear when the task is done.
    pub(super) fn watch(&mut self, id: &Arc<str>, watcher: u64, now: Instant) {
        self.expire(now);
        let watchers = self.watchers.entry(id.clone()).or_default();
        if !watchers.contains(&watcher) {
            watchers.push(watcher);
        }
    }

    /// Forgets a watcher of one task.
    pub(super) fn unwatch(&mut self, id: &str, watcher: u64) {
        if let Some(watchers) = self.watchers.get_mut(id) {
            watchers.retain(|known| *known != watcher);
            if watchers.is_empty() {
                self.watchers.swap_remove(id);
            }
        }
    }

    /// Forgets a watcher altogether: its connection is gone.
    pub(super) fn forget_watcher(&mut self, watcher: u64) {
        self.watchers.retain(|_, watchers| {
            watchers.retain(|known| *known != watcher);
            !watchers.is_empty()
        });
    }

    /// Forgets all watchers: the server has started anew, and no connection is left.
    pub(super) fn forget_watchers(&mut self) {
        self.watchers.clear();
    }

    fn expire(&mut self, now: Instant) {
        while self.ends.first().is_some_and(|(end, _)| *end <= now) {
            if let Some((_, id)) = self.ends.pop_first() {
                self.results.swap_remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &mut Store, id: &str, state: State, at: u64) -> (bool, Vec<u64>) {
        store.put(&id.into(), state, Arc::default(), Some(Duration::from_secs(10)), Instant(at * 1_000_000_000))
    }

    #[test]
    fn a_success_stays() {
        let mut store = Store::default();
        assert!(put(&mut store, "a", State::Started, 0).0);
        assert!(put(&mut store, "a", State::Success, 1).0);
        assert!(!put(&mut store, "a", State::Failure, 2).0);
        assert_eq!(store.get("a").map(|(state, _)| state), Some(State::Success));
    }

    #[test]
    fn watchers_hear_once_when_the_task_is_done() {
        let mut store = Store::default();
        store.watch(&"a".into(), 7, Instant(0));
        store.watch(&"a".into(), 7, Instant(0));
        assert_eq!(put(&mut store, "a", State::Started, 0).1, Vec::<u64>::new());
        assert_eq!(put(&mut store, "a", State::Failure, 0).1, [7]);
        assert_eq!(put(&mut store, "a", State::Success, 0).1, Vec::<u64>::new());
    }

    #[test]
    fn results_end_with_their_lifetime() {
        let mut store = Store::default();
        put(&mut store, "a", State::Started, 0);
        put(&mut store, "a", State::Success, 5);
        put(&mut store, "b", State::Success, 11);
        assert!(store.get("a").is_some(), "the second put began a new life");
        put(&mut store, "b", State::Success, 15);
        assert!(store.get("a").is_none());
    }
}

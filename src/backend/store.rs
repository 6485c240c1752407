//! The embedded result store: a pure state machine.
//!
//! Which of two states of one task stays is the writer's choice, `result_precedence`: what says less is dropped. Results
//! end with their lifetime, or earlier when there is no room for them: those first that would end first.

use crate::collections::Map;
use crate::env::Instant;
use crate::events::State;
use crate::planted::{Fault as Planted, planted};
use crate::settings::Precedence;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// States and results by task id, and who wants to hear of them.
#[derive(Default)]
pub struct Store {
    results: Map<Arc<str>, Kept>,
    /// In the order in which they end; those that never do come last.
    ends: BTreeSet<(Instant, Arc<str>)>,
    bytes: u64,
    /// 0 is no limit.
    max_bytes: u64,
    watchers: Map<Arc<str>, Vec<Watcher>>,
}

struct Watcher {
    who: u64,
    /// Wants to hear of every state, not only of the last one.
    every: bool,
}

struct Kept {
    state: State,
    meta: Arc<[u8]>,
    ends: Option<Instant>,
}

impl Kept {
    /// What it takes, roughly.
    fn bytes(&self, id: &str) -> u64 {
        (2 * id.len() + self.meta.len()) as u64 + 100
    }

    fn place(&self, id: &Arc<str>) -> (Instant, Arc<str>) {
        (self.ends.unwrap_or(Instant::NEVER), id.clone())
    }
}

impl Store {
    /// Keeps at most so many bytes of results; 0 is no limit.
    pub(super) fn bound(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    /// Forgets results until the others have room, and says which. The last one stays, however large it is.
    pub(super) fn make_room(&mut self) -> Vec<Arc<str>> {
        let mut forgotten = Vec::new();
        while self.max_bytes > 0 && self.bytes > self.max_bytes && self.results.len() > 1 {
            let Some((_, id)) = self.ends.first().cloned() else { break };
            self.forget(&id);
            forgotten.push(id);
        }
        forgotten
    }

    /// Keeps a state; false when what is there says more. Whoever is to hear of it is in the list.
    pub(super) fn put(
        &mut self,
        id: &Arc<str>,
        state: State,
        meta: Arc<[u8]>,
        Keep { lifetime, precedence }: Keep,
        now: Instant,
    ) -> (bool, Vec<u64>) {
        self.expire(now);
        if self.results.get(id).is_some_and(|kept| stays(kept.state, state, precedence)) {
            return (false, Vec::new());
        }
        self.keep(id.clone(), state, meta, lifetime.map(|lifetime| now + lifetime));
        (true, self.told(id, state))
    }

    fn keep(&mut self, id: Arc<str>, state: State, meta: Arc<[u8]>, ends: Option<Instant>) {
        let kept = Kept { state, meta, ends };
        let (bytes, place) = (kept.bytes(&id), kept.place(&id));
        if let Some(old) = self.results.insert(id.clone(), kept) {
            self.bytes -= old.bytes(&id);
            self.ends.remove(&old.place(&id));
        }
        self.bytes += bytes;
        self.ends.insert(place);
    }

    /// Who hears of a state; of the last one for the last time.
    fn told(&mut self, id: &str, state: State) -> Vec<u64> {
        if state.is_ready() {
            let watchers = self.watchers.swap_remove(id).unwrap_or_default();
            return watchers.into_iter().map(|watcher| watcher.who).collect();
        }
        let watchers = self.watchers.get(id).map(Vec::as_slice).unwrap_or_default();
        watchers.iter().filter(|watcher| watcher.every).map(|watcher| watcher.who).collect()
    }

    /// Drops what is known of a task: Celery's `forget`.
    pub(super) fn forget(&mut self, id: &Arc<str>) {
        if let Some(kept) = self.results.swap_remove(id) {
            self.bytes -= kept.bytes(id);
            self.ends.remove(&kept.place(id));
        }
    }

    /// Puts back what was kept; later ones replace earlier ones.
    pub(super) fn restore(&mut self, id: Arc<str>, state: State, meta: Arc<[u8]>, ends: Option<Instant>) {
        self.keep(id, state, meta, ends);
    }

    /// All results: id, state, meta and when they end.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, State, &Arc<[u8]>, Option<Instant>)> {
        self.results.iter().map(|(id, kept)| (id, kept.state, &kept.meta, kept.ends))
    }

    /// What is known of a task.
    pub fn get(&self, id: &str) -> Option<(State, Arc<[u8]>)> {
        self.results.get(id).map(|kept| (kept.state, kept.meta.clone()))
    }

    /// Remembers that `who` wants to hear when the task is done, or of every state until then.
    pub(super) fn watch(&mut self, id: &Arc<str>, who: u64, every: bool, now: Instant) {
        self.expire(now);
        let watchers = self.watchers.entry(id.clone()).or_default();
        match watchers.iter_mut().find(|watcher| watcher.who == who) {
            Some(watcher) => watcher.every = every,
            None => watchers.push(Watcher { who, every }),
        }
    }

    /// Forgets a watcher of one task.
    pub(super) fn unwatch(&mut self, id: &str, who: u64) {
        if let Some(watchers) = self.watchers.get_mut(id) {
            watchers.retain(|watcher| watcher.who != who);
            if watchers.is_empty() {
                self.watchers.swap_remove(id);
            }
        }
    }

    /// Forgets a watcher altogether: its connection is gone.
    pub(super) fn forget_watcher(&mut self, who: u64) {
        self.watchers.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.who != who);
            !watchers.is_empty()
        });
    }

    /// Forgets all watchers: the server has started anew, and no connection is left.
    pub(super) fn forget_watchers(&mut self) {
        self.watchers.clear();
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((_, id)) = self.ends.first().filter(|(end, _)| *end <= now).cloned() {
            self.forget(&id);
        }
    }
}

/// How a state is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    /// How long; `None` is for ever.
    pub(crate) lifetime: Option<Duration>,
    /// Against what is there.
    pub(crate) precedence: Precedence,
}

fn stays(kept: State, new: State, precedence: Precedence) -> bool {
    match precedence {
        _ if planted(Planted::PrecedenceIgnored) => false,
        Precedence::Full => kept.rank() > new.rank() || kept == State::Success,
        Precedence::Success => kept == State::Success,
        Precedence::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(store: &mut Store, id: &str, state: State, at: u64, precedence: Precedence) -> (bool, Vec<u64>) {
        let keep = Keep { lifetime: Some(Duration::from_secs(10)), precedence };
        store.put(&id.into(), state, Arc::default(), keep, Instant(at * 1_000_000_000))
    }

    fn put(store: &mut Store, id: &str, state: State, at: u64) -> (bool, Vec<u64>) {
        keep(store, id, state, at, Precedence::Full)
    }

    fn state(store: &Store, id: &str) -> Option<State> {
        store.get(id).map(|(state, _)| state)
    }

    #[test]
    fn what_says_more_stays() {
        let mut store = Store::default();
        for (new, stored) in [
            (State::Started, State::Started),
            (State::Retry, State::Retry),
            (State::Ignored, State::Ignored),
            (State::Started, State::Ignored),
            (State::Revoked, State::Revoked),
            (State::Failure, State::Failure),
            (State::Revoked, State::Failure),
            (State::Failure, State::Failure),
            (State::Success, State::Success),
            (State::Failure, State::Success),
            (State::Success, State::Success),
        ] {
            put(&mut store, "a", new, 0);
            assert_eq!(state(&store, "a"), Some(stored), "after {new}");
        }
    }

    #[test]
    fn in_celerys_way_only_a_success_stays_and_in_some_backends_nothing_does() {
        let mut store = Store::default();
        for new in [State::Failure, State::Started, State::Success, State::Failure] {
            keep(&mut store, "a", new, 0, Precedence::Success);
            keep(&mut store, "b", new, 0, Precedence::None);
        }
        assert_eq!((state(&store, "a"), state(&store, "b")), (Some(State::Success), Some(State::Failure)));
    }

    #[test]
    fn watchers_hear_when_the_task_is_done_or_of_every_state_until_then() {
        let mut store = Store::default();
        store.watch(&"a".into(), 7, false, Instant(0));
        store.watch(&"a".into(), 7, false, Instant(0));
        store.watch(&"a".into(), 8, true, Instant(0));
        assert_eq!(put(&mut store, "a", State::Started, 0).1, [8]);
        assert_eq!(put(&mut store, "a", State::Failure, 0).1, [7, 8]);
        assert_eq!(put(&mut store, "a", State::Success, 0).1, Vec::<u64>::new());
    }

    #[test]
    fn results_end_with_their_lifetime_or_when_they_are_to_be_forgotten() {
        let mut store = Store::default();
        put(&mut store, "a", State::Started, 0);
        put(&mut store, "a", State::Success, 5);
        put(&mut store, "b", State::Success, 11);
        assert!(store.get("a").is_some(), "the second put began a new life");
        put(&mut store, "b", State::Success, 15);
        assert!(store.get("a").is_none());
        store.forget(&"b".into());
        assert!(store.get("b").is_none() && store.ends.is_empty());
        assert_eq!(store.bytes, 0);
    }

    #[test]
    fn without_room_those_go_first_that_would_end_first() {
        let mut store = Store::default();
        store.bound(250);
        for (id, at) in [("a", 5), ("b", 1), ("c", 3)] {
            put(&mut store, id, State::Success, at);
        }
        assert_eq!(store.make_room(), [Arc::from("b")]);
        store.keep("d".into(), State::Success, [0; 1_000].into(), None);
        assert_eq!(
            store.make_room(),
            [Arc::from("c"), Arc::from("a")],
            "those kept for ever go last, and one always stays"
        );
        assert_eq!((store.results.len(), store.bytes), (1, 1_102));
        store.bound(0);
        put(&mut store, "a", State::Success, 6);
        assert_eq!(store.make_room(), Vec::<Arc<str>>::new());
    }
}

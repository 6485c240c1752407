//! The doors to the keyspace: everything that reads, writes or removes a key comes through here, so that expiry,
//! watches, blocked clients and memory see all of it.

use super::data::Data;
use super::{Micros, Redis};

impl Redis {
    pub(super) fn now_millis(&self) -> i64 {
        self.now.div_euclid(1_000)
    }

    /// The index of a live key. A key past its deadline goes here, unless this is a replica: there its master's `DEL`
    /// removes it, and until then it only looks gone.
    pub(super) fn find(&mut self, db: usize, key: &[u8]) -> Option<usize> {
        let now = self.now_millis();
        let index = self.databases[db].index_of(key)?;
        self.accesses += 1;
        let entry = self.databases[db].at_mut(index);
        if entry.deadline.is_some_and(|deadline| now > deadline) && !self.streaming {
            if self.master.is_none() {
                self.expire(db, key);
            }
            return None;
        }
        entry.used = self.accesses;
        Some(index)
    }

    /// Removes a key that is past its deadline; replicas and logs are told by a `DEL`.
    pub(super) fn expire(&mut self, db: usize, key: &[u8]) {
        self.stats.expired += 1;
        self.delete(db, key);
        self.record(db, || vec![b"DEL".to_vec(), key.to_vec()]);
    }

    /// Puts a value in place of any other, and returns its index. A deadline that was there stays.
    pub(super) fn put(&mut self, db: usize, key: &[u8], data: Data) -> usize {
        let new = self.databases[db].index_of(key).is_none();
        let index = self.databases[db].put(key, data, self.accesses);
        if new {
            self.signal_ready(db, key);
        }
        index
    }

    pub(super) fn delete(&mut self, db: usize, key: &[u8]) -> bool {
        let removed = self.databases[db].remove(key).is_some();
        if removed {
            self.written(db, key);
        }
        removed
    }

    /// After a change of a value in its place.
    pub(super) fn touched(&mut self, db: usize, key: &[u8]) {
        let database = &mut self.databases[db];
        if let Some(index) = database.index_of(key) {
            if database.at(index).data.is_empty_collection() {
                database.remove(key);
            } else {
                database.measure(index);
            }
        }
        self.written(db, key);
    }

    /// Empties a database. Who watches a key that was there will not execute.
    pub(super) fn clear(&mut self, db: usize) {
        let database = std::mem::take(&mut self.databases[db]);
        let watched: Vec<Vec<u8>> =
            self.watchers.keys().filter(|(of, _)| *of == db).map(|(_, key)| key.clone()).collect();
        for key in watched.iter().filter(|key| database.index_of(key).is_some()) {
            self.break_watches(db, key);
        }
        self.dirty += 1;
    }

    fn written(&mut self, db: usize, key: &[u8]) {
        self.dirty += 1;
        self.break_watches(db, key);
        self.invalidate(key);
    }

    /// Removes keys that are past their deadline, at most `limit` of them; whether there may be more.
    pub(super) fn expire_due(&mut self, limit: usize) -> bool {
        let now = self.now_millis();
        let mut left = limit;
        for db in 0..self.databases.len() {
            while let Some((deadline, key)) = self.databases[db].first_deadline() {
                if now <= deadline {
                    break;
                }
                if left == 0 {
                    return true;
                }
                left -= 1;
                let key = key.clone();
                self.expire(db, &key);
            }
        }
        false
    }

    /// When the active cycle, which runs ten times a second, next finds something to remove.
    pub(super) fn next_expiry(&self) -> Option<Micros> {
        const CYCLE: i64 = 100;
        if self.master.is_some() {
            return None;
        }
        let first = self.databases.iter().filter_map(|database| database.first_deadline()).map(|(at, _)| at).min()?;
        let cycle = first.div_euclid(CYCLE).checked_add(1)?.checked_mul(CYCLE)?;
        cycle.checked_mul(1_000)
    }
}

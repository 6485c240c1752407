//! `maxmemory`: an estimate of what keys and values take, and which keys go when it is too much.

use super::Redis;
use super::config::Eviction;
use super::keyspace::Database;

/// `maxmemory-samples`.
const SAMPLES: usize = 5;

impl Redis {
    /// Bytes of all keys and values, by an estimate that is near what Redis counts for them.
    pub fn used_memory(&self) -> usize {
        self.databases.iter().map(Database::bytes).sum()
    }

    /// Evicts as the policy says; whether memory is still used up after that.
    pub(super) fn is_full(&mut self) -> bool {
        if self.config.maxmemory == 0 {
            return false;
        }
        while self.used_memory() > self.config.maxmemory {
            if self.master.is_some() {
                return true;
            }
            let Some((db, key)) = self.victim() else { return true };
            self.stats.evicted += 1;
            self.delete(db, &key);
            self.record(db, || vec![b"DEL".to_vec(), key.clone()]);
            self.commit();
        }
        false
    }

    fn victim(&mut self) -> Option<(usize, Vec<u8>)> {
        match self.config.eviction {
            Eviction::Never => None,
            Eviction::VolatileTtl => {
                let firsts = self.databases.iter().enumerate();
                let firsts = firsts.filter_map(|(db, database)| database.first_deadline().map(|first| (first, db)));
                firsts.min().map(|((_, key), db)| (db, key.clone()))
            }
            Eviction::AllKeysRandom => self.draw().map(|(db, index)| self.key(db, index)),
            Eviction::AllKeysLru => {
                let drawn: Vec<(usize, usize)> = (0..SAMPLES).filter_map(|_| self.draw()).collect();
                let oldest = drawn.into_iter().min_by_key(|(db, index)| self.databases[*db].at(*index).used);
                oldest.map(|(db, index)| self.key(db, index))
            }
        }
    }

    /// Any key of all databases.
    fn draw(&mut self) -> Option<(usize, usize)> {
        let keys: usize = self.databases.iter().map(Database::len).sum();
        let bound = u64::try_from(keys).ok().filter(|keys| *keys > 0)?;
        let mut drawn = usize::try_from(self.random.below(bound)).ok()?;
        for (db, database) in self.databases.iter().enumerate() {
            if drawn < database.len() {
                return Some((db, drawn));
            }
            drawn -= database.len();
        }
        None
    }

    fn key(&self, db: usize, index: usize) -> (usize, Vec<u8>) {
        (db, self.databases[db].key_at(index).cloned().unwrap_or_default())
    }
}

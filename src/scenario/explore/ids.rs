//! Task ids by number, as the ledger has them.

use crate::collections::Map;
use crate::events::{Event, What};
use std::sync::Arc;

/// Numbers ids in the order in which they are first heard of.
#[derive(Default)]
pub(crate) struct Ids(Map<Arc<str>, ()>);

impl Ids {
    /// The number of the id that a fact is about; `None` for facts about something else, a worker or an entry of beat.
    pub(crate) fn of(&mut self, event: &Event<'_>) -> Option<usize> {
        if matches!(event.what, What::Due { .. } | What::Ticked { .. } | What::Draining) {
            return None;
        }
        Some(self.0.get_index_of(event.id).unwrap_or_else(|| self.0.insert_full(event.id.into(), ()).0))
    }

    /// The ids, in their order.
    pub(crate) fn into_vec(self) -> Vec<Arc<str>> {
        self.0.into_keys().collect()
    }
}

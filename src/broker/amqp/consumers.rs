//! The consumers of a queue and whose turn it is.

use super::{ChannelId, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// A consumer's number, increasing in the order of subscription over the whole broker.
pub(super) type ConsumerId = u64;

/// One subscription.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) channel: ChannelId,
    pub(super) tag: Name,
    pub(super) no_ack: bool,
}

/// The consumers of one queue, served in turn in the order of subscription.
///
/// | a consumer is | and is found in |
/// |---|---|
/// | subscribed | `all` |
/// | believed to be able to receive | `rotation` |
/// | seen with a full window when its turn came | its channel's `parked` list, not in `rotation` |
///
/// A turn therefore never scans consumers that are known to be full: each is looked at once per time it fills up.
#[derive(Clone, Debug, Default)]
pub(super) struct Consumers {
    all: BTreeMap<ConsumerId, Consumer>,
    rotation: BTreeSet<ConsumerId>,
    last_served: ConsumerId,
}

impl Consumers {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn add(&mut self, id: ConsumerId, consumer: Consumer) {
        self.all.insert(id, consumer);
        self.rotation.insert(id);
    }

    pub(super) fn remove(&mut self, id: ConsumerId) {
        self.all.remove(&id);
        self.rotation.remove(&id);
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.rotation.clear();
    }

    /// The first after the one served last, in a circle.
    pub(super) fn next(&self) -> Option<(ConsumerId, &Consumer)> {
        let after = self.rotation.range((Excluded(self.last_served), Unbounded)).next();
        let id = *after.or_else(|| self.rotation.first())?;
        Some((id, self.all.get(&id)?))
    }

    pub(super) fn served(&mut self, id: ConsumerId) {
        self.last_served = id;
    }

    /// Takes it out of the rotation until [`Consumers::unpark`].
    pub(super) fn park(&mut self, id: ConsumerId) {
        self.rotation.remove(&id);
    }

    pub(super) fn unpark(&mut self, id: ConsumerId) {
        if self.all.contains_key(&id) {
            self.rotation.insert(id);
        }
    }

    /// In the order of subscription.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Consumer> {
        self.all.values()
    }
}

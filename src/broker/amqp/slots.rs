//! An arena whose keys are never valid for a later tenant of the same slot.

/// Values under keys that stay unique after removal: a stale key finds nothing.
///
/// A key is the slot's generation (upper half) and its index (lower half). Iteration is in slot order, which depends
/// on the history of insertions and removals only.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Stores `value` and returns its key, which is never 0.
    pub(super) fn insert(&mut self, value: T) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 1, value: None });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        u64::from(slot.generation) << 32 | u64::from(index)
    }

    pub(super) fn get(&self, key: u64) -> Option<&T> {
        let slot = self.slots.get(index(key))?;
        if slot.generation == generation(key) { slot.value.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        let slot = self.slots.get_mut(index(key))?;
        if slot.generation == generation(key) { slot.value.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<T> {
        let slot = self.slots.get_mut(index(key)).filter(|slot| slot.generation == generation(key))?;
        let value = slot.value.take()?;
        // A slot that ran out of generations is never used again.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(index(key) as u32);
        }
        Some(value)
    }

    /// Keys and values in slot order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let value = slot.value.as_ref()?;
            Some((u64::from(slot.generation) << 32 | index as u64, value))
        })
    }

    /// Mutable values in slot order.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.value.as_mut())
    }

    /// The keys in slot order.
    pub(super) fn keys(&self) -> Vec<u64> {
        self.iter().map(|(key, _)| key).collect()
    }
}

fn index(key: u64) -> usize {
    key as u32 as usize
}

fn generation(key: u64) -> u32 {
    (key >> 32) as u32
}

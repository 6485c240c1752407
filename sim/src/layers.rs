//! Conditions that overlap: a fault that lasts lays a value over the usual one, and takes back only its own.

/// A value and what lies over it for now. What was laid last counts; lifting a layer uncovers what is below.
pub(crate) struct Layers<T> {
    counts: T,
    base: T,
    over: Vec<(u64, T)>,
}

impl<T: Copy> Layers<T> {
    pub(crate) fn new(base: T) -> Self {
        Layers { counts: base, base, over: Vec::new() }
    }

    /// The value that counts.
    #[inline]
    pub(crate) fn get(&self) -> T {
        self.counts
    }

    /// For good: what lay over it is gone too.
    pub(crate) fn set(&mut self, value: T) {
        *self = Layers::new(value);
    }

    /// Until this layer is lifted, or something is set for good.
    pub(crate) fn lay(&mut self, layer: u64, value: T) {
        self.over.push((layer, value));
        self.counts = value;
    }

    /// Takes a layer back; false when it was gone.
    pub(crate) fn lift(&mut self, layer: u64) -> bool {
        let before = self.over.len();
        self.over.retain(|(number, _)| *number != layer);
        self.counts = self.over.last().map_or(self.base, |(_, value)| *value);
        self.over.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_takes_back_only_itself() {
        let mut latency = Layers::new(1);
        latency.lay(7, 10);
        latency.lay(8, 20);
        assert!(latency.lift(7));
        assert_eq!(latency.get(), 20);
        assert!(latency.lift(8));
        assert_eq!(latency.get(), 1);
        assert!(!latency.lift(8));
    }

    #[test]
    fn what_is_set_for_good_outlives_the_layers_before_it() {
        let mut latency = Layers::new(1);
        latency.lay(7, 10);
        latency.set(5);
        assert!(!latency.lift(7));
        assert_eq!(latency.get(), 5);
    }
}

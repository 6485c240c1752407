//! What clients still have to do.

use std::cell::Cell;
use std::rc::Rc;

/// How much a client still has to do: a run is not over before.
#[derive(Clone, Default)]
pub(crate) struct Calls(Rc<Cell<usize>>);

impl Calls {
    /// Something is to be done.
    pub(crate) fn begin(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// What was to be done is forgotten.
    pub(crate) fn begin_anew(&self) {
        self.0.set(0);
    }

    /// Whether nothing is to be done.
    pub(crate) fn are_done(&self) -> bool {
        self.0.get() == 0
    }

    /// Something is done.
    pub(crate) fn end(&self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

//! What a server is to its cluster: the only one, or one of those that stand in for each other.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// One server's place.
#[derive(Clone)]
pub(in crate::scenario) struct Part {
    /// The host that is the broker, as far as the ledger goes: the first master, then whoever was promoted last. What
    /// clients do on a master that does not know of its successor yet is lost, and counts for nothing.
    present: Rc<RefCell<Arc<str>>>,
    /// The host whose replica it is when it first starts.
    pub(super) begins_under: Option<&'static str>,
    /// It may become a replica, or a master.
    pub(super) is_of_several: bool,
    /// How long what it streams stays in its output buffer. When it dies, that is gone.
    pub(super) lag: Duration,
}

impl Part {
    /// The first master.
    pub(super) fn first(host: &str, is_of_several: bool, lag: Duration) -> Part {
        Part { present: Rc::new(RefCell::new(host.into())), begins_under: None, is_of_several, lag }
    }

    /// A replica of it.
    pub(super) fn under(&self, master: &'static str) -> Part {
        Part { begins_under: Some(master), ..self.clone() }
    }

    pub(super) fn counts(&self, host: &str) -> bool {
        &**self.present.borrow() == host
    }

    pub(super) fn takes_over(&self, host: &Arc<str>) {
        *self.present.borrow_mut() = host.clone();
    }
}

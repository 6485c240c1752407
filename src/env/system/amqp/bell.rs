//! What lapin's thread wakes up.
//!
//! A delivery and a confirm wake the same task; with many publishes under way, only what has been rung for is looked at.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

pub(super) struct Bell {
    rung: AtomicBool,
    listener: Mutex<Waker>,
}

impl Bell {
    pub(super) fn new() -> Arc<Bell> {
        Arc::new(Bell { rung: AtomicBool::new(false), listener: Mutex::new(Waker::noop().clone()) })
    }

    /// Who is woken from now on.
    pub(super) fn listen(&self, waker: &Waker) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        listener.clone_from(waker);
    }

    pub(super) fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }

    /// Whether it has rung since this was asked last.
    pub(super) fn has_rung(&self) -> bool {
        self.rung.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

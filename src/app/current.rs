//! The task that runs on this thread at this moment: the parent of the calls that it makes.

use crate::message::TaskMessage;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

/// Children that a result names; further ones are called all the same.
const MAX_CHILDREN: usize = 10_000;

thread_local! {
    static CURRENT: RefCell<Option<Parent>> = const { RefCell::new(None) };
}

/// A running task, as the calls that it makes know it.
#[derive(Clone)]
pub(crate) struct Parent {
    pub(crate) id: Arc<str>,
    pub(crate) root_id: Arc<str>,
    pub(crate) priority: u8,
    children: Arc<Mutex<Vec<Arc<str>>>>,
}

impl Parent {
    pub(super) fn of(message: &TaskMessage) -> Self {
        let (id, root_id) = (message.id.clone(), message.root_id.clone());
        Parent { id, root_id, priority: message.priority, children: Arc::default() }
    }

    /// The task that runs on this thread.
    pub(super) fn current() -> Option<Parent> {
        CURRENT.with_borrow(Option::clone)
    }

    /// Runs a part of the task's body.
    pub(crate) fn enter<T>(&self, part: impl FnOnce() -> T) -> T {
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        part()
    }

    pub(super) fn add_child(&self, id: Arc<str>) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        if children.len() < MAX_CHILDREN {
            children.push(id);
        }
    }

    /// The calls that it has made.
    pub(crate) fn take_children(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut *self.children.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Restores what was current before, also when a body panics.
struct Restore(Option<Parent>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

//! States of a worker's tasks: what is written into a result, and sending it to the backend.

use super::Worker;
use super::request::Request;
use crate::app::Failure;
use crate::backend::{Draft, NotStored, Put};
use crate::events::State;
use std::sync::Arc;

/// A state and its meta, ready to be stored.
pub(super) type StateToStore = (State, Arc<[u8]>);

/// What stands beside a state.
pub(super) enum Told<'a> {
    /// JSON text.
    Value(&'a str),
    Exception(&'a Failure),
}

impl Worker {
    pub(super) fn state_of(&self, request: &Request, state: State, told: &Told<'_>) -> StateToStore {
        let draft = Draft::of(&request.task, state).children(&request.children);
        let draft = match told {
            Told::Value(json) => draft.result(*json),
            Told::Exception(failure) => draft.failure(failure),
        };
        let name = self.env.name();
        let draft = if self.settings.result_extended { draft.extended(&name, &request.queue) } else { draft };
        (state, draft.encode(self.env.wall()))
    }

    pub(super) fn failure_of(&self, request: &Request, state: State, failure: &Failure) -> StateToStore {
        self.state_of(request, state, &Told::Exception(failure))
    }

    /// Whether nothing is to be stored of a request in this state.
    pub(super) fn ignores(&self, request: &Request, state: Option<State>) -> bool {
        let options = &request.definition.options;
        let ignores = request.task.ignore_result.unwrap_or_else(|| options.ignores_result(&self.settings));
        ignores && !(state == Some(State::Failure) && options.stores_errors_even_if_ignored(&self.settings))
    }

    pub(super) fn put(
        &self,
        id: &Arc<str>,
        reply_to: Option<&Arc<str>>,
        (state, meta): StateToStore,
        reply: Box<dyn FnOnce(Result<(), NotStored>) + Send>,
    ) {
        self.with.backend.do_send(Put { id: id.clone(), state, meta, reply_to: reply_to.cloned(), reply });
    }
}

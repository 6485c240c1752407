//! The result of a call, from the caller's side.

use super::{Error, Failure};
use crate::backend::{Backend, Meta, Wait};
use crate::events::State;
use actix::Addr;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A handle to the result of one call.
pub struct AsyncResult<R> {
    id: Arc<str>,
    backend: Addr<Backend>,
    types: PhantomData<fn() -> R>,
}

impl<R> std::fmt::Debug for AsyncResult<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncResult").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<R: DeserializeOwned> AsyncResult<R> {
    pub(super) fn new(id: Arc<str>, backend: Addr<Backend>) -> Self {
        AsyncResult { id, backend, types: PhantomData }
    }

    /// The task id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Waits for the task to be done and returns what it returned.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], [`Error::Failed`], [`Error::Revoked`], or [`Error::Result`] when the value has another type.
    pub async fn get(&self, timeout: Duration) -> Result<R, Error> {
        let meta = self.wait(timeout).await?.ok_or(Error::Timeout(timeout))?;
        match meta.state {
            State::Success => {
                let value = meta.result().map_err(Error::Result)?;
                serde_json::from_str(value.get()).map_err(|error| Error::Result(error.to_string()))
            }
            State::Revoked => Err(Error::Revoked(meta.failure().message_text())),
            _ => Err(Error::Failed(meta.failure())),
        }
    }

    /// The state now.
    ///
    /// # Errors
    ///
    /// When the queue does not run, or the backend does not answer within 10 s.
    pub async fn state(&self) -> Result<State, Error> {
        Ok(self.wait(Duration::ZERO).await?.map_or(State::Pending, |meta| meta.state))
    }

    async fn wait(&self, timeout: Duration) -> Result<Option<Meta>, Error> {
        let (told, reply) = oneshot::channel();
        let reply_to = Box::new(move |meta| {
            let _ = told.send(meta);
        });
        self.backend.do_send(Wait { id: self.id.clone(), timeout, reply: reply_to });
        reply.await.map_err(|_| Error::NotRunning("the backend has stopped".to_owned()))
    }
}

impl Failure {
    fn message_text(&self) -> String {
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.message.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

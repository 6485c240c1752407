//! The result of a call, from the caller's side.

use super::{App, Client, Error};
use crate::backend::{Follow, Forget, Meta, Wait};
use crate::events::State;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// States that wait for a slow reader of [`StateChanges`].
const UNREAD_STATES: usize = 1024;

/// A handle to the result of one call.
pub struct AsyncResult<R> {
    id: Arc<str>,
    client: Arc<Client>,
    types: PhantomData<fn() -> R>,
}

impl<R> Clone for AsyncResult<R> {
    fn clone(&self) -> Self {
        AsyncResult { id: self.id.clone(), client: self.client.clone(), types: PhantomData }
    }
}

impl<R> std::fmt::Debug for AsyncResult<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncResult").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<R: DeserializeOwned> AsyncResult<R> {
    pub(super) fn new(id: Arc<str>, client: Arc<Client>) -> Self {
        AsyncResult { id, client, types: PhantomData }
    }

    /// The task id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Waits for the task to be done and returns what it returned.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], [`Error::Failed`], [`Error::Revoked`], [`Error::NoResult`], or [`Error::Result`] when the value
    /// has another type.
    pub async fn get(&self, timeout: Duration) -> Result<R, Error> {
        let meta = self.wait(timeout).await?.ok_or(Error::Timeout(timeout))?;
        match meta.state {
            State::Success => {
                let value = meta.result().map_err(Error::Result)?;
                serde_json::from_str(value.get()).map_err(|error| Error::Result(error.to_string()))
            }
            State::Revoked => Err(Error::Revoked(meta.failure().message_text())),
            State::Ignored | State::Rejected => Err(Error::NoResult(meta.state)),
            _ => Err(Error::Failed(meta.failure())),
        }
    }

    /// Everything that is stored of it now; `None` when nothing is: it waits, or nobody has heard of it.
    ///
    /// # Errors
    ///
    /// When the queue does not run, or the backend does not answer within 10 s.
    pub async fn meta(&self) -> Result<Option<Meta>, Error> {
        self.wait(Duration::ZERO).await
    }

    /// The state now. [`Meta::status`] names a custom one.
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::meta`].
    pub async fn state(&self) -> Result<State, Error> {
        Ok(self.meta().await?.map_or(State::Pending, |meta| meta.state))
    }

    /// Whether it is done: it has succeeded, failed, or was revoked.
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::meta`].
    pub async fn ready(&self) -> Result<bool, Error> {
        Ok(self.state().await?.is_ready())
    }

    /// Whether it has succeeded.
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::meta`].
    pub async fn successful(&self) -> Result<bool, Error> {
        Ok(self.state().await? == State::Success)
    }

    /// Whether it has failed.
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::meta`].
    pub async fn failed(&self) -> Result<bool, Error> {
        Ok(self.state().await? == State::Failure)
    }

    /// What stands beside the state now: the value, the exception, or the meta of a custom state (progress). Null when
    /// nothing is stored.
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::meta`], and [`Error::Result`] when what is stored is no result.
    pub async fn info(&self) -> Result<Value, Error> {
        let Some(meta) = self.meta().await? else { return Ok(Value::Null) };
        let result = meta.result().map_err(Error::Result)?;
        serde_json::from_str(result.get()).map_err(|error| Error::Result(error.to_string()))
    }

    /// Each state from the present one to the last, as they are stored. A reader who is over a thousand states behind
    /// misses some on the way, never the last.
    pub fn changes(&self) -> StateChanges {
        let (to, states) = mpsc::channel(UNREAD_STATES);
        self.client.backend.do_send(Follow { id: self.id.clone(), to });
        StateChanges(states)
    }

    /// Drops the stored result: from now on it is as if nobody had heard of it.
    ///
    /// # Errors
    ///
    /// When the queue does not run, or the backend is down.
    pub async fn forget(&self) -> Result<(), Error> {
        let (told, reply) = oneshot::channel();
        let reply_to = Box::new(move |done| {
            // Nobody listens any more when the caller has gone.
            let _ = told.send(done);
        });
        self.client.backend.do_send(Forget { id: self.id.clone(), reply: reply_to });
        let done = reply.await.map_err(|_| backend_stopped())?;
        done.map_err(|error| Error::NotRunning(error.to_string()))
    }

    /// Asks all workers not to run it; with `terminate`, to kill it where it runs. Whether they did is to be seen in its state:
    /// a task that has begun, or that nobody has heard of any more, goes on.
    ///
    /// # Errors
    ///
    /// [`Error::Publish`] when the request can't be published.
    pub async fn revoke(&self, terminate: bool) -> Result<(), Error> {
        self.client.revoke(std::slice::from_ref(&self.id), terminate).await
    }

    /// What is stored once the task is done; `None` when `timeout` is over before. Without a timeout what is stored now.
    pub(crate) async fn wait(&self, timeout: Duration) -> Result<Option<Meta>, Error> {
        let (told, reply) = oneshot::channel();
        let reply_to = Box::new(move |meta| {
            let _ = told.send(meta);
        });
        self.client.backend.do_send(Wait { id: self.id.clone(), timeout, reply: reply_to });
        reply.await.map_err(|_| backend_stopped())
    }
}

fn backend_stopped() -> Error {
    Error::NotRunning("the backend has stopped".to_owned())
}

/// The states of one task, in the order in which they are stored. Ends after the last one.
#[derive(Debug)]
pub struct StateChanges(mpsc::Receiver<Meta>);

impl StateChanges {
    /// The next state; `None` after the last one.
    pub async fn next(&mut self) -> Option<Meta> {
        self.0.recv().await
    }
}

impl futures_core::Stream for StateChanges {
    type Item = Meta;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Meta>> {
        self.0.poll_recv(cx)
    }
}

impl App {
    /// A handle to the result of a call, by its id.
    ///
    /// # Errors
    ///
    /// [`Error::NotStarted`].
    pub fn result<R: DeserializeOwned>(&self, id: &str) -> Result<AsyncResult<R>, Error> {
        Ok(AsyncResult::new(id.into(), self.client()?.clone()))
    }

    /// Asks all workers not to run these tasks: [`AsyncResult::revoke`] for many at once.
    ///
    /// # Errors
    ///
    /// [`Error::NotStarted`], or [`Error::Publish`] when the request can't be published.
    pub async fn revoke(&self, ids: &[Arc<str>], terminate: bool) -> Result<(), Error> {
        self.client()?.revoke(ids, terminate).await
    }
}

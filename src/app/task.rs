//! Typed handles of tasks, and what the registry keeps of them.

use super::current::Parent;
use super::{App, AsyncResult, CallOptions, Error, Failure, TaskArgs, TaskContext, TaskError, TaskOptions, TaskResult};
use crate::beat::Entry;
use crate::env::LocalFuture;
use crate::producer::{Call, Send};
use crate::schedule::Schedule;
use crate::settings::Settings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A task's body with its types erased: JSON arguments in, JSON result out.
pub(crate) type Body = Box<dyn Fn(TaskContext) -> LocalFuture<TaskResult<Box<RawValue>>> + std::marker::Send + Sync>;

/// A registered task.
pub(crate) struct Definition {
    pub(crate) name: Arc<str>,
    pub(crate) options: TaskOptions,
    /// `None` for a task that only others run.
    pub(crate) body: Option<Body>,
}

impl Definition {
    pub(super) fn new<A, R, F, Fut>(name: Arc<str>, options: TaskOptions, function: F) -> Self
    where
        A: TaskArgs,
        R: Serialize + 'static,
        F: Fn(TaskContext, A) -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future<Output = TaskResult<R>> + 'static,
    {
        let task = name.clone();
        let parameters = options.parameters.clone();
        let body = move |ctx: TaskContext| -> LocalFuture<TaskResult<Box<RawValue>>> {
            let called = arguments::<A>(&task, &ctx, &parameters).map(|args| function(ctx, args));
            Box::pin(async move {
                let value = called?.await?;
                let unwritable = |error: serde_json::Error| {
                    TaskError::Failure(Failure::new("EncodeError", error.to_string()).in_module("kombu.exceptions"))
                };
                serde_json::value::to_raw_value(&value).map_err(unwritable)
            })
        };
        Definition { name, options, body: Some(Box::new(body)) }
    }

    pub(super) fn remote(name: Arc<str>) -> Self {
        Definition { name, options: TaskOptions::default(), body: None }
    }

    /// The options of a call, with the task's own where it has none. Whether a result is stored is said in the message,
    /// as Celery says it, unless only others know the task.
    pub(crate) fn complete(&self, call: CallOptions, settings: &Settings) -> CallOptions {
        let mut options = self.options.complete(call);
        if self.body.is_some() {
            options.ignore_result.get_or_insert(settings.task_ignore_result);
        }
        options
    }
}

fn arguments<A: TaskArgs>(task: &str, ctx: &TaskContext, parameters: &[String]) -> Result<A, TaskError> {
    let type_error = |why: String| TaskError::Failure(Failure::new("TypeError", format!("{task}() {why}")));
    let message = ctx.message();
    A::from_json(&message.args, &message.kwargs, parameters).map_err(type_error)
}

/// A handle to a task: call it, and get its result with its type.
pub struct Task<A, R> {
    app: App,
    definition: Arc<Definition>,
    types: PhantomData<fn(A) -> R>,
}

impl<A, R> Clone for Task<A, R> {
    fn clone(&self) -> Self {
        Task { app: self.app.clone(), definition: self.definition.clone(), types: PhantomData }
    }
}

impl<A: TaskArgs, R: DeserializeOwned> Task<A, R> {
    pub(super) fn new(app: App, definition: Arc<Definition>) -> Self {
        Task { app, definition, types: PhantomData }
    }

    /// The registered name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Sends a call with default options. Completes when the message is safe at the broker (with confirms).
    ///
    /// # Errors
    ///
    /// [`Error::Publish`] when it can't be published within `task_publish_timeout`.
    pub async fn delay(&self, args: A) -> Result<AsyncResult<R>, Error> {
        self.apply_async(args, CallOptions::default()).await
    }

    /// Sends a call with options.
    ///
    /// # Errors
    ///
    /// As [`Task::delay`], and [`Error::TimeLimits`].
    pub async fn apply_async(&self, args: A, options: CallOptions) -> Result<AsyncResult<R>, Error> {
        let client = self.app.client()?;
        let (args, kwargs) = args.to_json().map_err(Error::Arguments)?;
        let (task, parent) = (self.definition.name.clone(), Parent::current());
        let own = self.definition.options.route();
        let options = self.definition.complete(options, self.app.settings());
        self.definition.options.check_limits(&options, self.app.settings())?;
        let call = Box::new(Call { task, args, kwargs, options, own, parent: parent.clone() });
        let (told, reply) = oneshot::channel();
        client.producer.do_send(Send {
            call,
            reply: Box::new(move |sent| {
                // Nobody listens any more when the caller has gone.
                let _ = told.send(sent);
            }),
        });
        let id = reply.await.map_err(|_| Error::NotRunning("the producer has stopped".to_owned()))??;
        if let Some(parent) = parent {
            parent.add_child(id.clone());
        }
        Ok(AsyncResult::new(id, client.clone()))
    }

    /// An entry of the schedule that calls it, for [`App::schedule`].
    ///
    /// # Errors
    ///
    /// [`Error::Arguments`].
    pub fn entry(&self, name: impl Into<String>, schedule: impl Into<Schedule>, args: A) -> Result<Entry, Error> {
        let (args, kwargs) = args.to_json().map_err(Error::Arguments)?;
        Ok(Entry { args, kwargs, ..Entry::new(name, self.definition.name.clone(), schedule) })
    }
}

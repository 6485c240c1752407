//! What a running task knows of itself.

use super::{App, Error, current};
use crate::backend::{Draft, Put};
use crate::broker::amqp::Name;
use crate::env::{Env, LocalFuture};
use crate::events::State;
use crate::message::{Table, TaskMessage, Timestamp};
use serde::Serialize;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::sync::oneshot;

/// Characters of the longest name of a custom state.
const MAX_STATE_NAME: usize = 64;

/// A running task's view of its call and of its world: Celery's `self.request`.
#[derive(Clone)]
pub struct TaskContext(Rc<Inner>);

struct Inner {
    env: Env,
    app: App,
    message: Arc<TaskMessage>,
    delivery: DeliveryInfo,
    parent: current::Parent,
    soft_limit: SoftLimit,
}

/// How a message came: Celery's `delivery_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryInfo {
    /// The queue that the worker took it from.
    pub queue: Name,
    /// The exchange it was published to; empty for the default exchange.
    pub exchange: Name,
    /// The routing key it was published with.
    pub routing_key: Name,
    /// Whether it was delivered before: the last one who had it may have begun.
    pub redelivered: bool,
}

/// Whether the soft time limit has passed, and who wants to know.
#[derive(Default)]
struct SoftLimit {
    passed: Cell<bool>,
    /// The task has asked for it: it handles the limit itself.
    handled: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl TaskContext {
    pub(crate) fn new(env: Env, app: App, message: Arc<TaskMessage>, delivery: DeliveryInfo) -> Self {
        let parent = current::Parent::of(&message);
        TaskContext(Rc::new(Inner { env, app, message, delivery, parent, soft_limit: SoftLimit::default() }))
    }

    /// The task id.
    pub fn id(&self) -> &str {
        &self.0.message.id
    }

    /// The task's name.
    pub fn name(&self) -> &str {
        &self.0.message.task
    }

    /// How often this task was retried before.
    pub fn retries(&self) -> u32 {
        self.0.message.retries
    }

    /// Whether this message was delivered before: the last one who had it may have begun.
    pub fn redelivered(&self) -> bool {
        self.0.delivery.redelivered
    }

    /// How the message came.
    pub fn delivery_info(&self) -> &DeliveryInfo {
        &self.0.delivery
    }

    /// The message's priority.
    pub fn priority(&self) -> u8 {
        self.0.message.priority
    }

    /// The first call of the work flow; the task's own id if it began it.
    pub fn root_id(&self) -> &str {
        &self.0.message.root_id
    }

    /// The call that made this one.
    pub fn parent_id(&self) -> Option<&str> {
        self.0.message.parent_id.as_deref()
    }

    /// The group it belongs to.
    pub fn group(&self) -> Option<&str> {
        self.0.message.group.as_deref()
    }

    /// When it was to begin at the earliest.
    pub fn eta(&self) -> Option<Timestamp> {
        self.0.message.eta
    }

    /// When it would have been too late to begin.
    pub fn expires(&self) -> Option<Timestamp> {
        self.0.message.expires
    }

    /// The caller's own headers.
    pub fn headers(&self) -> &Table {
        &self.0.message.extra
    }

    /// Who called: `gen@` and a host, in the words of its library.
    pub fn origin(&self) -> Option<&str> {
        self.0.message.origin.as_deref()
    }

    /// Name of the process that runs it: its worker and the number of the pool child.
    pub fn hostname(&self) -> Arc<str> {
        self.0.env.name()
    }

    /// The application, to call other tasks. Calls that the task makes become its children, whichever handle they are made
    /// through, as long as the task itself makes them and no thread or runtime of its own.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Waits, in whichever world the task runs.
    pub fn sleep(&self, duration: Duration) -> LocalFuture<()> {
        self.0.env.sleep(duration)
    }

    pub(crate) fn env(&self) -> &Env {
        &self.0.env
    }

    /// What scenarios tell the time of a run by.
    #[cfg(feature = "sim")]
    pub(crate) fn now(&self) -> crate::env::Instant {
        self.0.env.now()
    }

    /// Stores a state of the task's own, with anything beside it: Celery's `update_state`. Callers read it with
    /// [`AsyncResult::info`](super::AsyncResult::info) and [`AsyncResult::changes`](super::AsyncResult::changes).
    ///
    /// # Errors
    ///
    /// [`Error::Arguments`] for a name that is empty, `PENDING`, or longer than 64 characters, and for a meta that can't be
    /// written; [`Error::NotRunning`] when the backend is down.
    pub async fn update_state(&self, state: &str, meta: impl Serialize) -> Result<(), Error> {
        if state.is_empty() || state == State::Pending.name() || state.chars().count() > MAX_STATE_NAME {
            let why =
                format!("a state has a name of 1 to {MAX_STATE_NAME} characters that is not PENDING, not {state:?}");
            return Err(Error::Arguments(why));
        }
        let meta = serde_json::to_string(&meta).map_err(|error| Error::Arguments(error.to_string()))?;
        let known = State::named(state).unwrap_or(State::Custom);
        let draft = Draft::of(&self.0.message, known).status(state).result(meta);
        let (told, reply) = oneshot::channel();
        self.0.app.client()?.backend.do_send(Put {
            id: self.0.message.id.clone(),
            state: known,
            meta: draft.encode(self.0.env.wall()),
            reply_to: self.0.message.reply_to.clone(),
            reply: Box::new(move |stored| {
                // Nobody listens any more when the task has gone.
                let _ = told.send(stored);
            }),
        });
        let stored = reply.await.map_err(|_| Error::NotRunning("the backend has stopped".to_owned()))?;
        stored.map_err(|error| Error::NotRunning(error.to_string()))
    }

    /// Completes when the soft time limit has passed. A task that waits for it handles the limit itself, as a Python
    /// task does that catches `SoftTimeLimitExceeded`; any other is interrupted.
    pub fn soft_time_limit_exceeded(&self) -> impl Future<Output = ()> + 'static {
        let inner = self.0.clone();
        inner.soft_limit.handled.set(true);
        std::future::poll_fn(move |cx| {
            if inner.soft_limit.passed.get() {
                return Poll::Ready(());
            }
            inner.soft_limit.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        })
    }

    pub(crate) fn message(&self) -> &TaskMessage {
        &self.0.message
    }

    /// What the task's own calls are to know of it.
    pub(crate) fn parent(&self) -> &current::Parent {
        &self.0.parent
    }

    /// Tells the task; false when it does not handle the limit and is to be interrupted.
    pub(crate) fn pass_soft_limit(&self) -> bool {
        let limit = &self.0.soft_limit;
        limit.passed.set(true);
        limit.waker.take().into_iter().for_each(Waker::wake);
        limit.handled.get()
    }
}

//! What a running task knows of itself.

use super::App;
use crate::env::{Env, LocalFuture};
use crate::message::TaskMessage;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// A running task's view of its call and of its world.
#[derive(Clone)]
pub struct TaskContext(Rc<Inner>);

struct Inner {
    env: Env,
    app: App,
    message: Arc<TaskMessage>,
    redelivered: bool,
    soft_limit: SoftLimit,
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
    pub(crate) fn new(env: Env, app: App, message: Arc<TaskMessage>, redelivered: bool) -> Self {
        TaskContext(Rc::new(Inner { env, app, message, redelivered, soft_limit: SoftLimit::default() }))
    }

    /// The task id.
    pub fn id(&self) -> &str {
        &self.0.message.id
    }

    /// How often this task was retried before.
    pub fn retries(&self) -> u32 {
        self.0.message.retries
    }

    /// Whether this message was delivered before: the last one who had it may have begun.
    pub fn redelivered(&self) -> bool {
        self.0.redelivered
    }

    /// The application, to call other tasks.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Waits, in whichever world the task runs.
    pub fn sleep(&self, duration: Duration) -> LocalFuture<()> {
        self.0.env.sleep(duration)
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

    /// Tells the task; false when it does not handle the limit and is to be interrupted.
    pub(crate) fn pass_soft_limit(&self) -> bool {
        let limit = &self.0.soft_limit;
        limit.passed.set(true);
        limit.waker.take().into_iter().for_each(Waker::wake);
        limit.handled.get()
    }
}

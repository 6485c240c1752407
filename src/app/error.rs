//! What can go wrong: for callers, and inside of tasks.

use crate::worker::retry::RetryRequest;
use serde_json::Value;
use std::time::Duration;

/// What a task returns.
pub type TaskResult<R> = Result<R, TaskError>;

/// How a task can end other than by returning: River's and Celery's control flow by values.
///
/// Any error type converts into [`TaskError::Failure`] with `?`. A [`Failure`] stays what it is, and so does that of another
/// task, [`Error::Failed`]: as in Celery, `get()` inside of a task raises what the other one raised.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// It failed: FAILURE, or another try for errors named in `autoretry_for`.
    Failure(Failure),
    /// It wants to run again: Celery's `self.retry()`.
    Retry {
        /// When, and how often at most.
        request: RetryRequest,
        /// What it fails with once its retries are used up.
        cause: Option<Failure>,
    },
    /// It rejects its message: back to the queue, or to the dead letters.
    Reject {
        /// Back to the queue.
        requeue: bool,
        /// Why.
        reason: String,
    },
    /// The message is acked and nothing is stored.
    Ignore,
}

impl TaskError {
    /// A failure with this exception type and message.
    pub fn failure(exc_type: impl Into<String>, message: impl Into<String>) -> Self {
        TaskError::Failure(Failure::new(exc_type, message))
    }

    /// Run again after the task's `default_retry_delay`: Celery's `raise self.retry()`.
    pub fn retry() -> Self {
        TaskError::Retry { request: RetryRequest::default(), cause: None }
    }

    /// Run again after this long, within the task's `max_retries`: `self.retry(countdown=...)`.
    pub fn retry_in(countdown: Duration) -> Self {
        let request = RetryRequest { countdown: Some(countdown), max_retries: None };
        TaskError::Retry { request, cause: None }
    }

    /// Why it wants to run again: `self.retry(exc=...)`. The stored RETRY shows it, and the task fails with it once its
    /// retries are used up. Of any other error it makes nothing.
    #[must_use]
    pub fn because(self, cause: impl Into<TaskError>) -> Self {
        match (self, cause.into()) {
            (TaskError::Retry { request, .. }, TaskError::Failure(cause)) => {
                TaskError::Retry { request, cause: Some(cause) }
            }
            (other, _) => other,
        }
    }

    /// Retries allowed, in place of the task's `max_retries`: `self.retry(max_retries=...)`. Of any other error it makes
    /// nothing.
    #[must_use]
    pub fn at_most(self, max_retries: u32) -> Self {
        match self {
            TaskError::Retry { request, cause } => {
                TaskError::Retry { request: RetryRequest { max_retries: Some(max_retries), ..request }, cause }
            }
            other => other,
        }
    }

    /// Reject the message.
    pub fn reject(reason: impl Into<String>, requeue: bool) -> Self {
        TaskError::Reject { requeue, reason: reason.into() }
    }
}

impl<E: std::error::Error + 'static> From<E> for TaskError {
    fn from(error: E) -> Self {
        let any: &(dyn std::error::Error + 'static) = &error;
        let of_another = any.downcast_ref::<Error>().and_then(|error| match error {
            Error::Failed(failure) => Some(failure),
            _ => None,
        });
        if let Some(failure) = any.downcast_ref::<Failure>().or(of_another) {
            return TaskError::Failure(failure.clone());
        }
        let full = std::any::type_name::<E>();
        let path = full.split('<').next().unwrap_or(full);
        let (module, name) = path.rsplit_once("::").unwrap_or(("builtins", path));
        let failure = Failure { module: module.replace("::", "."), ..Failure::new(name, error.to_string()) };
        TaskError::Failure(failure.caused_by(error.source()))
    }
}

/// Characters of causes that a traceback holds.
const MAX_TRACEBACK: usize = 16 << 10;

/// An exception as it travels in results: Celery's `exc_type`, `exc_message`, `exc_module`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{exc_type}({})", message.iter().map(Value::to_string).collect::<Vec<_>>().join(", "))]
pub struct Failure {
    /// Name of the exception type.
    pub exc_type: String,
    /// The exception's arguments.
    pub message: Vec<Value>,
    /// Where the type lives; `builtins` for Python's own.
    pub module: String,
    /// Text that shows where it came from. A worker writes one if there is none.
    pub traceback: Option<String>,
}

impl Failure {
    /// An exception with one text.
    pub fn new(exc_type: impl Into<String>, message: impl Into<String>) -> Self {
        let message = vec![Value::String(message.into())];
        Failure { exc_type: exc_type.into(), message, module: "builtins".to_owned(), traceback: None }
    }

    /// Keeps the errors behind this one for the traceback.
    fn caused_by(mut self, mut cause: Option<&dyn std::error::Error>) -> Self {
        let mut causes = String::new();
        while let Some(error) = cause.filter(|_| causes.len() < MAX_TRACEBACK) {
            causes.push_str(&format!("caused by: {error}\n"));
            cause = error.source();
        }
        self.traceback = (!causes.is_empty()).then_some(causes);
        self
    }

    /// The traceback that goes into the result: in Python's form, so that Python clients show it.
    pub(crate) fn traced(self, task: &str, process: &str) -> Self {
        let causes = self.traceback.as_deref().unwrap_or_default();
        if causes.starts_with("Traceback") {
            return self;
        }
        let (name, text) = (&self.exc_type, self.message_text());
        let place = format!("  Task \"{task}\", in {process}");
        let traceback = format!("Traceback (most recent call last):\n{place}\n{name}: {text}\n{causes}");
        Failure { traceback: Some(traceback), ..self }
    }

    /// Whether it is of that type, named with or without its module.
    pub fn is_a(&self, exc_type: &str) -> bool {
        exc_type == self.exc_type
            || exc_type.rsplit_once('.').is_some_and(|(module, name)| name == self.exc_type && module == self.module)
    }

    /// Its arguments as text, without quotes.
    pub(crate) fn message_text(&self) -> String {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.message.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn in_module(self, module: &str) -> Self {
        Failure { module: module.to_owned(), ..self }
    }
}

/// What a caller can be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing runs that could carry the call.
    #[error("the application is not started: call App::start first")]
    NotStarted,
    /// [`crate::App::start`] was called twice.
    #[error("the application runs already")]
    AlreadyStarted,
    /// The queue's thread could not be started, or has ended.
    #[error("the queue does not run: {0}")]
    NotRunning(String),
    /// `broker_url` or `result_backend` can't be used.
    #[error("{setting}: {why}")]
    BadAddress {
        /// Which of them.
        setting: &'static str,
        /// What is wrong with it, and what was expected.
        why: String,
    },
    /// The embedded queue's directory can't be used.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
    /// A soft time limit above the hard one: Celery's `ValueError`.
    #[error(
        "soft_time_limit is {soft:?} and time_limit {hard:?}: the task would be killed before it is interrupted; make the \
         soft limit the smaller one"
    )]
    TimeLimits {
        /// The soft time limit.
        soft: Duration,
        /// The hard one.
        hard: Duration,
    },
    /// The schedule can't be used: an entry of `beat_schedule`, or `timezone`.
    #[error("the schedule can't be used: {0}")]
    Schedule(String),
    /// The arguments can't be written as JSON.
    #[error("the arguments can't be serialized: {0}")]
    Arguments(String),
    /// The message was not (known to be) published.
    #[error("the call was not published: {0}")]
    Publish(#[from] crate::broker::PublishError),
    /// The call can't be routed.
    #[error("the call can't be routed: {0}")]
    Routing(#[from] crate::routing::RoutingError),
    /// No result in time.
    #[error("no result within {0:?}")]
    Timeout(Duration),
    /// The task failed.
    #[error("the task failed: {0}")]
    Failed(Failure),
    /// The task was revoked or had expired.
    #[error("the task was revoked: {0}")]
    Revoked(String),
    /// The task asked to be ignored, or rejected its message: there is no result (profile `safe`; in profile `celery` a
    /// caller waits for ever).
    #[error("the task has no result: {0}")]
    NoResult(crate::events::State),
    /// The result is not what the handle says.
    #[error("the result can't be read: {0}")]
    Result(String),
}

impl Error {
    /// Whether the result may still come.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Timeout(_))
    }
}

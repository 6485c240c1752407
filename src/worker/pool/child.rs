//! A pool child's main loop: take a job, run its body, say how it ended.

use super::{FromChild, Job, Outcome, ToChild};
use crate::app::{App, Failure, TaskContext, TaskError, TaskResult};
use crate::env::{Env, Link, LocalFuture};
use crate::events::{Event, What};
use serde_json::value::RawValue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

type Pipe = Link<FromChild, ToChild>;

/// Starts the loop. It ends with the pipe: a child without its worker has nothing to do.
pub(super) fn run(env: &Env, app: App, pipe: Pipe) {
    let inside = env.clone();
    env.spawn(async move {
        while let Some(frame) = pipe.recv().await {
            // A soft limit that comes after its task has ended means nothing.
            let ToChild::Run(job) = frame else { continue };
            let request = job.request;
            pipe.send(FromChild::Accepted { request });
            let (outcome, children) = execute(&inside, &app, &pipe, job).await;
            pipe.send(FromChild::Finished { request, outcome, children });
        }
        inside.exit(0);
    });
}

async fn execute(env: &Env, app: &App, pipe: &Pipe, job: Job) -> (Outcome, Vec<Arc<str>>) {
    let (id, retries) = (job.task.id.clone(), job.task.retries);
    env.emit(&Event { id: &id, what: What::Started { retries, redelivered: job.delivery.redelivered } });
    let ctx = TaskContext::new(env.clone(), app.clone(), job.task, job.delivery);
    let outcome = body(app, pipe, &ctx).await.traced(ctx.name(), &env.name());
    env.emit(&Event { id: &id, what: What::Finished { retries, ended: outcome.ended() } });
    (outcome, ctx.parent().take_children())
}

async fn body(app: &App, pipe: &Pipe, ctx: &TaskContext) -> Outcome {
    let definition = app.definition(ctx.name());
    let Some(body) = definition.as_ref().and_then(|definition| definition.body.as_ref()) else {
        return Outcome::Failed(Failure::new("NotRegistered", ctx.name()));
    };
    let span = tracing::info_span!("task", name = ctx.name(), id = ctx.id(), retries = ctx.retries());
    let mut running = match guarded(|| span.in_scope(|| ctx.parent().enter(|| body(ctx.clone())))) {
        Ok(running) => running,
        Err(panic) => return panic,
    };
    std::future::poll_fn(|cx| {
        match pipe.poll_recv(cx) {
            Poll::Ready(Some(ToChild::SoftLimit)) if !ctx.pass_soft_limit() => {
                let failure = Failure::new("SoftTimeLimitExceeded", "").in_module("billiard.exceptions");
                return Poll::Ready(Outcome::SoftLimit(Failure { message: Vec::new(), ..failure }));
            }
            // Asked again at once, in case there is more.
            Poll::Ready(Some(_)) => cx.waker().wake_by_ref(),
            Poll::Ready(None) | Poll::Pending => {}
        }
        span.in_scope(|| ctx.parent().enter(|| poll_body(&mut running, cx)))
    })
    .await
}

fn poll_body(running: &mut LocalFuture<TaskResult<Box<RawValue>>>, cx: &mut Context<'_>) -> Poll<Outcome> {
    match guarded(|| running.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(result)) => Poll::Ready(outcome(result)),
        Err(panic) => Poll::Ready(panic),
    }
}

fn outcome(result: TaskResult<Box<RawValue>>) -> Outcome {
    match result {
        Ok(value) => Outcome::Returned(value),
        Err(TaskError::Failure(failure)) => Outcome::Failed(failure),
        Err(TaskError::Retry { request, cause }) => Outcome::Retry { request, cause },
        Err(TaskError::Reject { requeue, reason }) => Outcome::Rejected { requeue, reason },
        Err(TaskError::Ignore) => Outcome::Ignored,
    }
}

/// A panic in a task's body is that task's failure, not the child's end.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Outcome> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Outcome::Failed(Failure::new("Panic", text).in_module("rust"))
    })
}

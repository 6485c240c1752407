//! The tasks and clients of a scenario file: bodies that do what the file says.

use super::calls::Calls;
use super::cluster::Client;
use super::format::{Does, Load, Task};
use crate::app::{App, AsyncResult, CallOptions, TaskContext, TaskError, TaskOptions, TaskResult};
use crate::broker::Target;
use crate::collections::Map;
use crate::env::{Env, Instant};
use crate::events::{Event, What};
use crate::message::{Message, Properties};
use crate::producer::Forward;
use crate::settings::{RateLimit, Settings};
use simq_sim::{Exit, Prng, end_here};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the body of each call has begun. It stands outside of the cluster: no kill makes it forget.
pub(super) type Runs = Arc<Mutex<Map<String, usize>>>;

/// The application of a scenario: each task sleeps for the time in its argument and then does what its line says.
pub(super) fn application(settings: Settings, tasks: Vec<(String, Task)>, runs: Runs) -> Rc<dyn Fn() -> App> {
    let app = App::with_settings("scenario", settings);
    for (name, task) in &tasks {
        let does: Arc<[Does]> = task.does.as_deref().unwrap_or(&[Does::Return]).into();
        let (runs, until) = (runs.clone(), task.does_until.map(|until| Instant::default() + until.0));
        app.task_with(name, options(task), move |ctx, (nanos,): (u64,)| {
            body(ctx, nanos, does.clone(), until, runs.clone())
        });
    }
    Rc::new(move || app.in_another_process())
}

async fn body(ctx: TaskContext, nanos: u64, does: Arc<[Does]>, until: Option<Instant>, runs: Runs) -> TaskResult<()> {
    // What does the same each time needs no count.
    let run = if does.len() <= 1 {
        1
    } else {
        let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.entry(ctx.id().to_owned()).or_default();
        *run += 1;
        *run
    };
    if nanos > 0 {
        ctx.sleep(Duration::from_nanos(nanos)).await;
    }
    let does = does.get(run - 1).or(does.last()).copied().unwrap_or(Does::Return);
    if until.is_some_and(|until| ctx.now() >= until) {
        return Ok(());
    }
    match does {
        Does::Return => Ok(()),
        Does::Raise => Err(TaskError::failure("ValueError", "boom")),
        Does::Retry => Err(TaskError::Retry { request: Default::default(), cause: None }),
        Does::Reject => Err(TaskError::reject("rejected by the scenario", false)),
        Does::Requeue => Err(TaskError::reject("requeued by the scenario", true)),
        Does::Ignore => Err(TaskError::Ignore),
        #[allow(clippy::panic, reason = "a task that panics is what the scenario asks for")]
        Does::Panic => panic!("panic asked for by the scenario"),
        Does::Hang => std::future::pending().await,
        Does::KillChild => die(Exit::Killed).await,
        Does::OutOfMemory => die(Exit::OutOfMemory).await,
        Does::Exit => die(Exit::Status(1)).await,
    }
}

async fn die(exit: Exit) -> TaskResult<()> {
    end_here(exit);
    std::future::pending().await
}

fn options(task: &Task) -> TaskOptions {
    TaskOptions {
        acks_late: task.acks_late,
        reject_on_worker_lost: task.reject_on_worker_lost,
        retry_on_worker_lost: task.retry_on_worker_lost,
        acks_on_failure: task.acks_on_failure,
        acks_on_timeout: task.acks_on_timeout,
        time_limit: task.time_limit.map(|limit| limit.0),
        soft_time_limit: task.soft_time_limit.map(|limit| limit.0),
        max_retries: task.max_retries.map(Some),
        default_retry_delay: task.default_retry_delay.map(|delay| delay.0),
        autoretry_for: retries_by_itself(task).then(|| "Exception".to_owned()).into_iter().collect(),
        retry_backoff: task.retry_backoff.unwrap_or_default(),
        retry_backoff_max: task.retry_backoff_max.map(|max| max.0),
        retry_jitter: task.retry_jitter,
        ignore_result: task.ignore_result,
        queue: task.queue.clone(),
        priority: task.priority,
        // Checked when the file was read.
        rate_limit: task.rate_limit.as_deref().and_then(|limit| RateLimit::parse(limit).ok()),
        ..TaskOptions::default()
    }
}

fn retries_by_itself(task: &Task) -> bool {
    task.autoretry.unwrap_or(task.retry_backoff.is_some_and(|factor| factor > 0.0))
}

/// One load with what its calls take.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) load: Load,
    pub(super) task: Task,
    /// Salt of its random numbers: its place in the file.
    pub(super) number: usize,
}

/// A host that makes calls.
pub(super) fn client(seed: u64, jobs: Vec<Job>) -> Client {
    Rc::new(move |env, app, calls| {
        for job in &jobs {
            calls.begin();
            env.spawn(make_calls(env.clone(), app.clone(), calls.clone(), seed, job.clone()));
        }
    })
}

async fn make_calls(env: Env, app: App, calls: Calls, seed: u64, job: Job) {
    let mut random = Prng::new(seed, &format!("workload {}", job.number));
    let mut draw = |low: Duration, high: Duration| {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        random.between(nanos(low), nanos(high))
    };
    let count = job.load.count.as_ref().map_or(1, |count| *count.get_ref());
    let task = app.remote::<(u64,), ()>(job.load.task.get_ref());
    let mut at = Instant::default() + job.load.at.0;
    for number in 1..=count {
        if at > env.now() {
            env.sleep_until(at).await;
        }
        let takes = job.task.takes.unwrap_or_default();
        let countdown = job.load.countdown.map(|range| Duration::from_nanos(draw(range.low, range.high)));
        let options = CallOptions {
            countdown,
            expires: job.load.expires.map(|expires| expires.0),
            queue: job.load.queue.clone().or_else(|| job.task.queue.clone()),
            priority: job.load.priority.or(job.task.priority),
            task_id: job
                .load
                .id
                .as_ref()
                .map(|id| if count == 1 { id.clone() } else { format!("{id}-{number}") }.into()),
            ignore_result: job.task.ignore_result,
            ..CallOptions::default()
        };
        let args = (draw(takes.low, takes.high),);
        let (task, client, wait, revoke) =
            (task.clone(), (env.clone(), calls.clone()), job.load.wait, job.load.revoke_after);
        calls.begin();
        env.spawn(async move {
            let ((env, calls), called) = (client, task.apply_async(args, options).await);
            if let (Ok(result), Some(after)) = (&called, revoke) {
                calls.begin();
                env.spawn(revoke_after(env.clone(), calls.clone(), result.clone(), after.0));
            }
            if let (Ok(result), Some(wait)) = (called, wait) {
                // What became of it stands in the ledger.
                let _ = result.get(wait.0).await;
            }
            calls.end();
        });
        at = at + Duration::from_nanos(draw(job.load.every.low, job.load.every.high));
    }
    calls.end();
}

async fn revoke_after(env: Env, calls: Calls, call: AsyncResult<()>, after: Duration) {
    env.sleep(after).await;
    if call.revoke(false).await.is_ok() {
        env.emit(&Event { id: call.id(), what: What::Revoked });
    }
    calls.end();
}

/// What a `poison` message consists of.
#[derive(Clone)]
pub(crate) struct Poison {
    pub(crate) at: Duration,
    /// Default: the default queue.
    pub(crate) queue: Option<String>,
    pub(crate) content_type: String,
    pub(crate) compression: Option<&'static str>,
    pub(crate) body: Arc<[u8]>,
}

/// A host that puts one unreadable message into a queue. It has no id: nobody called for it.
pub(super) fn saboteur(poison: Poison) -> Client {
    Rc::new(move |env, app, calls| {
        calls.begin();
        let at = poison.at;
        let queue = poison.queue.clone().unwrap_or_else(|| app.settings().task_default_queue.clone());
        let properties = Properties {
            content_type: Some(poison.content_type.as_str().into()),
            content_encoding: Some("utf-8".into()),
            correlation_id: Some(POISON.into()),
            ..Properties::default()
        };
        let mut message = Message { properties, body: poison.body.clone(), ..Message::default() };
        message.headers.set("task", "poison");
        message.headers.set("id", POISON);
        if let Some(compression) = poison.compression {
            message.headers.set("compression", compression);
        }
        let (env, app, calls) = (env.clone(), app.clone(), calls.clone());
        env.clone().spawn(async move {
            env.sleep_until(Instant::default() + at).await;
            if let Ok(client) = app.client() {
                let forward = Forward {
                    message: Arc::new(message),
                    to: Target::queue(queue.as_str().into()),
                    reply: Box::new(drop),
                };
                client.producer.do_send(forward);
            }
            calls.end();
        });
    })
}

/// Correlation id of a poisoned message.
pub(super) const POISON: &str = "(poison)";

//! A process that is nothing but a worker, a scheduler, or both: `simq worker`, `simq beat`.

use super::servers::Servers;
use super::{App, Endpoints, Error, Node};
use crate::beat::Entry;
use crate::env::system::System;
use crate::env::{Env, LocalFuture, Signal};
use crate::worker::WorkerOptions;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// Interrupts and quits after which nothing is waited for any more.
const IMPATIENCE: usize = 3;
/// Exit status then: that of a program which SIGINT ended.
const INTERRUPTED: i32 = 130;

/// What the process does.
pub(crate) struct Roles {
    /// Its node name: `simq@host`.
    pub(crate) name: String,
    pub(crate) worker: Option<WorkerOptions>,
    pub(crate) beat: bool,
    /// Starts what kills the programs of command tasks when this process is gone.
    pub(crate) leash: Option<std::path::PathBuf>,
}

/// Runs on this thread until signals end it, or the broker is given up; returns its exit status.
///
/// # Errors
///
/// What keeps it from starting.
pub(crate) fn stand_alone(app: &App, roles: Roles) -> Result<i32, Error> {
    let entries = if roles.beat { app.schedule_entries()? } else { Vec::new() };
    let endpoints = Endpoints::of(app.settings())?;
    actix::System::new().block_on(live(app, roles, entries, &endpoints))
}

async fn live(app: &App, roles: Roles, entries: Vec<Entry>, endpoints: &Endpoints) -> Result<i32, Error> {
    let process = System::alone(&roles.name, roles.leash);
    let serving = Env::new(process.beside("servers"));
    let servers = Servers::start(&serving, app, endpoints).await?;
    let mut ends: Vec<LocalFuture<i32>> = Vec::new();
    if let Some(options) = roles.worker {
        let worker = process.beside(&roles.name);
        ends.push(Box::pin(worker.exited()));
        let children = app.clone();
        Node::start(&Env::new(worker), app.clone(), endpoints).worker(Rc::new(move |_| children.clone()), options);
    }
    if roles.beat {
        // A process beside the worker: a beat that ends takes no running task with it.
        let beat = process.beside(&roles.name);
        ends.push(Box::pin(beat.exited()));
        Node::start(&Env::new(beat), app.clone(), endpoints).beat(entries);
    }
    let impatient = impatience(Env::new(process.beside("signals")));
    let Some(status) = first(all(ends, &process), impatient).await else {
        tracing::warn!("ended at once; what was under way is delivered again");
        return Ok(INTERRUPTED);
    };
    servers.close(&serving).await;
    Ok(status)
}

/// Waits for the end of each part, and has the others end with the first.
async fn all(ends: Vec<LocalFuture<i32>>, process: &System) -> i32 {
    let mut status = 0;
    for end in ends {
        let ended = end.await;
        status = if status == 0 { ended } else { status };
        process.raise(Signal::Terminate);
    }
    status
}

async fn impatience(env: Env) {
    let mut left = IMPATIENCE;
    while left > 0 {
        left -= usize::from(env.next_signal().await != Signal::Terminate);
    }
}

/// The first future's value, unless the second one is done before.
async fn first<T>(work: impl Future<Output = T>, stop: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut stop) = (Box::pin(work), Box::pin(stop));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
    })
    .await
}

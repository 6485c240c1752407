//! What a test runs beside its servers: futures, and an application with one task.
#![allow(dead_code, reason = "each test uses some of it")]

use simq::{App, Running, Settings, Task, TaskContext};

/// Runs a future on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tokio::task::LocalSet::new().run_until(work))
}

/// An application that adds, with a worker.
pub(crate) fn start(settings: Settings) -> (App, Running, Task<(i64, i64), i64>) {
    let app = App::with_settings("demo", settings);
    let add = app.task("tasks.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().expect("it starts");
    (app, running, add)
}

//! What happens to a task, fact by fact: the log target `simq::events`.
//!
//! ```text
//! task.calling order-1 shop.flaky -> celery, retries 0 process=embedded
//! queue.in order-1 celery process=servers
//! queue.delivered order-1 celery process=servers
//! task.received order-1 process=embedded
//! task.called order-1 process=embedded
//! task.started order-1, retries 0, redelivered false process=embedded/1
//! task.finished order-1: AskedRetry process=embedded/1
//! task.calling order-1 shop.flaky -> celery, retries 1 process=embedded
//! queue.in order-1 celery process=servers
//! queue.delivered order-1 celery process=servers
//! task.received order-1 process=embedded
//! task.called order-1 process=embedded
//! result.stored order-1 RETRY process=servers
//! task.started order-1, retries 1, redelivered false process=embedded/1
//! task.finished order-1: Returned process=embedded/1
//! queue.acked order-1 celery process=servers
//! result.stored order-1 SUCCESS process=servers
//! queue.acked order-1 celery process=servers
//! ```

use simq::{App, CallOptions, TaskContext, TaskError};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// Keeps the lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_env_filter("simq::events=debug")
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .with_level(false)
        .with_target(false)
        .without_time()
        .init();
    tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
        let app = App::new("shop");
        let flaky = app.task("shop.flaky", |ctx: TaskContext, (): ()| async move {
            if ctx.retries() == 0 { Err(TaskError::retry_in(Duration::ZERO)) } else { Ok(()) }
        });
        let running = app.start()?;
        let options = CallOptions { task_id: Some("order-1".into()), ..CallOptions::default() };
        flaky.apply_async((), options).await?.get(SOON).await?;
        running.shutdown().await;
        Ok::<(), simq::Error>(())
    })?;
    let text = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
    for line in String::from_utf8_lossy(&text).lines() {
        // When the caller comes to wait for the result is the caller's affair.
        if line.contains("order-1") && !line.contains("result.wait") {
            println!("{line}");
        }
    }
    Ok(())
}

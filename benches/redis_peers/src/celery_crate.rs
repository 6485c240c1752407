//! The crate `celery`: Celery's wire, without a result store, so nothing can come back.

use super::{Job, Outcome};
use celery::prelude::*;

/// Messages in its hands. Each is popped, recorded and removed by a command of its own.
const PREFETCH: u16 = 500;

#[celery::task]
fn add(x: i64, y: i64) -> TaskResult<i64> {
    Ok(x + y)
}

pub(super) async fn publish(job: &Job) -> Outcome {
    let url = job.url.clone();
    let app = celery::app!(
        broker = RedisBroker { url },
        tasks = [add],
        task_routes = ["*" => "celery"],
    )
    .await?;
    for number in 0..job.tasks {
        app.send_task(add::new(number as i64, 1)).await?;
    }
    Ok(())
}

pub(super) async fn work(job: &Job) -> Outcome {
    let url = job.url.clone();
    let app = celery::app!(
        broker = RedisBroker { url },
        tasks = [add],
        task_routes = ["*" => "celery"],
        prefetch_count = PREFETCH,
    )
    .await?;
    app.consume_from(&["celery"]).await?;
    Ok(())
}

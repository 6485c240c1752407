//! The crate `celery`: Celery's wire, without a result store, so nothing can come back.

use super::{Job, Outcome};
use celery::Celery;
use celery::prelude::*;
use std::sync::Arc;

/// Messages in its hands. On Redis each is popped, recorded and removed by a command of its own.
const PREFETCH: u16 = 500;

#[celery::task]
fn add(x: i64, y: i64) -> TaskResult<i64> {
    Ok(x + y)
}

macro_rules! app {
    ($broker:ident, $url:expr) => {
        celery::app!(
            broker = $broker { $url },
            tasks = [add],
            task_routes = ["*" => "celery"],
            prefetch_count = PREFETCH,
        )
        .await?
    };
}

async fn app(job: &Job) -> Result<Arc<Celery>, Box<dyn std::error::Error + Send + Sync>> {
    let url = job.url.clone();
    Ok(if url.starts_with("amqp") { app!(AMQPBroker, url) } else { app!(RedisBroker, url) })
}

pub(super) async fn publish(job: &Job) -> Outcome {
    let app = app(job).await?;
    for number in 0..job.tasks {
        app.send_task(add::new(number as i64, 1)).await?;
    }
    Ok(())
}

pub(super) async fn work(job: &Job) -> Outcome {
    app(job).await?.consume_from(&["celery"]).await?;
    Ok(())
}

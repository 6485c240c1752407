//! The crate `apalis-redis`: a wire of its own, results stored.

use super::{Job, Outcome};
use apalis::prelude::*;
use apalis_redis::{Config, ConnectionManager, RedisStorage};

/// Tasks of one fetch, and results of one write. Default: 10.
const BATCH: usize = 100;

type Storage = RedisStorage<(i64, i64), ConnectionManager>;

async fn storage(job: &Job) -> Result<Storage, Box<dyn std::error::Error + Send + Sync>> {
    let connection = apalis_redis::connect(job.url.as_str()).await?;
    Ok(RedisStorage::new(connection).with_config(Config::default().queue("bench").batch_size(BATCH)))
}

async fn add((x, y): (i64, i64)) -> i64 {
    x + y
}

pub(super) async fn publish(job: &Job) -> Outcome {
    let mut storage = storage(job).await?;
    for number in 0..job.tasks {
        storage.push((number as i64, 1)).await?;
    }
    Ok(())
}

pub(super) async fn work(job: &Job) -> Outcome {
    let worker = WorkerBuilder::new("bench").backend(storage(job).await?).build(add);
    worker.run().await?;
    Ok(())
}

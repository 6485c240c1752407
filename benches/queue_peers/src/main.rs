//! Other crates' task queues, each as its documentation shows it, for the benches `redis` and `rabbit`.
//!
//! ```text
//! queue-peers celery|apalis publish|work URL TASKS
//! ```
//!
//! `publish` puts tasks into the queue one by one, and prints the seconds that it took; `work` runs a worker until it is
//! killed.

mod apalis_storage;
#[allow(non_local_definitions, reason = "its macro makes them")]
mod celery_crate;

use std::time::Instant;

/// What can be asked of a peer.
struct Job {
    url: String,
    tasks: usize,
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [peer, what, url, tasks] = arguments.as_slice() else {
        return Err("queue-peers celery|apalis publish|work URL TASKS".into());
    };
    let job = Job { url: url.clone(), tasks: tasks.parse()? };
    let started = Instant::now();
    match (peer.as_str(), what.as_str()) {
        ("celery", "publish") => celery_crate::publish(&job).await,
        ("celery", "work") => celery_crate::work(&job).await,
        ("apalis", "publish") => apalis_storage::publish(&job).await,
        ("apalis", "work") => apalis_storage::work(&job).await,
        _ => Err(format!("{peer} can't {what}").into()),
    }?;
    println!("{}", started.elapsed().as_secs_f64());
    Ok(())
}

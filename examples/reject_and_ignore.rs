//! A task that rejects its message, sends it back to the queue, or asks to be ignored.
//!
//! ```text
//! plain: plain was read
//! early: early was read
//! copy: the task has no result: IGNORED
//! torn: the task failed: Reject("it can't be read", false)
//! dead letter: "shop.read" [["torn"], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]
//! executions: 5
//! ```

use simq::testkit::Cluster;
use simq::{App, TaskContext, TaskError};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app() -> App {
    let app = App::new("shop");
    app.task("shop.read", |ctx: TaskContext, (order,): (String,)| async move {
        match order.as_str() {
            // To the dead-letter queue.
            "torn" => Err(TaskError::reject("it can't be read", false)),
            // Back to the queue, for another worker perhaps.
            "early" if !ctx.redelivered() => Err(TaskError::reject("not yet", true)),
            // Acked, and nothing is stored.
            "copy" => Err(TaskError::Ignore),
            order => Ok(format!("{order} was read")),
        }
    });
    app
}

fn main() {
    let summary = Cluster::new(app).run(|client| async move {
        let read = client.app.remote::<(String,), String>("shop.read");
        for order in ["plain", "early", "copy", "torn"] {
            match read.delay((order.into(),)).await?.get(HOUR).await {
                Ok(result) => println!("{order}: {result}"),
                Err(error) => println!("{order}: {error}"),
            }
        }
        for dead in client.take("celery.dead").await? {
            println!(
                "dead letter: {} {}",
                dead.headers.get("task").unwrap_or_default(),
                String::from_utf8_lossy(&dead.body)
            );
        }
        Ok::<(), simq::Error>(())
    });
    println!("executions: {}", summary.executions);
}

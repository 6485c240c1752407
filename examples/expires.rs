//! Expiry: a call that comes too late is not run.
//!
//! ```text
//! winter: the task was revoked: expired
//! autumn: autumn sent
//! spring: no result within 600s
//! dead letter: "('spring',)"
//! executions: 2
//! ```

use simq::testkit::Cluster;
use simq::{App, CallOptions, TaskContext, TaskOptions};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn app() -> App {
    let app = App::new("shop");
    app.task("shop.slow", |ctx: TaskContext, (): ()| async move {
        ctx.sleep(5 * MINUTE).await;
        Ok(())
    });
    // For all of its calls, unless a call says otherwise.
    let options = TaskOptions { expires: Some(MINUTE), ..TaskOptions::default() };
    app.task_with(
        "shop.offer",
        options,
        |_: TaskContext, (name,): (String,)| async move { Ok(format!("{name} sent")) },
    );
    app
}

fn main() {
    let summary = Cluster::new(app).limit(4 * HOUR).run(|client| async move {
        let offer = client.app.remote::<(String,), String>("shop.offer");
        // A worker that has it says so: this one holds it for two minutes.
        let later = CallOptions { countdown: Some(2 * MINUTE), ..CallOptions::default() };
        println!(
            "winter: {}",
            offer.apply_async(("winter".into(),), later).await?.get(HOUR).await.expect_err("it fails")
        );

        // The only child is busy for five minutes. What waits in the queue meanwhile is dropped by the broker, as by
        // RabbitMQ, and nobody says so: only the dead letter shows it.
        client.app.remote::<(), ()>("shop.slow").delay(()).await?;
        let short = offer.delay(("spring".into(),)).await?;
        let patient = CallOptions { expires: Some(HOUR), ..CallOptions::default() };
        let long = offer.apply_async(("autumn".into(),), patient).await?;
        println!("autumn: {}", long.get(HOUR).await?);
        println!("spring: {}", short.get(10 * MINUTE).await.expect_err("it fails"));
        for dead in client.take("celery.dead").await? {
            println!("dead letter: {}", dead.headers.get("argsrepr").unwrap_or_default());
        }
        Ok::<(), simq::Error>(())
    });
    println!("executions: {}", summary.executions);
}

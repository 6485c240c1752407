//! Revoking: a call that waits is never run; one that runs is killed if `terminate` says so.
//!
//! ```text
//! 1: the task was revoked: revoked
//! shipping 2
//! 2: the task was revoked: revoked
//! shipping 3
//! 3: shipped 3
//! executions: 2
//! ```

use simq::testkit::Cluster;
use simq::{App, CallOptions, TaskContext};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app() -> App {
    let app = App::new("shop");
    app.task("shop.ship", |ctx: TaskContext, (order,): (u32,)| async move {
        println!("shipping {order}");
        ctx.sleep(Duration::from_secs(600)).await;
        Ok(format!("shipped {order}"))
    });
    app
}

fn main() {
    let summary = Cluster::new(app).workers(2, 1).run(|client| async move {
        let ship = client.app.remote::<(u32,), String>("shop.ship");
        let later = CallOptions { countdown: Some(Duration::from_secs(60)), ..CallOptions::default() };
        let waiting = ship.apply_async((1,), later).await?;
        waiting.revoke(false).await?;
        println!("1: {}", waiting.get(HOUR).await.expect_err("it fails"));

        let running = ship.delay((2,)).await?;
        client.sleep(Duration::from_secs(5)).await;
        running.revoke(true).await?;
        println!("2: {}", running.get(HOUR).await.expect_err("it fails"));

        // Without `terminate` what has begun goes on, and its success replaces REVOKED.
        let goes_on = ship.delay((3,)).await?;
        client.sleep(Duration::from_secs(5)).await;
        client.app.revoke(&[goes_on.id().clone()], false).await?;
        client.sleep(Duration::from_secs(600)).await;
        println!("3: {}", goes_on.get(HOUR).await?);
        Ok::<(), simq::Error>(())
    });
    println!("executions: {}", summary.executions);
}

//! Time limits: a soft one that the task handles, one that it does not handle, and a hard one.
//!
//! ```text
//! all 5 rows
//! stopped after 10 of 60 rows
//! the task failed: SoftTimeLimitExceeded()
//! the task failed: TimeLimitExceeded(2)
//! ```

use simq::testkit::Cluster;
use simq::{App, CallOptions, Profile, Settings, TaskContext, TaskOptions};
use std::pin::pin;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app() -> App {
    // With late acks a task that ran into its hard limit is run again, unless this says otherwise.
    let settings = Settings { task_acks_on_timeout: Some(true), ..Settings::new(Profile::Safe) };
    let app = App::with_settings("shop", settings);
    let options = TaskOptions {
        soft_time_limit: Some(Duration::from_secs(10)),
        time_limit: Some(Duration::from_secs(20)),
        ..TaskOptions::default()
    };
    app.task_with("shop.export", options.clone(), |ctx: TaskContext, (rows,): (u32,)| async move {
        let mut over = pin!(ctx.soft_time_limit_exceeded());
        for row in 0..rows {
            let mut work = ctx.sleep(Duration::from_secs(1));
            // Whichever comes first.
            let stop = std::future::poll_fn(|cx| match over.as_mut().poll(cx) {
                std::task::Poll::Ready(()) => std::task::Poll::Ready(true),
                std::task::Poll::Pending => work.as_mut().poll(cx).map(|()| false),
            });
            if stop.await {
                return Ok(format!("stopped after {row} of {rows} rows"));
            }
        }
        Ok(format!("all {rows} rows"))
    });
    app.task_with("shop.careless", options, |ctx: TaskContext, (seconds,): (u64,)| async move {
        ctx.sleep(Duration::from_secs(seconds)).await;
        Ok(())
    });
    app
}

fn main() {
    Cluster::new(app).run(|client| async move {
        let export = client.app.remote::<(u32,), String>("shop.export");
        println!("{}", export.delay((5,)).await?.get(HOUR).await?);
        println!("{}", export.delay((60,)).await?.get(HOUR).await?);

        let careless = client.app.remote::<(u64,), ()>("shop.careless");
        println!("{}", careless.delay((60,)).await?.get(HOUR).await.expect_err("it fails"));
        let hard = CallOptions {
            soft_time_limit: Some(Duration::from_secs(2)),
            time_limit: Some(Duration::from_secs(2)),
            ..CallOptions::default()
        };
        println!("{}", careless.apply_async((60,), hard).await?.get(HOUR).await.expect_err("it fails"));
        Ok::<(), simq::Error>(())
    });
}

//! Expiry: a call that comes too late is not run, and says so.

use simq::testkit::Cluster;
use simq::{App, CallOptions, TaskContext, TaskOptions};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app() -> App {
    let app = App::new("shop");
    app.task("shop.slow", |ctx: TaskContext, (): ()| async move {
        ctx.sleep(Duration::from_secs(300)).await;
        Ok(())
    });
    // For all of its calls, unless a call says otherwise.
    let options = TaskOptions { expires: Some(Duration::from_secs(60)), ..TaskOptions::default() };
    app.task_with(
        "shop.offer",
        options,
        |_: TaskContext, (name,): (String,)| async move { Ok(format!("{name} sent")) },
    );
    app
}

fn main() {
    let summary = Cluster::new(app).limit(HOUR * 9).run(|client| async move {
        client.app.remote::<(), ()>("shop.slow").delay(()).await?;
        // The only child is busy for five minutes.
        let offer = client.app.remote::<(String,), String>("shop.offer");
        let short = offer.delay(("spring".into(),)).await?;
        let patient = CallOptions { expires: Some(HOUR), ..CallOptions::default() };
        let long = offer.apply_async(("autumn".into(),), patient).await?;
        println!("{}", short.get(HOUR).await.unwrap_err());
        println!("{}", long.get(HOUR).await?);
        Ok::<(), simq::Error>(())
    });
    println!("executions: {}", summary.executions);
}

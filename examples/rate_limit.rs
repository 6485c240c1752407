//! A rate limit: how often each worker begins a task, as Celery writes it. Other tasks don't wait for it.
//!
//! ```text
//! another task after 0 s
//! sms 0 after 0 s
//! sms 1 after 10 s
//! sms 2 after 20 s
//! sms 3 after 30 s
//! ```

use simq::testkit::Cluster;
use simq::{App, RateLimit, TaskContext, TaskOptions};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app(limit: RateLimit) -> App {
    let app = App::new("shop");
    let options = TaskOptions { rate_limit: Some(limit), ..TaskOptions::default() };
    app.task_with("sms.send", options, |_: TaskContext, (number,): (u32,)| async move { Ok(number) });
    app.task("sms.count", |_: TaskContext, (): ()| async move { Ok(()) });
    app
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One every ten seconds.
    let limit = RateLimit::parse("6/m")?;
    Cluster::new(move || app(limit)).workers(1, 4).run(|client| async move {
        let send = client.app.remote::<(u32,), u32>("sms.send");
        let mut sent = Vec::new();
        for number in 0..4 {
            sent.push(send.delay((number,)).await?);
        }
        client.app.remote::<(), ()>("sms.count").delay(()).await?.get(HOUR).await?;
        println!("another task after {} s", client.now().as_secs());
        let began = client.now();
        for sms in sent {
            let number = sms.get(HOUR).await?;
            println!("sms {number} after {} s", (client.now() - began).as_secs_f64().round());
        }
        Ok::<(), simq::Error>(())
    });
    Ok(())
}

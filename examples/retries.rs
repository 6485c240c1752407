//! Retries: those that a task asks for, and automatic ones for some kinds of errors, with growing waits.
//!
//! ```text
//! charged after 2 retries
//! RETRY: {"exc_type":"CardDeclined","exc_message":["try 0"],"exc_module":"builtins"}
//! the task failed: CardDeclined("try 2")
//! fetched 42 after 17 s
//! the task failed: ParseIntError("invalid digit found in string")
//! executions: 18
//! ```

use simq::testkit::Cluster;
use simq::{App, TaskContext, TaskError, TaskOptions};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, thiserror::Error)]
enum Upstream {
    #[error("the gateway did not answer")]
    Timeout,
}

fn app() -> App {
    let app = App::new("shop");
    // It asks: in ten seconds, twice at most, and then it fails with what went wrong.
    app.task("shop.charge", |ctx: TaskContext, (good_at,): (u32,)| async move {
        if ctx.retries() < good_at {
            let error = TaskError::failure("CardDeclined", format!("try {}", ctx.retries()));
            return Err(TaskError::retry_in(Duration::from_secs(10)).because(error).at_most(2));
        }
        Ok(format!("charged after {} retries", ctx.retries()))
    });
    // It is retried by itself, but only for this type: after 1, 2, 4, ... seconds.
    let options = TaskOptions {
        autoretry_for: vec!["Upstream".into()],
        retry_backoff: 1.0,
        retry_backoff_max: Some(Duration::from_secs(5)),
        retry_jitter: Some(false),
        max_retries: Some(Some(5)),
        ..TaskOptions::default()
    };
    app.task_with("shop.fetch", options, |ctx: TaskContext, (text,): (String,)| async move {
        if ctx.retries() < 5 {
            return Err(Upstream::Timeout.into());
        }
        Ok(text.parse::<u32>()?)
    });
    app
}

fn main() {
    let summary = Cluster::new(app).run(|client| async move {
        let charge = client.app.remote::<(u32,), String>("shop.charge");
        println!("{}", charge.delay((2,)).await?.get(DAY).await?);
        let call = charge.delay((9,)).await?;
        client.sleep(Duration::from_secs(5)).await;
        println!("{}: {}", call.state().await?, call.info().await?);
        println!("{}", call.get(DAY).await.expect_err("it fails"));

        let fetch = client.app.remote::<(String,), u32>("shop.fetch");
        let began = client.now();
        let fetched = fetch.delay(("42".into(),)).await?.get(DAY).await?;
        println!("fetched {fetched} after {} s", (client.now() - began).as_secs());
        // A ParseIntError is not in its list.
        println!("{}", fetch.delay(("no number".into(),)).await?.get(DAY).await.expect_err("it fails"));
        Ok::<(), simq::Error>(())
    });
    println!("executions: {}", summary.executions);
}

//! Typed tasks and their results: `get`, `ready`, `successful`, `failed`, `state`, `info`, `forget`.
//!
//! ```text
//! get: 7
//! ready: true, successful: true
//! get: ValueError("an order without articles")
//! failed: true, state: FAILURE
//! info: {"exc_type":"ValueError","exc_message":["an order without articles"],"exc_module":"builtins"}
//! get: the task failed: ParseIntError("invalid digit found in string")
//! found: 7
//! forgotten: PENDING, null
//! get: no result within 50ms
//! ```

use simq::{App, Error, TaskContext, TaskError};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new("shop");
    let total = app.task("shop.total", |_: TaskContext, (prices,): (Vec<u32>,)| async move {
        if prices.is_empty() {
            return Err(TaskError::failure("ValueError", "an order without articles"));
        }
        Ok(prices.iter().sum::<u32>())
    });
    // Any Rust error is a failure too: its type is the exception's type.
    let parse = app.task("shop.parse", |_: TaskContext, (text,): (String,)| async move { Ok(text.parse::<u32>()?) });
    let running = app.start()?;

    let good = total.delay((vec![3, 4],)).await?;
    println!("get: {}", good.get(SOON).await?);
    println!("ready: {}, successful: {}", good.ready().await?, good.successful().await?);

    let bad = total.delay((vec![],)).await?;
    match bad.get(SOON).await {
        Err(Error::Failed(failure)) => println!("get: {failure}"),
        other => println!("unexpected: {other:?}"),
    }
    println!("failed: {}, state: {}", bad.failed().await?, bad.state().await?);
    println!("info: {}", bad.info().await?);

    let parsed = parse.delay(("seven".to_owned(),)).await?;
    println!("get: {}", parsed.get(SOON).await.expect_err("it fails"));

    // Whoever knows an id has the result, until it is forgotten.
    let found = app.result::<u32>(good.id())?;
    println!("found: {}", found.get(SOON).await?);
    found.forget().await?;
    println!("forgotten: {}, {}", found.state().await?, found.info().await?);
    println!("get: {}", found.get(Duration::from_millis(50)).await.expect_err("it fails"));

    running.shutdown().await;
    Ok(())
}

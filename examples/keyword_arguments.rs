//! Arguments by name: a struct in `Kwargs`, or names for the parameters of a task that takes a tuple.
//!
//! ```text
//! 2 x "hello" to ada
//! 4
//! 1 x "by position" to bob
//! 3
//! 6
//! the task failed: TypeError("math.divide() got an unexpected keyword argument 'z'")
//! the task failed: TypeError("math.divide() missing 1 required positional argument: 'x'")
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simq::{App, Kwargs, TaskContext, TaskOptions};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Mail {
    to: String,
    subject: Option<String>,
    #[serde(default = "one")]
    copies: u32,
}

fn one() -> u32 {
    1
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new("shop");
    let send = app.task("mail.send", |_: TaskContext, Kwargs(mail): Kwargs<Mail>| async move {
        Ok(format!("{} x {:?} to {}", mail.copies, mail.subject.unwrap_or_default(), mail.to))
    });
    let names = TaskOptions { parameters: vec!["x".into(), "y".into()], ..TaskOptions::default() };
    let divide = app.task_with("math.divide", names, |_: TaskContext, (x, y): (i64, Option<i64>)| async move {
        Ok(x / y.unwrap_or(2))
    });
    let running = app.start()?;

    let mail = Mail { to: "ada".into(), subject: Some("hello".into()), copies: 2 };
    println!("{}", send.delay(Kwargs(mail)).await?.get(SOON).await?);
    println!("{}", divide.delay((12, Some(3))).await?.get(SOON).await?);

    // What a Python caller may send: by position, by name, with parts left out.
    let send = app.remote::<(String, String), String>("mail.send");
    println!("{}", send.delay(("bob".into(), "by position".into())).await?.get(SOON).await?);
    let by_name = app.remote::<Kwargs<Value>, i64>("math.divide");
    println!("{}", by_name.delay(Kwargs(json!({ "y": 4, "x": 12 }))).await?.get(SOON).await?);
    println!("{}", by_name.delay(Kwargs(json!({ "x": 12 }))).await?.get(SOON).await?);

    // What does not fit is a TypeError, in Python's words.
    for wrong in [json!({ "z": 1 }), json!({ "y": 1 })] {
        println!("{}", by_name.delay(Kwargs(wrong)).await?.get(SOON).await.expect_err("it fails"));
    }
    running.shutdown().await;
    Ok(())
}

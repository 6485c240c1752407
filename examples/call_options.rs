//! The options of one call, as `apply_async` has them, and what becomes of them: in the task, and in the message.
//!
//! ```text
//! book: id order-1, priority 7
//! book: tenant Some(String("blue")), eta Some("2026-01-01T01:00:00+00:00")
//! lamp: PENDING
//! content_type: application/x-msgpack
//! compression: "application/zstd"
//! timelimit: [30,20]
//! shadow: "packing"
//! ignore_result: true
//! argsrepr: "('***',)"
//! soft_time_limit is 30s and time_limit 20s: the task would be killed before it is interrupted; make the soft limit the smaller one
//! ```

use serde_json::Value;
use simq::testkit::Cluster;
use simq::{App, CallOptions, Compression, Serializer, TaskContext, Timestamp};
use std::time::Duration;

fn app() -> App {
    let app = App::new("shop");
    app.task("shop.pack", |ctx: TaskContext, (article,): (String,)| async move {
        println!("{article}: id {}, priority {}", ctx.id(), ctx.priority());
        println!("{article}: tenant {:?}, eta {:?}", ctx.headers().get("tenant"), ctx.eta().map(|eta| eta.to_string()));
        Ok(())
    });
    app
}

fn main() {
    // In the simulated cluster an hour takes no time.
    Cluster::new(app).limit(Duration::from_secs(86_400)).run(|client| async move {
        let pack = client.app.remote::<(String,), ()>("shop.pack");

        // Whatever is not set comes from the task's options, then from the settings.
        let mut options = CallOptions {
            task_id: Some("order-1".into()),
            countdown: Some(Duration::from_secs(3600)),
            expires: Some(Duration::from_secs(7200)),
            priority: Some(7),
            ..CallOptions::default()
        };
        options.headers.set("tenant", "blue");
        pack.apply_async(("book".into(),), options).await?.get(Duration::from_secs(7200)).await?;

        let options = CallOptions { eta: Some(Timestamp::parse("2027-01-01T12:00:00Z")?), ..CallOptions::default() };
        let late = pack.apply_async(("lamp".into(),), options).await?;
        println!("lamp: {}", late.state().await?);
        late.revoke(false).await?;

        // Nobody takes from this queue but we: what a worker would find there.
        let options = CallOptions {
            queue: Some("elsewhere".into()),
            serializer: Some(Serializer::Msgpack),
            compression: Some(Compression::Zstd),
            soft_time_limit: Some(Duration::from_secs(20)),
            time_limit: Some(Duration::from_secs(30)),
            shadow: Some("packing".into()),
            ignore_result: Some(true),
            argsrepr: Some("('***',)".into()),
            ..CallOptions::default()
        };
        pack.apply_async(("gold".into(),), options).await?;
        for message in client.take("elsewhere").await? {
            println!("content_type: {}", message.properties.content_type.as_deref().unwrap_or_default());
            for header in ["compression", "timelimit", "shadow", "ignore_result", "argsrepr"] {
                println!("{header}: {}", message.headers.get(header).unwrap_or(&Value::Null));
            }
        }

        let upside_down = CallOptions {
            soft_time_limit: Some(Duration::from_secs(30)),
            time_limit: Some(Duration::from_secs(20)),
            ..CallOptions::default()
        };
        println!("{}", pack.apply_async(("tea".into(),), upside_down).await.expect_err("it fails"));
        Ok::<(), Box<dyn std::error::Error>>(())
    });
}

//! What a running task knows of itself: Celery's `self.request`.
//!
//! ```text
//! shop.order: id order-1, parent None, root order-1
//! retries 0, redelivered false, priority 0
//! queue celery, exchange "", routing key celery
//! tenant Some(String("blue")), group None
//! called by gen@...: true
//! shop.pack: id order-1-pack, parent Some("order-1"), root order-1
//! children of order-1: ["order-1-pack"]
//! parent of the child: Some("order-1")
//! ```

use simq::{App, CallOptions, TaskContext};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new("shop");
    let pack = app.task("shop.pack", |ctx: TaskContext, (): ()| async move {
        println!("{}: id {}, parent {:?}, root {}", ctx.name(), ctx.id(), ctx.parent_id(), ctx.root_id());
        Ok(())
    });
    let order = app.task("shop.order", move |ctx: TaskContext, (): ()| {
        let pack = pack.clone();
        async move {
            println!("{}: id {}, parent {:?}, root {}", ctx.name(), ctx.id(), ctx.parent_id(), ctx.root_id());
            println!("retries {}, redelivered {}, priority {}", ctx.retries(), ctx.redelivered(), ctx.priority());
            let came = ctx.delivery_info();
            println!("queue {}, exchange {:?}, routing key {}", came.queue, came.exchange, came.routing_key);
            println!("tenant {:?}, group {:?}", ctx.headers().get("tenant"), ctx.group());
            println!("called by gen@...: {}", ctx.origin().is_some_and(|origin| origin.starts_with("gen@")));
            // What a task calls are its children.
            let call = CallOptions { task_id: Some("order-1-pack".into()), ..CallOptions::default() };
            pack.apply_async((), call).await?.get(SOON).await?;
            Ok(())
        }
    });
    let running = app.start()?;

    let mut options = CallOptions { task_id: Some("order-1".into()), ..CallOptions::default() };
    options.headers.set("tenant", "blue");
    let call = order.apply_async((), options).await?;
    call.get(SOON).await?;
    if let Some(meta) = call.meta().await? {
        println!("children of {}: {:?}", call.id(), meta.children());
    }
    let child = app.result::<()>("order-1-pack")?.meta().await?;
    println!("parent of the child: {:?}", child.and_then(|meta| meta.parent_id()));
    running.shutdown().await;
    Ok(())
}

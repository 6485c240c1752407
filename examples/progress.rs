//! Progress: a task stores states of its own, and callers look at them or follow them.
//!
//! ```text
//! looked: {"row":1,"of":4}
//! after  90 s: PROGRESS {"row":1,"of":4}
//! after 120 s: PROGRESS {"row":2,"of":4}
//! after 180 s: PROGRESS {"row":3,"of":4}
//! after 180 s: SUCCESS 4
//! ```

use serde_json::json;
use simq::testkit::Cluster;
use simq::{App, TaskContext};
use std::time::Duration;

fn app() -> App {
    let app = App::new("shop");
    app.task("shop.import", |ctx: TaskContext, (rows,): (u32,)| async move {
        for row in 1..rows {
            ctx.sleep(Duration::from_secs(60)).await;
            ctx.update_state("PROGRESS", json!({ "row": row, "of": rows })).await?;
        }
        Ok(rows)
    });
    app
}

fn main() {
    Cluster::new(app).run(|client| async move {
        let import = client.app.remote::<(u32,), u32>("shop.import");
        let call = import.delay((4,)).await?;

        // Once in a while ...
        client.sleep(Duration::from_secs(90)).await;
        println!("looked: {}", call.info().await?);

        // ... or each change, without asking again and again. `StateChanges` is also a `Stream`.
        let mut changes = call.changes();
        while let Some(meta) = changes.next().await {
            let result = meta.result().map_err(simq::Error::Result)?;
            println!("after {:3} s: {} {result}", client.now().as_secs(), meta.status());
        }
        Ok::<(), simq::Error>(())
    });
}

//! The test kit: your application in a simulated cluster in which a worker is killed. See also `simq run`.
//!
//! ```text
//! Celery
//!   shipped 1, delivered again: false
//!   no result within 3600s
//!   shipped 3, delivered again: false
//!   shipped 4, delivered again: true
//!   lost 1, executions 4, seed 1
//! Safe
//!   shipped 1, delivered again: false
//!   shipped 2, delivered again: true
//!   shipped 3, delivered again: false
//!   shipped 4, delivered again: false
//!   lost 0, executions 5, seed 1
//! ```

use simq::testkit::Cluster;
use simq::{App, Profile, Settings, TaskContext};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app(profile: Profile) -> App {
    let app = App::with_settings("shop", Settings::new(profile));
    app.task("order.ship", |ctx: TaskContext, (order,): (u32,)| async move {
        ctx.sleep(Duration::from_secs(600)).await;
        Ok(format!("shipped {order}, delivered again: {}", ctx.redelivered()))
    });
    app
}

fn main() {
    for profile in [Profile::Celery, Profile::Safe] {
        println!("{profile:?}");
        // kill -9 in the middle of the work, on two workers with one child each.
        let cluster =
            Cluster::new(move || app(profile)).limit(HOUR * 9).workers(2, 1).kill_at(Duration::from_secs(60), "w1");
        let summary = cluster.run(|client| async move {
            let ship = client.app.remote::<(u32,), String>("order.ship");
            // Both workers have come up.
            client.sleep(Duration::from_secs(1)).await;
            let mut orders = Vec::new();
            for order in 1..=4 {
                orders.push(ship.delay((order,)).await?);
            }
            for order in orders {
                match order.get(HOUR).await {
                    Ok(shipped) => println!("  {shipped}"),
                    Err(error) => println!("  {error}"),
                }
            }
            Ok::<(), simq::Error>(())
        });
        println!("  lost {}, executions {}, seed {}", summary.lost, summary.executions, summary.seed);
    }
}

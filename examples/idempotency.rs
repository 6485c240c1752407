//! One id, several calls: what has succeeded is not run again (profile `safe`).
//!
//! ```text
//! charged 1999
//! charged 1999
//! charged 1999
//! Safe: 1 executions
//! charged 1999
//! charged 1999
//! charged 1999
//! Celery: 3 executions
//! ```

use simq::testkit::Cluster;
use simq::{App, CallOptions, Profile, Settings, TaskContext};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn app(profile: Profile) -> App {
    let app = App::with_settings("shop", Settings::new(profile));
    app.task("shop.charge", |_: TaskContext, (cents,): (u32,)| async move { Ok(format!("charged {cents}")) });
    app
}

fn main() {
    for profile in [Profile::Safe, Profile::Celery] {
        let summary = Cluster::new(move || app(profile)).run(|client| async move {
            let charge = client.app.remote::<(u32,), String>("shop.charge");
            // The id says what is done, so that whoever is not sure may call again.
            let key = || CallOptions { task_id: Some("charge-order-17".into()), ..CallOptions::default() };
            for _ in 0..3 {
                let call = charge.apply_async((1999,), key()).await?;
                println!("{}", call.get(HOUR).await?);
                client.sleep(Duration::from_secs(1)).await;
            }
            Ok::<(), simq::Error>(())
        });
        println!("{profile:?}: {} executions", summary.executions);
    }
}

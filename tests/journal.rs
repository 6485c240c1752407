//! The embedded servers' directory, in virtual time: what it is too small for, and what its policies lose.

use simq::broker::PublishError;
use simq::scenario::testkit::Cluster;
use simq::settings::{Fsync, Profile, Settings};
use simq::{App, Error, TaskContext};
use simq_sim::Fault;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(86_400);

fn app(fsync: Fsync, max_bytes: u64) -> App {
    let settings = Settings {
        embedded_directory: Some("queue".to_owned()),
        embedded_fsync: fsync,
        embedded_max_bytes: max_bytes,
        ..Settings::new(Profile::Safe)
    };
    let app = App::with_settings("journal", settings);
    app.task("work", |ctx: TaskContext, (_,): (String,)| async move {
        ctx.sleep(Duration::from_secs(60)).await;
        Ok(())
    });
    app
}

#[test]
fn a_full_directory_refuses_calls_by_name_until_tasks_are_done() {
    Cluster::new(|| app(Fsync::Always, 50_000)).limit(LONG).run(|client| async move {
        let work = client.app.remote::<(String,), ()>("work");
        let mut accepted = Vec::new();
        let refused = loop {
            match work.delay(("x".repeat(1_000),)).await {
                Ok(call) => accepted.push(call),
                Err(error) => break error,
            }
        };
        assert_eq!(refused, Error::Publish(PublishError::StoreFull));
        assert!(refused.to_string().contains("embedded_max_bytes"), "{refused}");
        assert!((20..60).contains(&accepted.len()), "{} of about a kilobyte each", accepted.len());
        for call in accepted {
            call.get(LONG).await.expect("what was accepted is done");
        }
        work.delay(("x".repeat(1_000),)).await.expect("there is room again");
    });
}

/// Calls that were confirmed and lost when the broker's host loses power nine seconds on, one call every 100 ms.
fn lost(seed: u64, fsync: Fsync) -> u64 {
    let off = Fault::Vanish { process: "broker".to_owned() };
    let cluster = Cluster::new(move || app(fsync, 1 << 30)).seed(seed).limit(LONG);
    let cluster = cluster.fault_at(Duration::from_millis(9_040), off);
    let cluster = cluster.restart_at(Duration::from_secs(12), "broker");
    let summary = cluster.run(|client| async move {
        let work = client.app.remote::<(String,), ()>("work");
        // The one that is under way when the power goes is tried again until the broker is back.
        while client.now() < Duration::from_secs(9) {
            work.delay((String::new(),)).await.expect("it is published");
            client.sleep(Duration::from_millis(97)).await;
        }
    });
    assert!(summary.calls > 80, "{} calls", summary.calls);
    summary.lost
}

#[test]
fn a_loss_of_power_costs_what_the_policy_says() {
    let all = |fsync: Fsync| (1..=20).map(move |seed| lost(seed, fsync)).collect::<Vec<_>>();
    assert_eq!(all(Fsync::Always), [0; 20]);
    // A second, and the sync that was under way.
    let (every_second, never) = (all(Fsync::EverySecond), all(Fsync::Never));
    assert!(every_second.iter().all(|lost| *lost <= 11), "{every_second:?}");
    assert!(every_second.iter().sum::<u64>() > 20, "{every_second:?}");
    assert!(never.iter().any(|lost| *lost > 11), "{never:?}");
}

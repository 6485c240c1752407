//! Celery's settings that change what tasks do: annotations and recycling.

use simq::events::State;
use simq::scenario::testkit::Cluster;
use simq::settings::{Profile, Settings};
use simq::{App, TaskContext, TaskError, TaskOptions};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

fn settings(toml: &str) -> Settings {
    let mut settings = Settings::new(Profile::Safe);
    settings.set_all(&toml.parse().expect("TOML")).expect("settings");
    settings
}

#[test]
fn annotations_go_over_the_options_of_the_code() {
    let app = || {
        let app = App::with_settings(
            "proj",
            settings(
                "[task_annotations.\"*\"]\ndefault_retry_delay = 1\n[task_annotations.impatient]\nmax_retries = 1\nignore_result = false",
            ),
        );
        let options = TaskOptions { max_retries: Some(Some(4)), ignore_result: Some(true), ..TaskOptions::default() };
        let retries = |ctx: TaskContext, (): ()| async move {
            if ctx.retries() < 3 { Err(TaskError::retry()) } else { Ok(ctx.retries()) }
        };
        app.task_with("impatient", options.clone(), retries);
        app.task_with("patient", TaskOptions { ignore_result: None, ..options }, retries);
        app
    };
    let summary = Cluster::new(app).run(|client| async move {
        let impatient = client.app.remote::<(), u32>("impatient").delay(()).await.expect("published");
        let patient = client.app.remote::<(), u32>("patient").delay(()).await.expect("published");
        assert_eq!(patient.get(SOON).await, Ok(3), "three retries, a second apart");
        assert!(client.now() < Duration::from_secs(5), "{:?}", client.now());
        assert_eq!(impatient.state().await, Ok(State::Failure), "one retry only");
    });
    assert_eq!((summary.executions, summary.lost), (2 + 4, 0));
}

/// A child counts the tasks that it has run; a new one begins anew.
#[test]
fn a_pool_child_is_replaced_after_so_many_tasks() {
    for (max, expected) in [("1", vec![1, 1, 1, 1, 1]), ("2", vec![1, 2, 1, 2, 1]), ("'none'", vec![1, 2, 3, 4, 5])] {
        let settings = settings(&format!("worker_max_tasks_per_child = {max}"));
        let counts = Rc::new(RefCell::new(Vec::new()));
        let counted = counts.clone();
        let app = move || {
            let app = App::with_settings("proj", settings.clone());
            // The application is built anew in each child.
            let count = std::sync::atomic::AtomicU32::new(0);
            app.task("count", move |_: TaskContext, (): ()| {
                let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                async move { Ok(count) }
            });
            app
        };
        let summary = Cluster::new(app).run(move |client| {
            let counted = counted.clone();
            async move {
                for _ in 0..5 {
                    let call = client.app.remote::<(), u32>("count").delay(()).await.expect("published");
                    let count = call.get(SOON).await.expect("a count");
                    counted.borrow_mut().push(count);
                }
            }
        });
        assert_eq!(*counts.borrow(), expected, "at most {max}");
        assert_eq!((summary.executions, summary.lost), (5, 0), "at most {max}");
    }
}

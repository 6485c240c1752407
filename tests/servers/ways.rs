//! Ways to a server: one that works, or what a caller is told where there is none.

use crate::running::block_on;
use simq::{App, Profile, Settings, TaskContext};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(18);

pub(crate) fn settings(set: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::new(Profile::Safe);
    for (name, value) in set {
        settings.set_text(name, value).unwrap_or_else(|error| panic!("{name} = {value}: {error}"));
    }
    settings
}

/// A task goes there and comes back.
pub(crate) fn works(set: &[(&str, &str)]) {
    let app = App::with_settings("demo", settings(set));
    let add = app.task("tasks.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().unwrap_or_else(|error| panic!("{set:?}: {error}"));
    block_on(async {
        let call = add.delay((1, 2)).await.unwrap_or_else(|error| panic!("{set:?}: {error}"));
        assert_eq!(call.get(PATIENCE).await.unwrap_or_else(|error| panic!("{set:?}: {error}")), 3);
        running.shutdown().await;
    });
}

/// What a caller is told.
fn error(set: &[(&str, &str)]) -> String {
    let mut set = set.to_vec();
    set.extend([("task_publish_retry", "false"), ("task_publish_timeout", "10"), ("result_backend", "memory")]);
    let app = App::with_settings("demo", settings(&set));
    let add = app.task("tasks.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = match app.start() {
        Ok(running) => running,
        Err(error) => return error.to_string(),
    };
    block_on(async {
        let said = match add.delay((1, 2)).await {
            Ok(_) => panic!("it was published: {set:?}"),
            Err(error) => error.to_string(),
        };
        running.shutdown().await;
        said
    })
}

/// A caller is told all this, and no secret.
pub(crate) fn assert_says(set: &[(&str, &str)], expected: &[&str]) {
    let said = error(set);
    assert!(expected.iter().all(|text| said.contains(text)), "{said}\nexpected {expected:?}");
    assert!(!said.contains("secret"), "{said}");
}

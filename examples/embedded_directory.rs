//! The embedded queue in a directory: what waits there and what was stored outlives the process.
//!
//! ```text
//! welcome, ada
//! the directory is in use
//! -- a restart --
//! stored: welcome, ada
//! waited: welcome, bob
//! ```

use simq::{App, CallOptions, Error, Profile, Running, Settings, Task, TaskContext};
use std::path::Path;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;

    let (first, welcome) = shop(directory.path());
    let running = first.start()?;
    let done: String = runtime.block_on(async {
        let done = welcome.delay(("ada".into(),)).await?;
        println!("{}", done.get(SOON).await?);
        let later = CallOptions {
            task_id: Some("welcome-bob".into()),
            countdown: Some(Duration::from_millis(500)),
            ..CallOptions::default()
        };
        welcome.apply_async(("bob".into(),), later).await?;
        // One process at a time has the directory.
        match shop(directory.path()).0.start() {
            Err(Error::Journal(_)) => println!("the directory is in use"),
            other => println!("unexpected: {other:?}"),
        }
        running.shutdown().await;
        Ok::<_, Error>(done.id().to_string())
    })?;

    println!("-- a restart --");
    let (second, _) = shop(directory.path());
    let running: Running = second.start()?;
    runtime.block_on(async {
        println!("stored: {}", second.result::<String>(&done)?.get(SOON).await?);
        println!("waited: {}", second.result::<String>("welcome-bob")?.get(SOON).await?);
        running.shutdown().await;
        Ok(())
    })
}

fn shop(directory: &Path) -> (App, Task<(String,), String>) {
    let directory = Some(directory.to_string_lossy().into_owned());
    let app = App::with_settings("shop", Settings { embedded_directory: directory, ..Settings::new(Profile::Safe) });
    let welcome =
        app.task("mail.welcome", |_: TaskContext, (name,): (String,)| async move { Ok(format!("welcome, {name}")) });
    (app, welcome)
}

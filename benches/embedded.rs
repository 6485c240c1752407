//! Publishes a second into the embedded queue on the real clock: in memory, and in a directory under each policy.
//! Confirmed ones, from so many callers at once; nobody executes them.
//!
//! `cargo bench --bench embedded`; `SIMQ_BENCH_DIRECTORY` names a place on the disk that is to be measured (else the
//! target directory).

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use simq::settings::{Fsync, Profile, Settings};
use simq::{App, CallOptions, TaskContext};
use std::time::{Duration, Instant};

const MEASURED: Duration = Duration::from_secs(3);

/// Confirmed publishes a second.
fn publishes(directory: Option<&str>, fsync: Fsync, callers: usize) -> f64 {
    let settings = Settings {
        embedded_directory: directory.map(str::to_owned),
        embedded_fsync: fsync,
        embedded_max_bytes: 1 << 33,
        ..Settings::new(Profile::Safe)
    };
    let app = App::with_settings("bench", settings);
    let work = app.task("work", |_: TaskContext, (): ()| async move { Ok(()) });
    let running = app.start().unwrap_or_else(|error| panic!("{error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let rate = runtime.block_on(async {
        let started = Instant::now();
        let tasks = tokio::task::LocalSet::new();
        let mut counts = Vec::new();
        for _ in 0..callers {
            let work = work.clone();
            counts.push(tasks.spawn_local(async move {
                // A queue that no worker consumes from.
                let options = CallOptions { queue: Some("bench".into()), ..CallOptions::default() };
                let mut count = 0_u64;
                while started.elapsed() < MEASURED {
                    work.apply_async((), options.clone()).await.unwrap_or_else(|error| panic!("{error}"));
                    count += 1;
                }
                count
            }));
        }
        let mut total = 0;
        tasks
            .run_until(async {
                for count in counts {
                    total += count.await.expect("a caller's count");
                }
            })
            .await;
        total as f64 / started.elapsed().as_secs_f64()
    });
    runtime.block_on(running.shutdown());
    rate
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let base = std::env::var("SIMQ_BENCH_DIRECTORY").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
    println!("{:>8}  {:>12}  {:>12}  {:>12}  {:>12}", "callers", "memory", "never", "everysec", "always");
    for callers in [1, 16, 256] {
        let kept = |fsync| {
            let directory = tempfile::tempdir_in(&base).expect("a directory");
            publishes(directory.path().to_str(), fsync, callers)
        };
        let memory = publishes(None, Fsync::Never, callers);
        let [never, every_second, always] = [Fsync::Never, Fsync::EverySecond, Fsync::Always].map(kept);
        println!("{callers:>8}  {memory:>10.0}/s  {never:>10.0}/s  {every_second:>10.0}/s  {always:>10.0}/s");
    }
}

//! The embedded queue in production: `App::start`, the machine's clock, tasks that do nothing.

use crate::measure::{Error, Figures, Stretch, memory};
use simq::settings::{Profile, Settings};
use simq::{App, Task, TaskContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Notify;

/// Calls under way at once.
const IN_FLIGHT: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(600);

struct Queue {
    app: App,
    nothing: Task<(), ()>,
    hold: Task<(), ()>,
    /// Tasks that have run, and the number to be told at.
    ran: Arc<(AtomicU64, AtomicU64, Notify)>,
    go: Arc<Notify>,
    _folder: Option<TempDir>,
}

impl Queue {
    fn new(mode: &str) -> Result<Self, Error> {
        let mut settings = Settings::new(Profile::Safe);
        let folder = if mode == "memory" { None } else { Some(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?) };
        if let Some(folder) = &folder {
            settings.embedded_directory = Some(folder.path().display().to_string());
            settings.set("embedded_fsync", &mode.into())?;
        }
        let app = App::with_settings("scale", settings);
        let ran = Arc::<(AtomicU64, AtomicU64, Notify)>::default();
        let counting = ran.clone();
        let nothing = app.task("nothing", move |_: TaskContext, (): ()| {
            let count = counting.0.fetch_add(1, Ordering::Relaxed) + 1;
            if count == counting.1.load(Ordering::Relaxed) {
                counting.2.notify_one();
            }
            std::future::ready(Ok(()))
        });
        let go = Arc::<Notify>::default();
        let waiting = go.clone();
        let hold = app.task("hold", move |_: TaskContext, (): ()| {
            let waiting = waiting.clone();
            async move {
                waiting.notified().await;
                Ok(())
            }
        });
        Ok(Queue { app, nothing, hold, ran, go, _folder: folder })
    }

    /// Makes `calls` calls, [`IN_FLIGHT`] at a time, and returns when all of them are confirmed.
    async fn publish(&self, calls: u64) -> Result<(), Error> {
        let callers: Vec<_> = (0..IN_FLIGHT)
            .map(|caller| {
                let (nothing, share) = (self.nothing.clone(), (calls + caller) / IN_FLIGHT);
                tokio::task::spawn_local(async move {
                    for _ in 0..share {
                        nothing.delay(()).await.map_err(|error| error.to_string())?;
                    }
                    Ok::<(), String>(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        Ok(())
    }

    async fn all_ran(&self) {
        self.ran.2.notified().await;
    }
}

fn in_a_runtime<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Publishes and runs at once, as fast as it goes.
pub(crate) fn drain(tasks: u64, mode: &str) -> Result<Figures, Error> {
    let queue = Queue::new(mode)?;
    in_a_runtime(async {
        let running = queue.app.start()?;
        queue.ran.1.store(tasks, Ordering::Relaxed);
        let stretch = Stretch::begin()?;
        queue.publish(tasks).await?;
        queue.all_ran().await;
        let (cpu, wall) = stretch.end()?;
        let mut figures = Figures::default();
        figures.add("tasks per second", tasks as f64 / wall);
        figures.add("us of CPU per task", cpu * 1e6 / tasks as f64);
        running.shutdown().await;
        Ok(figures)
    })
}

/// One task there and back, again and again.
pub(crate) fn trips(trips: u64, mode: &str) -> Result<Figures, Error> {
    let queue = Queue::new(mode)?;
    in_a_runtime(async {
        let running = queue.app.start()?;
        let mut times = Vec::new();
        let stretch = Stretch::begin()?;
        for _ in 0..trips {
            let began = Instant::now();
            queue.nothing.delay(()).await?.get(PATIENCE).await?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
        let (cpu, _) = stretch.end()?;
        times.sort_by(f64::total_cmp);
        let mut figures = Figures::default();
        for (name, share) in [("us p50", 0.5), ("us p99", 0.99)] {
            figures.add(name, times[(times.len() as f64 * share) as usize]);
        }
        figures.add("us of CPU per trip", cpu * 1e6 / trips as f64);
        running.shutdown().await;
        Ok(figures)
    })
}

/// All pool children are busy while the tasks are queued; then they run.
pub(crate) fn backlog(tasks: u64, mode: &str) -> Result<Figures, Error> {
    let queue = Queue::new(mode)?;
    in_a_runtime(async {
        let running = queue.app.start()?;
        let children = std::thread::available_parallelism()?.get();
        queue.nothing.delay(()).await?.get(PATIENCE).await?;
        let mut figures = Figures::default();
        let idle = memory("VmRSS")?;
        figures.add("MiB idle", idle / f64::from(1 << 20));
        for _ in 0..children {
            queue.hold.delay(()).await?;
        }
        queue.ran.1.store(tasks + 1, Ordering::Relaxed);
        let stretch = Stretch::begin()?;
        queue.publish(tasks).await?;
        let (cpu, wall) = stretch.end()?;
        figures.add("published per second", tasks as f64 / wall);
        figures.add("us of CPU per publish", cpu * 1e6 / tasks as f64);
        let held = memory("VmRSS")?;
        figures.add("MiB with the backlog", held / f64::from(1 << 20));
        figures.add("bytes per queued task", (held - idle) / tasks as f64);
        let stretch = Stretch::begin()?;
        for _ in 0..children {
            queue.go.notify_one();
        }
        queue.all_ran().await;
        let (cpu, wall) = stretch.end()?;
        figures.add("run per second", tasks as f64 / wall);
        figures.add("us of CPU per run", cpu * 1e6 / tasks as f64);
        figures.add("MiB with the results", memory("VmRSS")? / f64::from(1 << 20));
        figures.add("MiB at most", memory("VmHWM")? / f64::from(1 << 20));
        running.shutdown().await;
        Ok(figures)
    })
}

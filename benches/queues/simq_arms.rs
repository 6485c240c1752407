//! simq: this program itself, started again in a role.

use super::processes::own_cpu_micros;
use super::running::block_on;
use super::workers::PATIENCE;
use simq::{App, CallOptions, Profile, Settings, TaskContext};
use std::process::Command;
use std::time::Instant;

const ROLE: &str = "--role";
/// Publishes that are under way at once.
pub(super) const BULK: usize = 1_000;

/// Where messages and results are.
pub(super) struct Site {
    pub(super) broker: String,
    pub(super) results: String,
}

/// How a worker is set up.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    pub(super) profile: Profile,
    /// Celery's multiplier: messages for each of its children.
    pub(super) prefetch: u32,
}

/// This program as a worker.
pub(super) fn worker(site: &Site, setup: Setup) -> Command {
    role(&["work", &site.broker, &site.results, setup.profile.name(), &setup.prefetch.to_string()])
}

/// What is published, and how.
#[derive(Clone, Copy)]
pub(super) struct Calls {
    pub(super) profile: Profile,
    pub(super) tasks: usize,
    pub(super) under_way: usize,
    /// Each message says so itself; what a worker is set to has no say.
    pub(super) ignore_result: bool,
}

/// This program as a producer.
pub(super) fn producer(site: &Site, calls: Calls) -> Command {
    let Calls { profile, tasks, under_way, ignore_result } = calls;
    let words = ["publish", &site.broker, &site.results, profile.name()];
    let numbers = [tasks.to_string(), under_way.to_string(), ignore_result.to_string()];
    role(&words.into_iter().chain(numbers.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// This program as a caller of one task after the other.
pub(super) fn caller(site: &Site, profile: Profile, tasks: usize) -> Command {
    role(&["call", &site.broker, &site.results, profile.name(), &tasks.to_string()])
}

fn role(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg(ROLE).args(words);
    command
}

/// Plays the role that this process was started in, if it was.
pub(super) fn play(arguments: &[String]) -> bool {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    match words.as_slice() {
        [ROLE, "work", broker, results, profile, prefetch] => work(Settings {
            worker_prefetch_multiplier: prefetch.parse().expect("a number"),
            ..settings([broker, results], profile)
        }),
        [ROLE, "publish", broker, results, profile, tasks, under_way, ignore] => {
            let settings = Settings { task_ignore_result: *ignore == "true", ..settings([broker, results], profile) };
            publish(settings, number(tasks), number(under_way));
        }
        [ROLE, "call", broker, results, profile, tasks] => call(settings([broker, results], profile), number(tasks)),
        _ => return false,
    }
    true
}

fn settings([broker, results]: [&str; 2], profile: &str) -> Settings {
    let profile = if profile == Profile::Celery.name() { Profile::Celery } else { Profile::Safe };
    let mut settings = Settings::new(profile);
    settings.set_text("broker_url", broker).expect("a setting");
    settings.set_text("result_backend", results).expect("a setting");
    settings
}

type Add = simq::Task<(i64, i64), i64>;

fn bench_app(settings: Settings) -> (App, Add) {
    let app = App::with_settings("bench", settings);
    let add = app.task("bench.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    (app, add)
}

/// Until it is killed.
fn work(settings: Settings) {
    let (app, _) = bench_app(settings);
    let _running = app.start().expect("it starts");
    loop {
        std::thread::park();
    }
}

/// The application calls `celery`, and its own worker listens where nobody calls.
fn client(mut settings: Settings) -> (App, Add) {
    settings.task_default_queue = "nobody".to_owned();
    bench_app(settings)
}

fn to_the_worker() -> CallOptions {
    CallOptions { queue: Some("celery".into()), ..CallOptions::default() }
}

fn publish(settings: Settings, tasks: usize, under_way: usize) {
    let (app, add) = client(settings);
    let running = app.start().expect("it starts");
    block_on(async {
        let (started, cpu) = (Instant::now(), own_cpu_micros());
        let callers = (0..under_way).map(|caller| {
            let add = add.clone();
            tokio::task::spawn_local(async move {
                for number in (caller..tasks).step_by(under_way) {
                    add.apply_async((number as i64, 1), to_the_worker()).await.expect("it is published");
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("a caller");
        }
        println!("{} {}", started.elapsed().as_secs_f64(), own_cpu_micros() - cpu);
        running.shutdown().await;
    });
}

fn call(settings: Settings, tasks: usize) {
    let (app, add) = client(settings);
    let running = app.start().expect("it starts");
    block_on(async {
        for number in 0..tasks {
            let started = Instant::now();
            let call = add.apply_async((number as i64, 1), to_the_worker()).await.expect("it is published");
            call.get(PATIENCE).await.expect("a result");
            println!("{}", started.elapsed().as_micros());
        }
        running.shutdown().await;
    });
}

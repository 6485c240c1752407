//! Tasks through a real Redis: how fast they are published, drained, and come back, next to a bare loop of the least
//! commands that the same protocol needs, in the same run.
//!
//! ```sh
//! cargo bench --bench redis                     # small
//! cargo bench --bench redis -- --tasks 100000   # more
//! cargo bench --bench redis -- drain            # lines with this in their name
//! ```
//!
//! It starts a redis-server of its own, without persistence. Drains are measured from the worker's start to an empty
//! queue and nothing unacked.

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]

mod bare;
#[path = "../../tests/servers/mod.rs"]
mod servers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use servers::Redis;
use simq::{App, CallOptions, Profile, Settings, TaskContext};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Time and processor time of one measurement.
struct Cost {
    wall: Duration,
    /// Microseconds of this process and of Redis.
    own: f64,
    redis: f64,
}

impl Cost {
    fn of(redis: &Redis, work: impl FnOnce()) -> Cost {
        let (started, own, theirs) = (Instant::now(), own_cpu(), redis_cpu(redis));
        work();
        Cost { wall: started.elapsed(), own: own_cpu() - own, redis: redis_cpu(redis) - theirs }
    }

    fn print(&self, name: &str, tasks: usize) {
        let each = |micros: f64| micros / tasks as f64;
        let rate = tasks as f64 / self.wall.as_secs_f64();
        println!("{name:<34} {rate:>10.0} {:>10.1} {:>10.1}", each(self.own), each(self.redis));
    }
}

/// Microseconds of processor time of this process, of threads that have ended too. A hundredth of a second is the least
/// that the kernel tells.
fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10_000.0
}

fn redis_cpu(redis: &Redis) -> f64 {
    let info: String = redis::cmd("INFO").arg("cpu").query(&mut redis.connection()).expect("INFO");
    let of = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.parse::<f64>().ok()).unwrap_or(0.0)
    };
    (of("used_cpu_sys:") + of("used_cpu_user:")) * 1e6
}

fn settings(redis: &Redis, profile: Profile) -> Settings {
    let mut settings = Settings::new(profile);
    settings.set_text("broker_url", &redis.url(0)).expect("a setting");
    settings.set_text("result_backend", &redis.url(0)).expect("a setting");
    settings
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tokio::task::LocalSet::new().run_until(work))
}

/// Publishes with so many under way.
fn publish(redis: &Redis, profile: Profile, tasks: usize, under_way: usize) {
    let mut settings = settings(redis, profile);
    settings.task_default_queue = "nobody".to_owned();
    let app = App::with_settings("bench", settings);
    let add = app.task("bench.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().expect("it starts");
    block_on(async {
        let callers = (0..under_way).map(|caller| {
            let add = add.clone();
            tokio::task::spawn_local(async move {
                for number in (caller..tasks).step_by(under_way) {
                    let options = CallOptions { queue: Some("celery".into()), ..CallOptions::default() };
                    add.apply_async((number as i64, 1), options).await.expect("it is published");
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("a caller");
        }
        running.shutdown().await;
    });
}

/// Runs a worker until nothing is left.
fn drain(redis: &Redis, settings: Settings) {
    let app = App::with_settings("bench", settings);
    app.task("bench.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().expect("it starts");
    let mut connection = redis.connection();
    loop {
        let (waiting, unacked): (usize, usize) = redis::pipe()
            .cmd("LLEN")
            .arg("celery")
            .cmd("HLEN")
            .arg("unacked")
            .query(&mut connection)
            .expect("redis answers");
        if waiting + unacked == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    block_on(running.shutdown());
}

/// There and back, one after the other; sorted.
fn trips(redis: &Redis, count: usize) -> Vec<Duration> {
    let app = App::with_settings("bench", settings(redis, Profile::Safe));
    let add = app.task("bench.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().expect("it starts");
    let mut trips = Vec::new();
    block_on(async {
        for number in 0..count {
            let started = Instant::now();
            let call = add.delay((number as i64, 1)).await.expect("it is published");
            call.get(PATIENCE).await.expect("a result");
            trips.push(started.elapsed());
        }
        running.shutdown().await;
    });
    trips.sort_unstable();
    trips
}

/// Does what is to be measured with so many tasks; how many they were in the end, and what they cost.
type Case = fn(&Redis, Profile, usize) -> (usize, Cost);

/// What is measured in each profile, on an empty server.
fn cases() -> [(&'static str, Case); 5] {
    [
        ("publish one by one", |redis, profile, tasks| {
            let few = tasks / 20;
            (few, Cost::of(redis, || publish(redis, profile, few, 1)))
        }),
        ("publish, 1,000 under way", |redis, profile, tasks| {
            (tasks, Cost::of(redis, || publish(redis, profile, tasks, 1_000)))
        }),
        ("drain, results kept", |redis, profile, tasks| {
            publish(redis, profile, tasks, 1_000);
            (tasks, Cost::of(redis, || drain(redis, settings(redis, profile))))
        }),
        ("drain, prefetch 500 a child", |redis, profile, tasks| {
            publish(redis, profile, tasks, 1_000);
            let wide = Settings { worker_prefetch_multiplier: 500, ..settings(redis, profile) };
            (tasks, Cost::of(redis, || drain(redis, wide)))
        }),
        ("the same, results ignored", |redis, profile, tasks| {
            publish(redis, profile, tasks, 1_000);
            let wide =
                Settings { worker_prefetch_multiplier: 500, task_ignore_result: true, ..settings(redis, profile) };
            (tasks, Cost::of(redis, || drain(redis, wide)))
        }),
    ]
}

fn main() {
    let (mut tasks, mut only) = (20_000, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tasks" => tasks = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(tasks),
            "--bench" => {}
            other => only = other.to_owned(),
        }
    }
    println!("{tasks:<6} tasks {:>32} {:>10} {:>10}", "tasks/s", "own µs", "Redis µs");
    for batch in [100, 500] {
        let name = format!("bare loop, batches of {batch}");
        if name.contains(&only) {
            let redis = Redis::start();
            bare::fill(&redis, tasks);
            Cost::of(&redis, || bare::drain(&redis, batch)).print(&name, tasks);
        }
    }
    for profile in [Profile::Safe, Profile::Celery] {
        for (name, case) in cases() {
            let name = format!("{}: {name}", profile.name());
            if name.contains(&only) {
                let (tasks, cost) = case(&Redis::start(), profile, tasks);
                cost.print(&name, tasks);
            }
        }
    }
    if "there and back".contains(&only) {
        let trips = trips(&Redis::start(), 1_000);
        println!("there and back: p50 {:?}, p99 {:?}", trips[trips.len() / 2], trips[trips.len() * 99 / 100]);
    }
}

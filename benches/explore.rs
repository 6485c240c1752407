//! Exploration: what coverage and recorded choices cost, runs per second, and two cores next to one.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use simq::scenario::explore::{Budget, Strategy, explore};
use simq::scenario::{Scenario, run};
use simq_sim::{Config, World};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

const RUNS: u64 = 1024;

fn story() -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/worker_crash.toml");
    Scenario::load(&file).unwrap_or_else(|problem| panic!("{problem}"))
}

fn budget(jobs: u32, strategy: Strategy) -> Budget {
    Budget { first_seed: 1, seeds: Some(RUNS), time: None, jobs, strategy, all: true }
}

fn worker_crash(criterion: &mut Criterion) {
    let story = story();
    let mut group = criterion.benchmark_group("worker_crash");
    group.sample_size(10).throughput(Throughput::Elements(RUNS));
    group.bench_function("runs without coverage", |bencher| {
        bencher.iter(|| {
            for seed in 1..=RUNS {
                assert!(run(&story, Some("safe"), seed, None, false).expect("a run").passed());
            }
        });
    });
    for (name, jobs, strategy) in [
        ("explored, one core", 1, Strategy::Uniform),
        ("explored, two cores", 2, Strategy::Uniform),
        ("explored by priorities, one core", 1, Strategy::Pct),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let explored = explore(&story, Some("safe"), &budget(jobs, strategy), |_| ControlFlow::Continue(()))
                    .expect("runs");
                assert_eq!((explored.progress.runs, explored.failures.len()), (RUNS, 0));
            });
        });
    }
    group.finish();
}

/// Two processes and many messages, of which every latency and every pick is a choice.
fn messages(record: bool) -> u64 {
    struct Ping;
    impl std::fmt::Display for Ping {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("ping")
        }
    }
    impl simq_sim::Payload for Ping {
        fn label(&self) -> &'static str {
            "ping"
        }

        fn digest(&self) -> u64 {
            1
        }

        fn duplicate(&self) -> Option<Box<dyn simq_sim::Payload>> {
            None
        }
    }
    let world = World::new(Config { record, ..Config::new(1) }).expect("a world");
    world.define("server", |process| {
        let listener = process.listen();
        process.clone().spawn(async move {
            loop {
                let connection = listener.accept().await;
                process.spawn(async move {
                    while connection.recv().await.is_some() {
                        connection.send(Box::new(Ping));
                    }
                });
            }
        });
    });
    world.define("client", |process| {
        for _ in 0..8 {
            let process = process.clone();
            process.clone().spawn(async move {
                let Ok(connection) = process.connect("server").await else { return };
                for _ in 0..2_000 {
                    connection.send(Box::new(Ping));
                    connection.recv().await;
                }
            });
        }
    });
    world.start("server");
    world.start("client");
    world.run(Duration::from_secs(3600), 10_000_000);
    world.summary().events
}

fn recording(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("choices");
    group.sample_size(20).throughput(Throughput::Elements(messages(false)));
    for record in [false, true] {
        group.bench_function(BenchmarkId::new("recorded", record), |bencher| bencher.iter(|| messages(record)));
    }
    group.finish();
}

criterion_group!(benches, worker_crash, recording);
criterion_main!(benches);

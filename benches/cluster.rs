//! The whole path of a task, simulated: publish, confirm, deliver, execute, store, ack, with JSON bodies, ledger and
//! trace hash.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use simq::scenario::{Scenario, run};
use std::path::Path;

fn scenario(tasks: u64, workers: u32) -> Scenario {
    let text = format!(
        "[settings]\nworker_prefetch_multiplier = 8\n[workers.w]\ncount = {workers}\nconcurrency = 4\n[tasks.t]\n\
         [[workload]]\ntask = \"t\"\ncount = {tasks}\nevery = \"100us\"\n[expect]\nlost = 0\nsucceeded = {tasks}\n"
    );
    Scenario::parse(Path::new("bench.toml"), text).unwrap_or_else(|problem| panic!("{problem}"))
}

fn whole_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole path");
    group.sample_size(10);
    for (tasks, workers) in [(10_000, 4), (100_000, 4), (10_000, 100)] {
        let scenario = scenario(tasks, workers);
        group.throughput(Throughput::Elements(tasks));
        group.bench_function(BenchmarkId::new(format!("{workers} workers"), tasks), |bencher| {
            bencher.iter(|| {
                let report = run(&scenario, None, 1, None, false).expect("a simulated world");
                assert!(report.passed(), "{:?}", report.failures);
            });
        });
    }
    group.finish();
}

fn worker_crash(criterion: &mut Criterion) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/worker_crash.toml");
    let scenario = Scenario::load(&file).unwrap_or_else(|problem| panic!("{problem}"));
    let mut group = criterion.benchmark_group("worker_crash");
    group.throughput(Throughput::Elements(1));
    let mut seed = 0;
    group.bench_function("seed", |bencher| {
        bencher.iter(|| {
            seed += 1;
            run(&scenario, Some("safe"), seed, None, false).expect("a simulated world")
        });
    });
    group.finish();
}

criterion_group!(benches, whole_path, worker_crash);
criterion_main!(benches);

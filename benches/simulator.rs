//! The simulator's speed on the micro-workloads of the peer benchmarks, by the code that `benches/peers/run.sh` runs.
//!
//! One iteration is one run of a workload, with the making and the end of its world; the elements are timer fires (W1)
//! and messages (W2, W3).

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use workload::Workload;

const SEED: u64 = 1;

fn simulator(criterion: &mut Criterion) {
    for workload in [Workload::W1, Workload::W2, Workload::W3] {
        let run = peer_simq::run(workload, SEED);
        let mut group = criterion.benchmark_group(workload.to_string());
        group.throughput(Throughput::Elements(run.outcome.operations));
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function("simq", |bencher| {
            bencher.iter(|| {
                let again = peer_simq::run(workload, black_box(SEED));
                assert_eq!(again.summary, run.summary, "the seed has another trace");
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = simulator
}
criterion_main!(benches);

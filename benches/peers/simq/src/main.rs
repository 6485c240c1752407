fn main() {
    workload::bench("simq", |workload, seed| peer_simq::run(workload, seed).outcome);
}

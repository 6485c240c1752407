use simq_sim::Process;
use workload::queue::{self, Fate, Message};

/// A worker: reads a job, works on it, reads the next one.
pub(super) async fn work(process: Process, seed: u64) {
    let broker = process.connect(super::BROKER).await.expect("connect");
    loop {
        super::send(&broker, Message::Fetch);
        let job = match super::decode(broker.recv().await) {
            Message::Deliver(job) => job,
            other => panic!("a worker was sent {other:?}"),
        };
        match queue::fate(seed, job) {
            Fate::Done(work) => {
                process.sleep(work).await;
                super::send(&broker, Message::Ack { id: job.id });
            }
            Fate::Lost => process.sleep(queue::AWAY).await,
        }
    }
}

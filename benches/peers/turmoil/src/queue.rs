use std::{io, net::SocketAddr};

use tokio::time::{interval, sleep};
use turmoil::net::UdpSocket;
use workload::{
    Outcome,
    queue::{self, Broker, Fate, Message},
};

/// In turmoil a latency is `1 + floor(4 x)` ms, at most 5, with `x` exponential: at this rate its mean is 3 ms.
const LATENCY_RATE: f64 = 1.2;

const BROKER: &str = "broker";

pub fn run(seed: u64) -> Outcome {
    let mut sim = crate::simulation(seed, queue::LATENCY);
    sim.set_message_latency_curve(LATENCY_RATE);
    sim.host("producer", move || async move { Ok(produce(seed).await?) });
    for worker in 0..queue::WORKERS {
        sim.host(format!("worker-{worker}"), move || async move { Ok(work(seed).await?) });
    }
    crate::run(sim, BROKER, async { Ok(serve().await?) })
}

async fn serve() -> io::Result<Outcome> {
    let socket = crate::bind().await?;
    let mut broker: Broker<SocketAddr> = Broker::new();
    let mut out = Vec::new();
    let mut sweep = interval(queue::SWEEP);
    while !broker.is_done() {
        tokio::select! {
            biased;
            received = receive(&socket) => {
                let (message, from) = received?;
                broker.receive(turmoil::elapsed(), from, message, &mut out);
            }
            _ = sweep.tick() => broker.sweep(turmoil::elapsed(), &mut out),
        }
        for (to, message) in out.drain(..) {
            send(&socket, message, to).await?;
        }
    }
    Ok(broker.outcome(turmoil::elapsed()))
}

async fn produce(seed: u64) -> io::Result<()> {
    let socket = crate::bind().await?;
    let broker = crate::address(BROKER);
    for job in queue::jobs(seed) {
        send(&socket, Message::Publish(job), broker).await?;
        assert_eq!(receive(&socket).await?.0, Message::Confirm { id: job.id });
    }
    Ok(())
}

async fn work(seed: u64) -> io::Result<()> {
    let socket = crate::bind().await?;
    let broker = crate::address(BROKER);
    loop {
        send(&socket, Message::Fetch, broker).await?;
        let (Message::Deliver(job), _) = receive(&socket).await? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        match queue::fate(seed, job) {
            Fate::Lost => sleep(queue::AWAY).await,
            Fate::Done(work) => {
                sleep(work).await;
                send(&socket, Message::Ack { id: job.id }, broker).await?;
            }
        }
    }
}

async fn send(socket: &UdpSocket, message: Message, to: SocketAddr) -> io::Result<usize> {
    socket.send_to(&message.encode(), to).await
}

async fn receive(socket: &UdpSocket) -> io::Result<(Message, SocketAddr)> {
    let mut frame = [0; queue::FRAME];
    let (_, from) = socket.recv_from(&mut frame).await?;
    Message::decode(&frame).map(|message| (message, from)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

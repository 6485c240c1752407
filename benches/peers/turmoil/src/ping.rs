use workload::{Outcome, ping};

pub fn run(seed: u64) -> Outcome {
    let mut sim = crate::simulation(seed, ping::LATENCY..=ping::LATENCY);
    sim.host("answerer", || async {
        let socket = crate::bind().await?;
        let mut frame = [0; ping::FRAME];
        loop {
            let (_, from) = socket.recv_from(&mut frame).await?;
            ping::answer(&mut frame);
            socket.send_to(&frame, from).await?;
        }
    });
    crate::run(sim, "asker", async move {
        let socket = crate::bind().await?;
        let answerer = crate::address("answerer");
        let mut pinger = ping::Pinger::new(seed);
        let mut pong = [0; ping::FRAME];
        while let Some(frame) = pinger.ping() {
            socket.send_to(frame, answerer).await?;
            socket.recv_from(&mut pong).await?;
            pinger.pong(&pong);
        }
        let done = pinger.done();
        Ok(Outcome { operations: 2 * done.count, virtual_time: turmoil::elapsed(), done })
    })
}

use std::{io, time::Duration};

use madsim::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use workload::{Outcome, ping};

pub fn run(seed: u64) -> Outcome {
    let latency = ping::LATENCY;
    let runtime = crate::runtime(seed, latency..latency + Duration::from_nanos(1));
    let [asking, answering] = [crate::address(1), crate::address(2)];
    let asker = runtime.create_node().ip(asking.ip()).build();
    let answerer = runtime.create_node().ip(answering.ip()).build();
    runtime.block_on(async move {
        let listener = answerer.spawn(TcpListener::bind(answering)).await;
        let listener = listener.expect("the answering node stopped").expect("bind");
        answerer.spawn(answer(listener));
        let asked = asker.spawn(async move { ask(TcpStream::connect(answering).await?, seed).await });
        asked.await.expect("the asking node stopped").expect("connection lost")
    })
}

async fn ask(mut stream: TcpStream, seed: u64) -> io::Result<Outcome> {
    let start = Instant::now();
    let mut pinger = ping::Pinger::new(seed);
    let mut pong = [0; ping::FRAME];
    while let Some(frame) = pinger.ping() {
        stream.write_all(frame).await?;
        stream.flush().await?;
        stream.read_exact(&mut pong).await?;
        pinger.pong(&pong);
    }
    let done = pinger.done();
    Ok(Outcome { operations: 2 * done.count, virtual_time: start.elapsed(), done })
}

async fn answer(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut frame = [0; ping::FRAME];
    loop {
        stream.read_exact(&mut frame).await?;
        ping::answer(&mut frame);
        stream.write_all(&frame).await?;
        stream.flush().await?;
    }
}

use std::{io, sync::Arc};

use madsim::{
    net::{TcpListener, TcpStream},
    task::spawn,
    time::{Instant, interval, sleep},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::{Mutex, Notify},
};
use workload::{
    Outcome,
    queue::{self, Broker, Fate, Message},
};

pub fn run(seed: u64) -> Outcome {
    let runtime = crate::runtime(seed, *queue::LATENCY.start()..*queue::LATENCY.end());
    let broker = crate::address(1);
    let serving = runtime.create_node().ip(broker.ip()).build();
    let clients: Vec<_> =
        (0..=queue::WORKERS as u8).map(|n| runtime.create_node().ip(crate::address(2 + n).ip()).build()).collect();
    runtime.block_on(async move {
        let listener = serving.spawn(TcpListener::bind(broker)).await;
        let listener = listener.expect("the broker stopped").expect("bind");
        let served = serving.spawn(serve(listener));
        let (producer, workers) = clients.split_first().expect("a producer");
        producer.spawn(async move { produce(TcpStream::connect(broker).await?, seed).await });
        for worker in workers {
            worker.spawn(async move { work(TcpStream::connect(broker).await?, seed).await });
        }
        served.await.expect("the broker stopped").expect("connection lost")
    })
}

struct Server {
    start: Instant,
    broker: Broker<usize>,
    connections: Vec<WriteHalf<TcpStream>>,
    out: Vec<(usize, Message)>,
}

impl Server {
    async fn flush(&mut self) -> io::Result<()> {
        for (to, message) in self.out.drain(..) {
            send(&mut self.connections[to], message).await?;
        }
        Ok(())
    }
}

async fn serve(listener: TcpListener) -> io::Result<Outcome> {
    let start = Instant::now();
    let server =
        Arc::new(Mutex::new(Server { start, broker: Broker::new(), connections: Vec::new(), out: Vec::new() }));
    let done = Arc::new(Notify::new());
    for id in 0..=queue::WORKERS as usize {
        let (stream, _) = listener.accept().await?;
        let (reader, writer) = tokio::io::split(stream);
        server.lock().await.connections.push(writer);
        spawn(read(reader, id, server.clone(), done.clone()));
    }
    spawn(sweep(server.clone()));
    done.notified().await;
    let server = server.lock().await;
    Ok(server.broker.outcome(start.elapsed()))
}

async fn read(
    mut reader: ReadHalf<TcpStream>,
    id: usize,
    server: Arc<Mutex<Server>>,
    done: Arc<Notify>,
) -> io::Result<()> {
    loop {
        let message = receive(&mut reader).await?;
        let mut guard = server.lock().await;
        let server = &mut *guard;
        server.broker.receive(server.start.elapsed(), id, message, &mut server.out);
        server.flush().await?;
        if server.broker.is_done() {
            done.notify_one();
        }
    }
}

async fn sweep(server: Arc<Mutex<Server>>) -> io::Result<()> {
    let mut interval = interval(queue::SWEEP);
    loop {
        interval.tick().await;
        let mut guard = server.lock().await;
        let server = &mut *guard;
        server.broker.sweep(server.start.elapsed(), &mut server.out);
        server.flush().await?;
    }
}

async fn produce(mut stream: TcpStream, seed: u64) -> io::Result<()> {
    for job in queue::jobs(seed) {
        send(&mut stream, Message::Publish(job)).await?;
        assert_eq!(receive(&mut stream).await?, Message::Confirm { id: job.id });
    }
    // Keeps the connection open: to the broker its end is an error.
    std::future::pending().await
}

async fn work(mut stream: TcpStream, seed: u64) -> io::Result<()> {
    loop {
        send(&mut stream, Message::Fetch).await?;
        let Message::Deliver(job) = receive(&mut stream).await? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        match queue::fate(seed, job) {
            Fate::Lost => sleep(queue::AWAY).await,
            Fate::Done(work) => {
                sleep(work).await;
                send(&mut stream, Message::Ack { id: job.id }).await?;
            }
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), message: Message) -> io::Result<()> {
    stream.write_all(&message.encode()).await?;
    stream.flush().await
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Message> {
    let mut frame = [0; queue::FRAME];
    stream.read_exact(&mut frame).await?;
    Message::decode(&frame).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

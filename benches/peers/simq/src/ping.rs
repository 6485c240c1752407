use std::{cell::Cell, rc::Rc, time::Duration};

use simq_sim::{Config, Connection, Process, Stop};
use workload::{Outcome, ping};

use crate::{Run, packet::Packet};

const ANSWERER: &str = "answerer";

pub(crate) fn run(seed: u64) -> Run {
    let outcome = Rc::new(Cell::new(None));
    let world = crate::world(Config { latency: (ping::LATENCY, Duration::ZERO), ..Config::new(seed) });
    world.define(ANSWERER, |process| {
        let listener = process.listen();
        process.spawn(async move { answer(listener.accept().await).await });
    });
    let asked = outcome.clone();
    world.define("asker", move |process| {
        let (inner, asked) = (process.clone(), asked.clone());
        process.spawn(async move { asked.set(Some(ask(inner, seed).await)) });
    });
    world.start(ANSWERER);
    world.start("asker");
    let summary = crate::finish(&world, Stop::Idle);
    Run { outcome: outcome.get().expect("the asker ended early"), summary }
}

async fn ask(process: Process, seed: u64) -> Outcome {
    let connection = process.connect(ANSWERER).await.expect("connect");
    let start = process.now();
    let mut pinger = ping::Pinger::new(seed);
    while let Some(frame) = pinger.ping() {
        connection.send(Packet::new("ping", *frame));
        let pong = connection.recv().await.expect("connection lost");
        pinger.pong(&Packet::from(pong).bytes);
    }
    let done = pinger.done();
    let virtual_time = Duration::from_nanos(process.now() - start);
    Outcome { operations: 2 * done.count, virtual_time, done }
}

async fn answer(connection: Connection) {
    while let Some(ping) = connection.recv().await {
        let mut frame = Packet::from(ping).bytes;
        ping::answer(&mut frame);
        connection.send(Packet::new("pong", frame));
    }
}

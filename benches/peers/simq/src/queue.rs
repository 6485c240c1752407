//! W3: the broker is an actix actor, a [`Server`] driven by the world as one future; producer and workers are plain
//! tasks, as all of them are in the other ports.

use std::{cell::Cell, rc::Rc};

use actix::{Actor, Context};
use simq_sim::{Config, Connection, Payload, Process, Stop};
use workload::queue::{self, Message};

use crate::{Run, ledger::Ledger, packet::Packet};

mod server;
mod worker;

use server::Server;
use worker::work;

const BROKER: &str = "broker";

pub(crate) fn run(seed: u64) -> Run {
    let outcome = Rc::new(Cell::new(None));
    let ledger = Ledger::new();
    let (shortest, longest) = queue::LATENCY.into_inner();
    let latency = (shortest, longest - shortest);
    let world = crate::world(Config { latency, sink: Some(Box::new(ledger.clone())), ..Config::new(seed) });
    let (served, stopper) = (outcome.clone(), world.stopper());
    world.define(BROKER, move |process| {
        let (served, stopper) = (served.clone(), stopper.clone());
        let done = move |outcome| {
            served.set(Some(outcome));
            stopper.stop();
        };
        start(&process, Server::new(process.clone(), Box::new(done)));
    });
    world.define("producer", move |process| process.spawn(produce(process.clone(), seed)));
    world.start(BROKER);
    world.start("producer");
    for worker in 0..queue::WORKERS {
        let name = format!("worker-{worker}");
        world.define(&name, move |process| process.spawn(work(process.clone(), seed)));
        world.start(&name);
    }
    let summary = crate::finish(&world, Stop::Asked);
    ledger.check();
    Run { outcome: outcome.get().expect("the broker ended early"), summary }
}

fn start<A: Actor<Context = Context<A>>>(process: &Process, actor: A) {
    process.spawn(Context::new().into_future(actor));
}

async fn produce(process: Process, seed: u64) {
    let connection = process.connect(BROKER).await.expect("connect");
    for job in queue::jobs(seed) {
        send(&connection, Message::Publish(job));
        assert_eq!(decode(connection.recv().await), Message::Confirm { id: job.id });
    }
    // Keeps the connection open: to the broker its end is an error.
    std::future::pending().await
}

fn send(connection: &Connection, message: Message) {
    let label = match message {
        Message::Publish(_) => "publish",
        Message::Confirm { .. } => "confirm",
        Message::Fetch => "fetch",
        Message::Deliver(_) => "deliver",
        Message::Ack { .. } => "ack",
    };
    connection.send(Packet::new(label, message.encode()));
}

/// What a connection has received.
///
/// # Panics
/// If the connection is lost: nothing breaks it, and the broker outlives the run.
fn decode(received: Option<Box<dyn Payload>>) -> Message {
    let payload = received.expect("connection lost");
    Message::decode(&Packet::from(payload).bytes).expect("a message of the queue")
}

use std::{
    pin::Pin,
    task::{self, Poll, ready},
};

use actix::{Actor, ActorFuture, ActorFutureExt, AsyncContext, Context, WrapFuture};
use simq_sim::{Connection, Process, Sleep};
use workload::queue::{self, Fate, Job, Message};

/// A worker's process.
pub(super) struct Worker {
    process: Process,
    seed: u64,
}

impl Worker {
    pub(super) fn new(process: Process, seed: u64) -> Self {
        Self { process, seed }
    }

    fn begin(&self, job: Job) -> Busy {
        match queue::fate(self.seed, job) {
            Fate::Done(work) => Busy { over: self.process.sleep(work), ack: Some(Message::Ack { id: job.id }) },
            Fate::Lost => Busy { over: self.process.sleep(queue::AWAY), ack: None },
        }
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(self.process.connect(super::BROKER).into_actor(self).map(|connected, _, ctx| {
            let broker = connected.expect("connect");
            super::send(&broker, Message::Fetch);
            ctx.spawn(Session { broker, busy: None });
        }));
    }
}

/// Reads a job, works on it, reads the next one.
struct Session {
    broker: Connection,
    busy: Option<Busy>,
}

struct Busy {
    over: Sleep,
    /// `None` if the job is lost.
    ack: Option<Message>,
}

impl ActorFuture<Worker> for Session {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        worker: &mut Worker,
        _: &mut Context<Worker>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        loop {
            if let Some(busy) = &mut self.busy {
                ready!(Pin::new(&mut busy.over).poll(cx));
                let ack = busy.ack.take();
                self.busy = None;
                ack.into_iter().for_each(|ack| super::send(&self.broker, ack));
                super::send(&self.broker, Message::Fetch);
            }
            match super::decode(ready!(self.broker.poll_recv(cx))) {
                Message::Deliver(job) => self.busy = Some(worker.begin(job)),
                other => panic!("a worker was sent {other:?}"),
            }
        }
    }
}

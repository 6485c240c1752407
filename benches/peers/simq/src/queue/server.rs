use std::{
    pin::Pin,
    rc::Rc,
    task::{self, Poll},
    time::Duration,
};

use actix::{Actor, ActorFuture, ActorFutureExt, AsyncContext, Context, WrapFuture};
use simq_sim::{Connection, Listener, Process};
use workload::{
    Outcome,
    queue::{self, Broker, Message},
};

use crate::ledger::Reporter;

/// The broker's process.
pub(super) struct Server {
    process: Process,
    broker: Broker<usize, Reporter>,
    connections: Vec<Connection>,
    out: Vec<(usize, Message)>,
    done: Box<dyn Fn(Outcome)>,
}

impl Server {
    /// Calls `done` when all jobs are acknowledged.
    pub(super) fn new(process: Process, done: Box<dyn Fn(Outcome)>) -> Self {
        let broker = Broker::with_ledger(Reporter(process.clone()));
        Self { process, broker, connections: Vec::new(), out: Vec::new(), done }
    }

    fn accept(&mut self, listener: Rc<Listener>, ctx: &mut Context<Self>) {
        let accepting = listener.clone();
        let next = async move { accepting.accept().await };
        ctx.spawn(next.into_actor(self).map(|connection, server, ctx| {
            server.connections.push(connection);
            if server.connections.len() as u64 <= queue::WORKERS {
                server.accept(listener, ctx);
            }
        }));
    }

    fn receive(&mut self, from: usize, message: Message) {
        self.broker.receive(self.now(), from, message, &mut self.out);
        self.flush();
        if self.broker.is_done() {
            (self.done)(self.broker.outcome(self.now()));
        }
    }

    fn sweep_later(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(self.process.sleep(queue::SWEEP).into_actor(self).map(|(), server, ctx| {
            server.broker.sweep(server.now(), &mut server.out);
            server.flush();
            server.sweep_later(ctx);
        }));
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.process.now())
    }

    fn flush(&mut self) {
        for (to, message) in self.out.drain(..) {
            super::send(&self.connections[to], message);
        }
    }
}

impl Actor for Server {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Reader);
        self.accept(Rc::new(self.process.listen()), ctx);
        self.sweep_later(ctx);
    }
}

/// Reads all connections of the server. An actor polls whatever it has spawned each time it wakes: one reader for all
/// costs less than one for each.
struct Reader;

impl ActorFuture<Server> for Reader {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        server: &mut Server,
        _: &mut Context<Server>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        for from in 0..server.connections.len() {
            while let Poll::Ready(payload) = server.connections[from].poll_recv(cx) {
                server.receive(from, super::decode(payload));
            }
        }
        Poll::Pending
    }
}

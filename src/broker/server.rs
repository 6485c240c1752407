//! Serves the embedded broker's engine to the processes that connect.
//!
//! The same code in both worlds: in production the listener hands out in-process links, in a simulated cluster
//! connections. What a durable broker would have on its disk survives the server's process where the world has durable
//! storage.

use super::amqp::{ChannelId, Engine, Event, Movement, Output};
use super::frame::{FromServer, ToServer};
use crate::collections::Map;
use crate::env::{Env, Instant, Link};
use crate::events::{self, What};
use crate::message::Message;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// The broker asks for heartbeats at least this often, as RabbitMQ does by default.
pub const HEARTBEAT: Duration = Duration::from_secs(60);

struct Server {
    env: Env,
    engine: Rc<RefCell<Engine>>,
    clients: RefCell<Map<ChannelId, Link<FromServer, ToServer>>>,
    /// When the expiry task will next wake up, and how to wake it earlier.
    expiry: Cell<Option<u64>>,
    waker: Cell<Option<Waker>>,
}

/// Passes on what the engine says. Sending to a link never calls back into the engine.
struct Outlet<'a> {
    env: &'a Env,
    clients: &'a Map<ChannelId, Link<FromServer, ToServer>>,
}

impl Output for Outlet<'_> {
    fn send(&mut self, to: ChannelId, event: Event) {
        if let Some(client) = self.clients.get(&to) {
            client.send(FromServer::Event(event));
        }
    }

    fn moved(&mut self, movement: Movement<'_>) {
        let (message, what) = match movement {
            Movement::Queued { queue, message } => (message, What::Queued { queue }),
            Movement::Delivered { queue, message, .. } => (message, What::Delivered { queue }),
            Movement::Requeued { queue, message, .. } => (message, What::Requeued { queue }),
            Movement::Acked { queue, message } => (message, What::Acked { queue }),
            Movement::Dropped { queue, message, reason } => (message, What::Dropped { queue, why: reason }),
            Movement::DeadLettered { queue, message, reason, .. } => {
                (message, What::DeadLettered { queue, why: reason.into() })
            }
        };
        self.env.emit(&events::Event { id: task_id(message), what });
    }
}

fn task_id(message: &Message) -> &str {
    message.properties.correlation_id.as_deref().unwrap_or("(no id)")
}

/// Serves under `name`.
pub fn serve(env: &Env, name: &str) {
    let server = Rc::new(Server {
        env: env.clone(),
        engine: env.durable("engine", Engine::default),
        clients: RefCell::default(),
        expiry: Cell::new(None),
        waker: Cell::new(None),
    });
    server.recover();
    let listener = env.listen(name);
    let accepting = server.clone();
    env.spawn(async move {
        loop {
            let link = Link::new(listener.accept().await);
            let channel = accepting.engine.borrow_mut().open();
            accepting.clients.borrow_mut().insert(channel, link.clone());
            accepting.env.spawn(talk(accepting.clone(), channel, link));
        }
    });
    env.spawn(expire(server));
}

impl Server {
    fn with_engine(&self, act: impl FnOnce(&mut Engine, u64, &mut Outlet<'_>)) {
        let mut engine = self.engine.borrow_mut();
        act(&mut engine, self.env.now().0, &mut Outlet { env: &self.env, clients: &self.clients.borrow() });
        let next = engine.next_deadline();
        if next.is_some() && (self.expiry.get().is_none() || next < self.expiry.get()) {
            self.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    fn recover(&self) {
        self.with_engine(|engine, now, out| engine.restart(now, out));
        let engine = self.engine.borrow();
        for stats in engine.queues() {
            for ready in engine.ready_messages(stats.queue) {
                let what = What::Recovered { queue: stats.queue };
                self.env.emit(&events::Event { id: task_id(ready.message), what });
            }
        }
    }
}

async fn talk(server: Rc<Server>, channel: ChannelId, link: Link<FromServer, ToServer>) {
    // Heartbeats only matter for clients that send them: a producer that is silent for an hour is a producer.
    let mut beats = false;
    loop {
        let limit = if beats { HEARTBEAT * 2 } else { Duration::from_secs(u64::from(u32::MAX)) };
        let heard =
            if beats { server.env.timeout(limit, link.recv()).await.unwrap_or(None) } else { link.recv().await };
        match heard {
            Some(ToServer::Method(method)) => {
                server.with_engine(|engine, now, out| engine.apply(channel, method, now, out))
            }
            Some(ToServer::Heartbeat) => {
                beats = true;
                link.send(FromServer::Heartbeat);
            }
            None => break,
        }
    }
    link.close();
    server.clients.borrow_mut().swap_remove(&channel);
    server.with_engine(|engine, now, out| engine.close(channel, now, out));
}

/// Lets messages and queues expire when they are due.
async fn expire(server: Rc<Server>) {
    loop {
        let next = server.engine.borrow().next_deadline();
        server.expiry.set(next);
        let mut sleep = server.env.sleep_until(next.map_or(Instant::NEVER, Instant));
        let mut woken = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut woken, true) && server.engine.borrow().next_deadline() != next {
                return Poll::Ready(());
            }
            server.waker.set(Some(cx.waker().clone()));
            if next.is_some() { sleep.as_mut().poll(cx) } else { Poll::Pending }
        })
        .await;
        server.with_engine(|engine, now, out| engine.expire(now, out));
    }
}

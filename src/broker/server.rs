//! Serves the embedded broker's engine to the processes that connect.
//!
//! The same code in both worlds: in production the listener hands out in-process links, in a simulated cluster
//! connections. What a durable broker would have on its disk is in a journal if there is a directory for it
//! (`embedded_directory`); else it survives the server's process where the world has durable storage.

use super::amqp::{Change, ChannelId, Engine, Event, Movement, Output, Recovery};
use super::frame::{FromServer, ToServer};
use crate::collections::Map;
use crate::env::{Deadline, Env, Instant, Link};
use crate::events::{self, What};
use crate::journal::{Clock, Journal, JournalError, Journaling, Keeper, Opened, Snapshot};
use crate::message::Message;
use crate::planted::{Fault as Planted, planted};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// The broker asks for heartbeats at least this often, as RabbitMQ does by default.
pub const HEARTBEAT: Duration = Duration::from_secs(60);

/// The broker's part of the directory.
const FOLDER: &str = "broker";

type Said = (ChannelId, Event);

pub(crate) struct Server {
    env: Env,
    engine: Rc<RefCell<Engine>>,
    journal: Option<Rc<Journal<Said>>>,
    clients: RefCell<Map<ChannelId, Link<FromServer, ToServer>>>,
    /// What the current call says, when it has to wait for the journal.
    said: RefCell<Vec<Said>>,
    stopped: Cell<bool>,
    drained: tokio::sync::Notify,
    /// What is due next.
    expiry: Deadline<u64>,
}

/// Passes on what the engine says. Sending to a link never calls back into the engine.
struct Outlet<'a> {
    server: &'a Server,
    clock: Clock,
}

impl Output for Outlet<'_> {
    fn send(&mut self, to: ChannelId, event: Event) {
        match self.server.journal {
            Some(_) if planted(Planted::ConfirmBeforeSync) => self.server.send(to, event),
            None => self.server.send(to, event),
            Some(_) => self.server.said.borrow_mut().push((to, event)),
        }
    }

    fn moved(&mut self, movement: Movement<'_>) {
        let (message, what) = what(movement);
        self.server.env.emit(&events::Event { id: task_id(message), what });
    }

    fn changed(&mut self, change: Change<'_>) -> u32 {
        let Some(journal) = &self.server.journal else { return 0 };
        let mut log = journal.log();
        let content = log.content();
        let before = content.len();
        change.write(self.clock, content);
        let bytes = content.len() - before;
        journal.account(bytes as u64, change.frees() + bytes as u64 * u64::from(!change.lasts()));
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// What a movement is to the ledger.
pub(crate) fn what(movement: Movement<'_>) -> (&Message, What<'_>) {
    match movement {
        Movement::Queued { queue, message } => (message, What::Queued { queue }),
        Movement::Delivered { queue, message, .. } => (message, What::Delivered { queue }),
        Movement::Requeued { queue, message, .. } => (message, What::Requeued { queue }),
        Movement::Acked { queue, message } => (message, What::Acked { queue }),
        Movement::Dropped { queue, message, reason } => (message, What::Dropped { queue, why: reason }),
        Movement::DeadLettered { queue, message, reason, .. } => {
            (message, What::DeadLettered { queue, why: reason.into() })
        }
    }
}

/// The id by which the ledger knows a message.
pub(crate) fn task_id(message: &Message) -> &str {
    message.properties.correlation_id.as_deref().unwrap_or("(no id)")
}

/// Serves under `name`, from memory.
pub fn serve(env: &Env, name: &str) {
    let server = Server::new(env, env.durable("engine", Engine::default), None);
    server.report_recovered();
    server.with_engine(|engine, now, out| engine.restart(now, out));
    listen(server, name);
}

/// Serves under `name` what the journal kept.
///
/// # Errors
///
/// When the journal can't be read, or another process has it.
pub(crate) async fn serve_kept(env: &Env, name: &str, journaling: &Journaling) -> Result<Rc<Server>, JournalError> {
    let mut recovery = Recovery::new(Clock::read(env));
    let opened = Opened::read(env, journaling, FOLDER, |record| recovery.replay(record))?;
    let engine = Rc::new(RefCell::new(recovery.finish()));
    // Restarted before there is a journal: the new one begins with the state after it.
    let server = Server::new(env, engine.clone(), None);
    server.report_recovered();
    server.with_engine(|engine, now, out| engine.restart(now, out));
    let journal = opened.begin(env, |snapshot| server.describe(snapshot)).await?;
    let server = Server::new(env, engine, Some(journal.clone()));
    journal.start(server.clone());
    listen(server.clone(), name);
    Ok(server)
}

fn listen(server: Rc<Server>, name: &str) {
    let listener = server.env.listen(name);
    let accepting = server.clone();
    server.env.spawn(async move {
        loop {
            let link = Link::new(listener.accept().await);
            if accepting.stopped.get() {
                link.close();
                continue;
            }
            let channel = accepting.engine.borrow_mut().open();
            accepting.clients.borrow_mut().insert(channel, link.clone());
            accepting.env.spawn(talk(accepting.clone(), channel, link));
        }
    });
    server.env.spawn(expire(server.clone()));
}

impl Server {
    fn new(env: &Env, engine: Rc<RefCell<Engine>>, journal: Option<Rc<Journal<Said>>>) -> Rc<Self> {
        Rc::new(Server {
            env: env.clone(),
            engine,
            journal,
            clients: RefCell::default(),
            said: RefCell::default(),
            stopped: Cell::new(false),
            drained: tokio::sync::Notify::new(),
            expiry: Deadline::default(),
        })
    }

    fn with_engine(&self, act: impl FnOnce(&mut Engine, u64, &mut Outlet<'_>)) {
        let mut engine = self.engine.borrow_mut();
        let now = self.env.now().0;
        let mut clock = Clock::default();
        if let Some(journal) = &self.journal {
            let full = journal.is_full();
            if engine.set_full(full) && full {
                tracing::warn!("the journal holds embedded_max_bytes: messages are refused until tasks are done");
            }
            clock = Clock { now, wall: self.env.wall().as_micros() };
        }
        act(&mut engine, now, &mut Outlet { server: self, clock });
        if let Some(journal) = &self.journal {
            journal.settle(self, &mut self.said.borrow_mut());
        }
        let next = engine.next_deadline();
        self.expiry.moved(next);
    }

    fn send(&self, to: ChannelId, event: Event) {
        if let Some(client) = self.clients.borrow().get(&to) {
            client.send(FromServer::Event(event));
        }
    }

    /// Reports what outlives the restart that follows: whatever that does with a message comes after the message itself.
    fn report_recovered(&self) {
        for (queue, message) in self.engine.borrow().lasting_messages() {
            self.env.emit(&events::Event { id: task_id(&message), what: What::Recovered { queue } });
        }
    }

    /// Waits until all clients are gone and what they sent has been carried out.
    pub(crate) async fn drained(&self) {
        while !self.clients.borrow().is_empty() {
            self.drained.notified().await;
        }
    }

    /// Leaves everything on the disk. The tasks of this process must have ended.
    pub(crate) async fn close(&self) -> Result<(), JournalError> {
        match &self.journal {
            Some(journal) => journal.close(self).await,
            None => Ok(()),
        }
    }
}

impl Keeper for Server {
    type Output = Said;

    fn describe(&self, snapshot: &mut Snapshot<'_>) {
        let clock = Clock::read(&self.env);
        self.engine.borrow().describe(|change| snapshot.part(|content| change.write(clock, content)));
    }

    /// A delivery promises nothing: it only has to be known after a kill that the client had it.
    fn promises((_, event): &Said) -> bool {
        !matches!(event, Event::Delivered(_))
    }

    fn release(&self, (to, event): Said) {
        self.send(to, event);
    }

    fn stop(&self) {
        self.stopped.set(true);
        self.clients.borrow().values().for_each(Link::close);
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
            Some(ToServer::Twin(publish)) => server.with_engine(|engine, now, out| {
                let other = engine.open();
                engine.apply(other, publish, now, out);
                engine.close(other, now, out);
            }),
            Some(ToServer::Heartbeat) => {
                beats = true;
                link.send(FromServer::Heartbeat);
            }
            Some(ToServer::Close) | None => break,
        }
    }
    link.close();
    server.clients.borrow_mut().swap_remove(&channel);
    server.with_engine(|engine, now, out| engine.close(channel, now, out));
    server.drained.notify_one();
}

/// Lets messages and queues expire when they are due.
async fn expire(server: Rc<Server>) {
    loop {
        let next = || server.engine.borrow().next_deadline();
        server.expiry.wait(&server.env, next, Instant).await;
        server.with_engine(|engine, now, out| engine.expire(now, out));
    }
}

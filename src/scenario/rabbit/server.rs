//! The process of a simulated RabbitMQ server.

use super::client::Client;
use super::disk::Disk;
use super::frame::{FromRabbit, ToRabbit};
use super::hosts::RabbitConfig;
use super::orders::obey;
use super::requests::{Answer, answer, asked, options, written};
use super::witness::Witness;
use crate::broker::amqp::{
    Change, ChannelId, Engine, Event, Method as Applied, Movement, Output, QueueOptions, closes_connection,
};
use crate::broker::server::task_id;
use crate::env::amqp::{ChannelNumber, Reply, Request, Said};
use crate::env::{Deadline, Env, Instant, Link};
use crate::events::{self, What};
use simq_sim::Process;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) struct Server {
    pub(super) env: Env,
    config: RabbitConfig,
    engine: Rc<RefCell<Engine>>,
    pub(super) disk: Disk,
    witness: RefCell<Witness>,
    /// Whose each channel of the engine is.
    pub(super) channels: RefCell<BTreeMap<ChannelId, (Rc<Client>, ChannelNumber)>>,
    pub(super) clients: RefCell<Vec<Rc<Client>>>,
    /// Who has asked what is being answered.
    asking: RefCell<Option<(Rc<Client>, ChannelNumber)>>,
    /// Channels that an error has closed.
    failed: RefCell<Vec<ChannelId>>,
    /// What is due next.
    expiry: Deadline<u64>,
}

/// Passes on what the engine says. Sending to a link never calls back into the engine.
pub(super) struct Outlet<'a>(&'a Server);

impl Output for Outlet<'_> {
    fn send(&mut self, to: ChannelId, event: Event) {
        self.0.send(to, event);
    }

    fn moved(&mut self, movement: Movement<'_>) {
        self.0.witness.borrow_mut().see(movement, &self.0.env);
    }

    fn changed(&mut self, change: Change<'_>) -> u32 {
        self.0.disk.note(&change)
    }
}

/// Serves under this process's host name.
pub(in crate::scenario) fn serve(process: &Process, env: &Env, config: RabbitConfig) {
    let mut refused = None;
    let Some(engine) = process.durable("rabbit", || {
        let mut engine = Engine::rabbit(config.engine);
        refused = declare(&mut engine, &config);
        engine
    }) else {
        return;
    };
    if let Some(why) = refused {
        tracing::error!(why, "the server does not start");
        return env.exit(1);
    }
    let Some(disk) = Disk::open(process, env, |lost| engine.borrow_mut().take_back(lost, env.now().0)) else { return };
    let server = Rc::new(Server {
        env: env.clone(),
        config,
        engine: engine.clone(),
        disk,
        witness: RefCell::default(),
        channels: RefCell::default(),
        clients: RefCell::default(),
        asking: RefCell::default(),
        failed: RefCell::default(),
        expiry: Deadline::default(),
    });
    server.recover();
    env.spawn(accept(server.clone()));
    env.spawn(expire(server.clone()));
    env.spawn(sync(server.clone()));
    env.spawn(obey(server, process.clone()));
}

/// Declares the queues that are there from the beginning; returns what is wrong with them.
fn declare(engine: &mut Engine, config: &RabbitConfig) -> Option<String> {
    let mut said = Refusals::default();
    let channel = engine.open();
    for (queue, arguments) in &config.queues {
        let options = QueueOptions { durable: true, ..options(arguments) };
        engine.apply(channel, Applied::QueueDeclare { queue: queue.clone(), passive: false, options }, 0, &mut said);
    }
    engine.close(channel, 0, &mut said);
    said.0
}

#[derive(Default)]
struct Refusals(Option<String>);

impl Output for Refusals {
    fn send(&mut self, _: ChannelId, event: Event) {
        if let Event::Closed { text, .. } = event {
            self.0.get_or_insert(text);
        }
    }

    fn moved(&mut self, _: Movement<'_>) {}
}

impl Server {
    /// Reports what outlives the restart that follows: whatever that does with a message comes after the message itself.
    fn recover(&self) {
        for (queue, message) in self.engine.borrow().lasting_messages() {
            self.env.emit(&events::Event { id: task_id(&message), what: What::Recovered { queue } });
        }
        self.with_engine(|engine, now, out| engine.restart(now, out));
    }

    pub(super) fn with_engine<T>(&self, act: impl FnOnce(&mut Engine, u64, &mut Outlet<'_>) -> T) -> T {
        let mut engine = self.engine.borrow_mut();
        let done = act(&mut engine, self.env.now().0, &mut Outlet(self));
        // The client's answer to the close is taken for granted.
        for failed in self.failed.take() {
            let first = self.clients.borrow().iter().any(|client| client.first == failed);
            if !first {
                engine.close_channel(failed, self.env.now().0, &mut Outlet(self));
            }
        }
        let next = engine.next_deadline();
        drop(engine);
        self.disk.write();
        self.expiry.moved(next);
        done
    }

    fn send(&self, to: ChannelId, event: Event) {
        let Some(event) = self.disk.hold_back(to, event) else { return };
        self.send_now(to, event);
    }

    fn send_now(&self, to: ChannelId, event: Event) {
        let Some((client, number)) = self.channels.borrow().get(&to).cloned() else { return };
        match answer(number, event) {
            Answer::Said(said) => {
                match said {
                    Said::Blocked(_) => client.set_blocked(true),
                    Said::Unblocked => client.set_blocked(false),
                    _ => {}
                }
                client.say(said);
            }
            Answer::Reply(reply) => match &*self.asking.borrow() {
                Some((client, number)) => client.send(FromRabbit::Reply(*number, reply)),
                None => client.send(FromRabbit::Reply(number, reply)),
            },
            Answer::Closed { code, text } if closes_connection(code) => {
                client.say(Said::Closed { code, text });
                client.close();
            }
            Answer::Closed { code, text } => {
                self.channels.borrow_mut().remove(&to);
                client.channels.borrow_mut().remove(&number);
                self.failed.borrow_mut().push(to);
                client.say(Said::ChannelClosed { channel: number, code, text });
            }
        }
    }

    fn open_channel(&self, client: &Rc<Client>, number: ChannelNumber) {
        let opened = match number {
            FIRST if !client.used_first.replace(true) => Some(client.first),
            _ => self.engine.borrow_mut().open_channel(client.first, number),
        };
        let Some(channel) = opened else { return };
        client.channels.borrow_mut().insert(number, channel);
        self.channels.borrow_mut().insert(channel, (client.clone(), number));
        client.send(FromRabbit::Reply(number, Reply::Done));
    }

    fn hear(&self, client: &Rc<Client>, frame: ToRabbit) {
        match frame {
            ToRabbit::Ask(number, Request::OpenChannel) => self.open_channel(client, number),
            ToRabbit::Ask(number, request) => {
                let Some(method) = asked(request) else { return };
                *self.asking.borrow_mut() = Some((client.clone(), number));
                self.apply(client, number, method);
                self.asking.borrow_mut().take();
            }
            ToRabbit::Write(number, method) => self.apply(client, number, written(method)),
            ToRabbit::Twin(publish) => self.with_engine(|engine, now, out| {
                let other = engine.open();
                engine.apply(other, written(publish), now, out);
                engine.close(other, now, out);
            }),
            ToRabbit::Open { .. } | ToRabbit::Heartbeat | ToRabbit::Close => {}
        }
    }

    /// What comes for a channel that an error has closed is ignored.
    fn apply(&self, client: &Client, number: ChannelNumber, method: Applied) {
        let channel = client.channels.borrow().get(&number).copied();
        if let Some(channel) = channel {
            self.with_engine(|engine, now, out| engine.apply(channel, method, now, out));
        }
    }

    fn gone(&self, client: &Rc<Client>) {
        client.close();
        self.clients.borrow_mut().retain(|other| !Rc::ptr_eq(other, client));
        self.channels.borrow_mut().retain(|_, (other, _)| !Rc::ptr_eq(other, client));
        self.with_engine(|engine, now, out| engine.close(client.first, now, out));
    }
}

/// The channel that a connection of the engine begins with.
const FIRST: ChannelNumber = 1;

async fn accept(server: Rc<Server>) {
    let listener = server.env.listen("rabbit");
    loop {
        let link = Link::new(listener.accept().await);
        server.env.spawn(talk(server.clone(), link));
    }
}

async fn talk(server: Rc<Server>, link: Link<FromRabbit, ToRabbit>) {
    let Some(ToRabbit::Open { heartbeat }) = link.recv().await else { return link.close() };
    let heartbeat = match (heartbeat, server.config.heartbeat) {
        (0, other) | (other, 0) => other,
        (theirs, own) => theirs.min(own),
    };
    let first = server.engine.borrow_mut().open();
    let client = Rc::new(Client::new(&server.env, link, first));
    server.clients.borrow_mut().push(client.clone());
    client.send(FromRabbit::Opened { heartbeat });
    if heartbeat > 0 {
        server.env.spawn(client.clone().beat(heartbeat));
    }
    while let Some(frame) = client.next().await {
        if matches!(frame, ToRabbit::Close) {
            client.send(FromRabbit::Closed);
            break;
        }
        server.hear(&client, frame);
    }
    server.gone(&client);
}

/// Lets messages and queues expire when they are due.
async fn expire(server: Rc<Server>) {
    loop {
        let next = || server.engine.borrow().next_deadline();
        server.expiry.wait(&server.env, next, Instant).await;
        server.with_engine(|engine, now, out| engine.expire(now, out));
    }
}

/// Syncs whatever there is to be synced, and then confirms it.
async fn sync(server: Rc<Server>) {
    loop {
        for (to, confirm) in server.disk.sync().await {
            server.send_now(to, confirm);
        }
    }
}

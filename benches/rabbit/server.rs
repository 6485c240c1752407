//! A RabbitMQ for messages and a Redis for results, and what is asked of them while somebody else works with them.

use super::peer_arms::Peer;
use super::processes;
use super::servers::{Rabbit, Redis};
use super::simq_arms::Site;
use lapin::options::QueueDeclareOptions;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

static NODE: LazyLock<Rabbit> = LazyLock::new(Rabbit::start);
static MADE: AtomicUsize = AtomicUsize::new(0);

/// What everybody works with.
pub(super) struct Server {
    redis: Redis,
    vhost: String,
}

impl Server {
    pub(super) fn start() -> Server {
        let vhost = format!("arm{}", MADE.fetch_add(1, Ordering::Relaxed));
        NODE.make_vhosts(std::slice::from_ref(&vhost));
        Server { redis: Redis::start(), vhost }
    }

    pub(super) fn results(&self) -> redis::Connection {
        self.redis.connection()
    }
}

/// Its addresses.
pub(super) fn site(server: &Server) -> Site {
    Site { broker: NODE.url_of(&server.vhost), results: server.redis.url(0) }
}

/// Other crates that work with RabbitMQ.
pub(super) const PEERS: &[Peer] =
    &[Peer { name: "crate celery 0.5", word: "celery", wire: Wire::Kombu, keeps_results: false, most: usize::MAX }];

/// How a queue is laid out: there is one way.
#[derive(Clone, Copy)]
pub(super) enum Wire {
    Kombu,
}

/// Looks on, over one connection.
pub(super) struct Observer {
    runtime: tokio::runtime::Runtime,
    connection: lapin::Connection,
    /// `None`: it was closed, for there is no queue yet.
    channel: Option<lapin::Channel>,
}

/// What the node did.
#[derive(Clone, Copy)]
pub(super) struct Served {
    pub(super) cpu_micros: f64,
    pub(super) commands: Option<f64>,
}

impl Observer {
    pub(super) fn new(server: &Server, _: Wire) -> Observer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (site, properties) = (site(server), lapin::ConnectionProperties::default());
        let connecting = lapin::Connection::connect(&site.broker, properties);
        let connection = runtime.block_on(connecting).expect("RabbitMQ answers");
        Observer { runtime, connection, channel: None }
    }

    /// Messages that are ready. What a worker holds can't be seen: the window is full at the begin and at the end of what is
    /// measured, so that as many tasks are done meanwhile as messages go out.
    fn ready(&mut self) -> usize {
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let looking = async {
            let channel = match self.channel.take() {
                Some(channel) => channel,
                None => self.connection.create_channel().await.expect("a channel"),
            };
            let declared = channel.queue_declare("celery".into(), look, Default::default()).await.ok()?;
            Some((channel, declared.message_count() as usize))
        };
        let (channel, ready) = self.runtime.block_on(looking).unzip();
        self.channel = channel;
        ready.unwrap_or(0)
    }

    /// A tenth is gone: windows are full.
    pub(super) fn has_begun(&mut self, tasks: usize) -> bool {
        self.ready() <= tasks * 9 / 10
    }

    pub(super) fn left(&mut self, _: usize) -> usize {
        self.ready()
    }

    /// What was done so far no longer counts.
    pub(super) fn reset(&mut self) -> Served {
        self.served()
    }

    pub(super) fn served(&mut self) -> Served {
        Served { cpu_micros: processes::cpu_micros(&processes::tree(NODE.pid())), commands: None }
    }
}

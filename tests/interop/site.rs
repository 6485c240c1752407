//! The servers of one test: results are on a Redis of its own, messages there or on RabbitMQ.

use crate::servers::{Rabbit, Redis};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

/// Where messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arm {
    Redis,
    Rabbit,
}

/// Each of these tests once on each broker.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_redis {
            $(#[test] fn $test() { super::$test(crate::site::Arm::Redis); })*
        }
        mod on_rabbit {
            $(#[test] fn $test() { super::$test(crate::site::Arm::Rabbit); })*
        }
    };
}
pub(crate) use on_both;

/// The node of all tests, which takes seconds to start. It ends with the process.
static NODE: LazyLock<Rabbit> = LazyLock::new(Rabbit::start);
/// Virtual hosts that nobody has used, and how many there have been. Made by the dozen: the tool takes long to start.
static UNUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());
static MADE: AtomicUsize = AtomicUsize::new(0);
const DOZEN: usize = 12;

fn vhost() -> String {
    let mut unused = UNUSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if unused.is_empty() {
        let first = MADE.fetch_add(DOZEN, Ordering::Relaxed);
        *unused = (first..first + DOZEN).map(|number| format!("test{number}")).collect();
        NODE.make_vhosts(&unused);
    }
    unused.pop().expect("one was made")
}

impl Arm {
    /// Servers that nobody has used.
    pub(crate) fn site(self) -> Site {
        Site { redis: Redis::start(), vhost: (self == Arm::Rabbit).then(vhost) }
    }
}

pub(crate) struct Site {
    pub(crate) redis: Redis,
    vhost: Option<String>,
}

impl Site {
    pub(crate) fn broker(&self) -> String {
        self.vhost.as_ref().map_or_else(|| self.redis.url(0), |vhost| NODE.url_of(vhost))
    }

    pub(crate) fn results(&self) -> String {
        self.redis.url(1)
    }

    /// What RabbitMQ lists of this test's own.
    pub(crate) fn list(&self, command: &str, columns: &[&str]) -> Vec<Vec<String>> {
        NODE.list(command, self.vhost.as_deref().expect("on RabbitMQ"), columns)
    }

    /// How many messages are ready in a queue of RabbitMQ: a look that takes no time.
    pub(crate) async fn ready(&self, channel: &lapin::Channel, queue: &str) -> u32 {
        let look = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        channel.queue_declare(queue.into(), look, Default::default()).await.expect("a queue").message_count()
    }

    /// A connection of the test's own to RabbitMQ.
    pub(crate) async fn channel(&self) -> (lapin::Connection, lapin::Channel) {
        let connection =
            lapin::Connection::connect(&self.broker(), Default::default()).await.expect("RabbitMQ answers");
        let channel = connection.create_channel().await.expect("a channel");
        (connection, channel)
    }

    /// How many messages are delivered and not acked.
    pub(crate) fn unacked(&self) -> u32 {
        if self.vhost.is_none() {
            return redis::cmd("HLEN").arg("unacked").query(&mut self.redis.connection()).expect("an answer");
        }
        let queues = self.list("list_queues", &["messages_unacknowledged"]);
        queues.iter().flatten().map(|count| count.parse::<u32>().expect("a number")).sum()
    }
}

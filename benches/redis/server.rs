//! What is asked of Redis while somebody else works with it.

use super::peer_arms::Peer;
use super::servers::Redis;
use super::simq_arms::Site;

/// What everybody works with.
pub(super) type Server = Redis;

/// Its addresses.
pub(super) fn site(redis: &Redis) -> Site {
    Site { broker: redis.url(0), results: redis.url(0) }
}

/// How a queue and what is under way are laid out.
#[derive(Clone, Copy)]
pub(super) enum Wire {
    /// Celery's own.
    Kombu,
    /// The crate `celery`: Celery's queue, and a hash of its own.
    CeleryCrate,
    /// The crate `apalis-redis`.
    Apalis,
}

/// Other crates that work with Redis.
///
/// A worker of apalis-redis ends when it finds more than 7,999 tasks: a script of its has too many arguments.
pub(super) const PEERS: &[Peer] = &[
    Peer { name: "crate celery 0.5", word: "celery", wire: Wire::CeleryCrate, keeps_results: false, most: usize::MAX },
    Peer { name: "crate apalis-redis 1.0", word: "apalis", wire: Wire::Apalis, keeps_results: true, most: 7_000 },
];

/// Looks on, over one connection.
pub(super) struct Observer {
    connection: redis::Connection,
    wire: Wire,
    /// Commands that it sent itself since [`Observer::reset`].
    own: usize,
}

/// What Redis did since [`Observer::reset`].
#[derive(Clone, Copy)]
pub(super) struct Served {
    pub(super) cpu_micros: f64,
    /// Commands carried out, those in scripts too.
    pub(super) commands: Option<f64>,
}

impl Observer {
    pub(super) fn new(redis: &Redis, wire: Wire) -> Observer {
        Observer { connection: redis.connection(), wire, own: 0 }
    }

    /// How many of `tasks` are waiting or under way.
    pub(super) fn left(&mut self, tasks: usize) -> usize {
        let mut pipe = redis::pipe();
        match self.wire {
            Wire::Kombu => pipe.cmd("LLEN").arg("celery").cmd("HLEN").arg("unacked"),
            Wire::CeleryCrate => pipe.cmd("LLEN").arg("celery").cmd("HLEN").arg("_celery.celery_process_map"),
            Wire::Apalis => pipe.cmd("SCARD").arg("bench:done"),
        };
        let sum = self.counts(&pipe).iter().sum();
        match self.wire {
            Wire::Apalis => tasks.saturating_sub(sum),
            _ => sum,
        }
    }

    /// Whether somebody has begun with them.
    pub(super) fn has_begun(&mut self, tasks: usize) -> bool {
        self.waiting() < tasks
    }

    /// How many wait in the queue.
    fn waiting(&mut self) -> usize {
        let mut pipe = redis::pipe();
        match self.wire {
            Wire::Apalis => pipe.cmd("LLEN").arg("bench:active").cmd("ZCARD").arg("bench:scheduled"),
            _ => pipe.cmd("LLEN").arg("celery"),
        };
        self.counts(&pipe).iter().sum()
    }

    fn counts(&mut self, pipe: &redis::Pipeline) -> Vec<usize> {
        let counts: Vec<usize> = pipe.query(&mut self.connection).expect("redis answers");
        self.own += counts.len();
        counts
    }

    /// What was done so far no longer counts.
    pub(super) fn reset(&mut self) -> Served {
        redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut self.connection).expect("redis answers");
        self.own = 1;
        self.served()
    }

    /// Processor time since the server's start, and commands since the last reset.
    pub(super) fn served(&mut self) -> Served {
        let info: String =
            redis::cmd("INFO").arg("cpu").arg("commandstats").query(&mut self.connection).expect("redis answers");
        let number = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.parse().ok()).unwrap_or(0.0)
        };
        let calls =
            info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once("calls=")?.1.split_once(','));
        let calls: f64 = calls.filter_map(|(calls, _)| calls.parse::<f64>().ok()).sum();
        let served = Served {
            cpu_micros: (number("used_cpu_sys:") + number("used_cpu_user:")) * 1e6,
            commands: Some((calls - self.own as f64).max(0.0)),
        };
        self.own += 1;
        served
    }
}

//! A Sentinel: which server is the master of a name, and who follows it.
//!
//! It does not watch servers itself: the world tells it that a master is down or that another has taken over, because
//! how long Sentinels need to agree is a fault's business. Subscribers of `+switch-master` are told, as real ones are.

use super::args::is;
use super::call::bulk;
use super::errors::Error;
use super::{ClientId, Crash, Micros, Redis, RedisConfig};
use ::redis::Value;
use std::collections::BTreeMap;

/// Host and port of a server.
pub type Address = (String, u16);

struct Watched {
    master: Address,
    replicas: Vec<Address>,
    down: bool,
    epoch: u64,
}

/// Commands that it has from Redis; all others but `SENTINEL` are unknown to it.
const SHARED: [&str; 12] = [
    "ping",
    "auth",
    "hello",
    "client",
    "subscribe",
    "unsubscribe",
    "psubscribe",
    "punsubscribe",
    "publish",
    "quit",
    "reset",
    "command",
];

/// A Sentinel process.
pub struct Sentinel {
    redis: Redis,
    /// Milliseconds.
    down_after: i64,
    watched: BTreeMap<String, Watched>,
}

impl Sentinel {
    /// One that watches nothing yet, with this password if any. It says that it calls a master down after so many
    /// milliseconds without an answer.
    pub fn new(requirepass: Option<String>, down_after: i64) -> Self {
        let redis = Redis::new(RedisConfig { requirepass, ..RedisConfig::default() });
        Sentinel { redis, down_after, watched: BTreeMap::new() }
    }

    /// Watches a master and its replicas under this name.
    pub fn watch(&mut self, name: &str, master: Address, replicas: Vec<Address>) {
        self.watched.insert(name.to_owned(), Watched { master, replicas, down: false, epoch: 0 });
    }

    /// The master does not answer; nobody has taken over yet.
    pub fn mark_down(&mut self, name: &str) {
        if let Some(watched) = self.watched.get_mut(name) {
            watched.down = true;
        }
    }

    /// The master answers again.
    pub fn mark_up(&mut self, name: &str) {
        if let Some(watched) = self.watched.get_mut(name) {
            watched.down = false;
        }
    }

    /// The master of a name.
    pub fn master(&self, name: &str) -> Option<&Address> {
        self.watched.get(name).map(|watched| &watched.master)
    }

    /// The server went down and comes up again: connections and subscriptions are gone, what it knows is not.
    pub fn restart(&mut self) {
        self.redis.restart(0, Crash::Power);
    }

    /// A replica has taken over. The old master becomes a replica in the list; subscribers are told.
    pub fn switch_master(&mut self, name: &str, to: Address, now: Micros, out: &mut Vec<(ClientId, Value)>) {
        let Some(watched) = self.watched.get_mut(name) else { return };
        watched.replicas.retain(|replica| *replica != to);
        let old = std::mem::replace(&mut watched.master, to.clone());
        watched.replicas.push(old.clone());
        watched.down = false;
        watched.epoch += 1;
        let message = format!("{name} {} {} {} {}", old.0, old.1, to.0, to.1);
        self.redis.announce(b"+switch-master", message.as_bytes(), now, out);
    }

    /// A client has connected.
    pub fn connect(&mut self, client: ClientId) {
        self.redis.connect(client);
    }

    /// A connection is gone.
    pub fn disconnect(&mut self, client: ClientId) {
        self.redis.disconnect(client);
    }

    /// As [`Redis::apply`].
    pub fn apply(&mut self, client: ClientId, args: &[Vec<u8>], now: Micros, out: &mut Vec<(ClientId, Value)>) {
        let Some(name) = args.first() else { return };
        if SHARED.iter().any(|shared| is(name, shared)) {
            return self.redis.apply(client, args, now, out);
        }
        if let Err(refusal) = self.redis.admits_to_sentinel(client) {
            return out.push((client, refusal.into()));
        }
        let reply = match name {
            name if is(name, "sentinel") => self.answer(args),
            name if is(name, "role") => {
                let names = self.watched.keys().map(|name| bulk(name.as_bytes())).collect();
                Ok(Value::Array(vec![bulk(b"sentinel"), Value::Array(names)]))
            }
            name if is(name, "info") => Ok(bulk(b"# Server\r\nredis_version:7.0.15\r\nredis_mode:sentinel\r\n")),
            _ => Err(Error::unknown_command(args)),
        };
        out.push((client, reply.unwrap_or_else(Value::from)));
    }

    fn answer(&self, args: &[Vec<u8>]) -> Result<Value, Error> {
        let word = args.get(1).ok_or_else(|| Error::arity("sentinel"))?.to_ascii_lowercase();
        let word = String::from_utf8_lossy(&word).into_owned();
        let wanted = match word.as_str() {
            "masters" | "myid" => 2,
            "master" | "replicas" | "slaves" | "sentinels" | "get-master-addr-by-name" => 3,
            _ => return Err(Error::subcommand("sentinel", &args[1])),
        };
        if args.len() != wanted {
            return Err(Error::arity(&format!("sentinel|{word}")));
        }
        let name = args.get(2).map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
        let watched = self.watched.get(&name).ok_or(Error::fixed("ERR No such master with that name"));
        match word.as_str() {
            "masters" => Ok(Value::Array(
                self.watched.iter().map(|(name, watched)| watched.describe(name, self.down_after)).collect(),
            )),
            "myid" => Ok(bulk(&[b'0'; 40])),
            "get-master-addr-by-name" => Ok(watched.map_or(Value::Nil, |watched| {
                Value::Array(vec![bulk(watched.master.0.as_bytes()), bulk(watched.master.1.to_string().as_bytes())])
            })),
            "master" => watched.map(|watched| watched.describe(&name, self.down_after)),
            "sentinels" => watched.map(|_| Value::Array(Vec::new())),
            _ => watched.map(|watched| {
                Value::Array(watched.replicas.iter().map(|it| watched.replica(it, self.down_after)).collect())
            }),
        }
    }
}

impl Watched {
    fn describe(&self, name: &str, down_after: i64) -> Value {
        let flags = if self.down { "master,s_down,o_down" } else { "master" };
        let mut fields = instance(name, &self.master, flags, down_after);
        fields.push(("role-reported", "master".into()));
        fields.push(("config-epoch", self.epoch.to_string()));
        fields.push(("num-slaves", self.replicas.len().to_string()));
        fields.push(("num-other-sentinels", "0".into()));
        fields.push(("quorum", "1".into()));
        fields.push(("failover-timeout", "180000".into()));
        fields.push(("parallel-syncs", "1".into()));
        flat(fields)
    }

    fn replica(&self, address: &Address, down_after: i64) -> Value {
        let name = format!("{}:{}", address.0, address.1);
        let mut fields = instance(&name, address, "slave", down_after);
        fields.push(("role-reported", "slave".into()));
        fields.push(("master-link-status", if self.down { "err" } else { "ok" }.into()));
        fields.push(("master-host", self.master.0.clone()));
        fields.push(("master-port", self.master.1.to_string()));
        fields.push(("slave-priority", "100".into()));
        flat(fields)
    }
}

fn instance(name: &str, address: &Address, flags: &str, down_after: i64) -> Vec<(&'static str, String)> {
    vec![
        ("name", name.into()),
        ("ip", address.0.clone()),
        ("port", address.1.to_string()),
        ("flags", flags.into()),
        ("link-pending-commands", "0".into()),
        ("down-after-milliseconds", down_after.to_string()),
    ]
}

fn flat(fields: Vec<(&'static str, String)>) -> Value {
    Value::Array(fields.into_iter().flat_map(|(name, value)| [bulk(name.as_bytes()), bulk(value.as_bytes())]).collect())
}

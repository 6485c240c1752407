//! The same commands to the simulated server and to the real one; their replies side by side.

use crate::redis_real::compare::{first_word, in_order, is_told, same};
use crate::redis_real::server::{Connection, RealRedis};
use crate::redis_real::twins;
use simq_sim::redis::{ClientId, Redis, RedisConfig, Value};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whose connection looks at the servers from outside of the sequence.
const OBSERVER: ClientId = 100;

pub(crate) struct Pair {
    pub(crate) sim: Redis,
    observer: Connection,
    connections: Vec<Connection>,
    /// Commands of each client that wait for `EXEC`, to know what its replies answer.
    queued: BTreeMap<ClientId, Vec<Vec<Vec<u8>>>>,
    /// Commands of blocked clients, whose replies come later.
    unanswered: BTreeMap<ClientId, Vec<Vec<Vec<u8>>>>,
}

pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(now.as_micros()).expect("a clock of this age")
}

impl Pair {
    /// Two empty servers and this many clients of both.
    pub(crate) fn new(real: &RealRedis, clients: usize) -> Self {
        let mut observer = real.connect();
        for kind in ["normal", "pubsub"] {
            observer.ask(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
        }
        observer.ask(&["FLUSHALL"]);
        observer.ask(&["SCRIPT", "FLUSH"]);
        let mut sim = Redis::new(RedisConfig::default());
        twins::declare(&mut sim);
        sim.connect(OBSERVER);
        (0..clients).for_each(|client| sim.connect(client as ClientId));
        let connections = (0..clients).map(|_| real.connect()).collect();
        Pair { sim, observer, connections, queued: BTreeMap::new(), unanswered: BTreeMap::new() }
    }

    /// Whether it is, or will be once it is not blocked any more.
    pub(crate) fn in_transaction(&self, client: ClientId) -> bool {
        let ahead = self.unanswered.get(&client).into_iter().flatten();
        self.queued.contains_key(&client) || ahead.into_iter().any(|args| args[0].eq_ignore_ascii_case(b"multi"))
    }

    /// One command of one client on both sides.
    pub(crate) fn step(&mut self, client: ClientId, args: &[Vec<u8>]) -> Result<(), String> {
        let mut out = Vec::new();
        self.unanswered.entry(client).or_default().push(args.to_vec());
        self.sim.apply(client, args, now(), &mut out);
        self.connections[client as usize].send(args);
        let silent = out.iter().all(|(to, _)| *to != client);
        self.compare_all(out)?;
        if silent {
            self.fence();
        }
        self.expect_silence()
    }

    /// Time passes on both sides.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<(), String> {
        std::thread::sleep(time);
        let mut out = Vec::new();
        self.sim.tick(now(), &mut out);
        self.compare_all(out)?;
        self.expect_silence()
    }

    fn compare_all(&mut self, out: Vec<(ClientId, Value)>) -> Result<(), String> {
        let mut replies: BTreeMap<ClientId, (Vec<Value>, Vec<Option<Value>>)> = BTreeMap::new();
        for (to, ours) in out {
            let both = replies.entry(to).or_default();
            both.0.push(ours);
            both.1.push(self.connections[to as usize].receive());
        }
        for (to, (ours, theirs)) in replies {
            for (ours, theirs) in in_order(ours.into_iter().map(Some)).into_iter().zip(in_order(theirs.into_iter())) {
                self.compare(to, ours.unwrap_or(Value::Nil), theirs)?;
            }
        }
        Ok(())
    }

    /// All that was sent before this has been answered after it, as far as it ever will be.
    fn fence(&mut self) {
        // Replies of one turn of the server's loop are written in any order: the second turn comes after all of them.
        self.observer.ask(&["PING"]);
        self.observer.ask(&["PING"]);
    }

    pub(crate) fn expect_silence(&mut self) -> Result<(), String> {
        for (client, connection) in self.connections.iter_mut().enumerate() {
            if let Some(value) = connection.stray() {
                return Err(format!("client {client}: only redis-server answered: {}", show(&value)));
            }
        }
        Ok(())
    }

    fn compare(&mut self, client: ClientId, ours: Value, theirs: Option<Value>) -> Result<(), String> {
        let args = self.answered(client, &ours);
        let shown = show_command(&args);
        let Some(theirs) = theirs else {
            return Err(format!("client {client}: {shown}: only the simulation answered: {}", show(&ours)));
        };
        let queue = self.queued.get(&client).cloned().unwrap_or_default();
        let same = same(&args, &queue, &ours, &theirs);
        self.follow(client, &args, &ours);
        if same {
            return Ok(());
        }
        Err(format!("client {client}: {shown}\n  simulated: {}\n  real:      {}", show(&ours), show(&theirs)))
    }

    /// The command that a reply answers; a pushed message answers none, and subscriptions have a reply for each channel.
    fn answered(&mut self, client: ClientId, reply: &Value) -> Vec<Vec<u8>> {
        let word = first_word(reply);
        let commands = self.unanswered.entry(client).or_default();
        let subscribes = |command: &Vec<Vec<u8>>| command[0].to_ascii_lowercase().ends_with(b"subscribe");
        let further = word.ends_with(b"subscribe") && !commands.first().is_some_and(subscribes);
        if is_told(reply) || further || commands.is_empty() { Vec::new() } else { commands.remove(0) }
    }

    fn follow(&mut self, client: ClientId, args: &[Vec<u8>], reply: &Value) {
        let name = args.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        match (name.as_slice(), reply) {
            (b"multi", Value::Okay) => _ = self.queued.insert(client, Vec::new()),
            (b"exec" | b"discard" | b"reset", _) if !matches!(reply, Value::SimpleString(word) if word == "QUEUED") => {
                self.queued.remove(&client);
            }
            (_, Value::SimpleString(word)) if word == "QUEUED" => {
                self.queued.entry(client).or_default().push(args.to_vec());
            }
            _ => {}
        }
    }

    /// The same question to both, outside of the sequence.
    fn observe(&mut self, words: &[&[u8]]) -> Result<(Value, Value), String> {
        let args: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
        let mut out = Vec::new();
        self.sim.apply(OBSERVER, &args, now(), &mut out);
        self.observer.send(&args);
        let theirs = self.observer.receive().ok_or("the observer got no answer")?;
        let (_, ours) = out.pop().ok_or("the simulated observer got no answer")?;
        if same(&args, &[], &ours, &theirs) {
            return Ok((ours, theirs));
        }
        Err(format!(
            "in the end: {}\n  simulated: {}\n  real:      {}",
            show_command(&args),
            show(&ours),
            show(&theirs)
        ))
    }

    /// A question to the simulated server alone.
    pub(crate) fn ask_simulated(&mut self, args: &[Vec<u8>]) -> Value {
        let mut out = Vec::new();
        self.sim.apply(OBSERVER, args, now(), &mut out);
        out.pop().map_or(Value::Nil, |(_, value)| value)
    }

    /// Both servers hold the same, and the same clients wait.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        self.fence();
        self.expect_silence()?;
        let info = self.observer.ask(&["INFO", "clients"]);
        let Value::BulkString(info) = info else { return Err("INFO is no text".into()) };
        let blocked = format!("blocked_clients:{}\r\n", self.sim.blocked_clients());
        if !String::from_utf8_lossy(&info).contains(&blocked) {
            return Err(format!("simulated {blocked} but really {}", String::from_utf8_lossy(&info)));
        }
        self.observe(&[b"PUBSUB", b"CHANNELS"])?;
        self.observe(&[b"PUBSUB", b"NUMSUB", b"c0", b"c1", b"d0"])?;
        self.observe(&[b"PUBSUB", b"NUMPAT"])?;
        for db in ["0", "1"] {
            self.observe(&[b"SELECT", db.as_bytes()])?;
            let (_, keys) = self.observe(&[b"KEYS", b"*"])?;
            let Value::Array(keys) = keys else { return Err("KEYS gave no array".into()) };
            for key in keys {
                let Value::BulkString(key) = key else { return Err("a key is no text".into()) };
                self.observe_key(&key)?;
            }
        }
        Ok(())
    }

    fn observe_key(&mut self, key: &[u8]) -> Result<(), String> {
        let (kind, _) = self.observe(&[b"TYPE", key])?;
        self.observe(&[b"PTTL", key])?;
        let Value::SimpleString(kind) = kind else { return Err("a type is no word".into()) };
        let question: &[&[u8]] = match kind.as_str() {
            "string" => &[b"GET", key],
            "list" => &[b"LRANGE", key, b"0", b"-1"],
            "hash" => &[b"HGETALL", key],
            "set" => &[b"SMEMBERS", key],
            _ => &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
        };
        self.observe(question).map(|_| ())
    }
}

pub(crate) fn show_command(args: &[Vec<u8>]) -> String {
    let words: Vec<String> = args.iter().map(|arg| format!("{:?}", String::from_utf8_lossy(arg))).collect();
    words.join(" ")
}

pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::BulkString(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Nil => "nil".to_owned(),
        Value::Okay => "Okay".to_owned(),
        Value::ServerError(error) => format!("{} {}", error.code(), error.details().unwrap_or_default()),
        other => format!("{other:?}"),
    }
}

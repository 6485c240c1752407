//! Proof that `simq_sim::redis` is Redis: random sequences of commands on several connections get the same replies from
//! it and from a real server, wake the same clients, and leave the same data.

#![allow(clippy::disallowed_methods, reason = "the real server is what is compared with")]

mod redis_real;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use redis_real::pair::{Pair, now, show, show_command};
use redis_real::server::RealRedis;
use redis_real::twins;
use redis_real::words::{Dice, SCRIPTS, TEMPLATES, fill};
use simq_sim::redis::{ClientId, Crash, Micros, Persistence, Redis, RedisConfig, Value};
use std::collections::BTreeSet;
use std::time::Duration;

const CLIENTS: usize = 3;

/// A client, a template, and what its blanks are filled with.
type Step = (u8, u16, Vec<u16>);

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let dice = prop::collection::vec(any::<u16>(), 16);
    prop::collection::vec((0..CLIENTS as u8, 0..TEMPLATES.len() as u16, dice), 1..longest)
}

/// The command of a step. Some have an argument too many or too few, or another case.
fn command(step: &Step) -> Vec<Vec<u8>> {
    let (_, template, dice) = step;
    let mut dice = Dice(dice);
    let distortion = dice.below(60);
    let template = TEMPLATES[usize::from(*template)];
    let mut words = fill(template, &mut dice);
    match distortion {
        // What a script makes of missing arguments is Lua's business; COMMAND alone lists more than we have.
        _ if ["EVAL", "SCRIPT LOAD", "COMMAND"].iter().any(|left| template.starts_with(left)) => {}
        57 if words.len() > 1 => _ = words.pop(),
        58 => words.push(b"extra".to_vec()),
        59 => words[0].make_ascii_lowercase(),
        _ => {}
    }
    words
}

/// What some connections begin with.
const GREETINGS: [&[&str]; 5] =
    [&[], &[], &["HELLO 3"], &["HELLO 3", "CLIENT TRACKING ON"], &["HELLO 3", "CLIENT TRACKING ON OPTIN NOLOOP"]];

fn run(real: &RealRedis, greetings: [usize; CLIENTS], steps: &[Step]) -> Result<(), String> {
    let mut pair = Pair::new(real, CLIENTS);
    let mut told = String::new();
    let greetings =
        (0_u64..).zip(greetings).flat_map(|(client, at)| GREETINGS[at].iter().map(move |line| (client, line)));
    let greetings =
        greetings.map(|(client, line)| (client, line.split(' ').map(|word| word.as_bytes().to_vec()).collect()));
    let steps = steps.iter().map(|step| (u64::from(step.0), command(step)));
    for (client, mut args) in greetings.chain(steps) {
        // Replies of a subscription inside of a transaction are not its array's elements.
        if pair.in_transaction(client) && args[0].to_ascii_lowercase().ends_with(b"subscribe") {
            args = vec![b"PING".to_vec()];
        }
        told.push_str(&format!("  {client}> {}\n", show_command(&args)));
        pair.step(client, &args).map_err(|error| format!("{error}\nafter\n{told}"))?;
    }
    pair.finish().map_err(|error| format!("{error}\nafter\n{told}"))
}

fn config(cases: u32) -> Config {
    let persistence = FileFailurePersistence::WithSource("proptest-regressions");
    Config {
        cases,
        max_shrink_iters: 20_000,
        max_shrink_time: 8_000,
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    }
}

/// How many sequences, unless `CASES` says another number.
fn cases(usual: u32) -> u32 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

#[test]
fn random_sequences() {
    let real = RealRedis::start();
    proptest!(config(cases(3_000)), |(greetings in prop::array::uniform3(0..GREETINGS.len()), steps in steps(40))| {
        run(&real, greetings, &steps).map_err(TestCaseError::fail)?;
    });
}

/// A story in lines of `client> COMMAND WORDS`; `.` is an empty word, `SCRIPT0` a script, `wait N` lets milliseconds pass.
fn tell(real: &RealRedis, story: &str) {
    let mut pair = Pair::new(real, CLIENTS);
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let told = match line.split_once("> ") {
            Some((client, words)) => {
                let word =
                    |word: &str| match word.strip_prefix("SCRIPT").and_then(|number| number.parse::<usize>().ok()) {
                        Some(number) => SCRIPTS[number].as_bytes().to_vec(),
                        None if word == "." => Vec::new(),
                        None => word.as_bytes().to_vec(),
                    };
                let args: Vec<Vec<u8>> = words.split(' ').map(word).collect();
                pair.step(client.parse().expect("a client"), &args)
            }
            None => {
                let millis = line.strip_prefix("wait ").expect("client> COMMAND, or wait N");
                pair.wait(Duration::from_millis(millis.parse().expect("milliseconds")))
            }
        };
        told.unwrap_or_else(|error| panic!("{line}: {error}\nin\n{story}"));
    }
    pair.finish().unwrap_or_else(|error| panic!("{error}\nin\n{story}"));
}

#[test]
fn stories() {
    let real = RealRedis::start();
    for story in include_str!("redis_real/stories.txt").split("\n\n") {
        let told: Vec<&str> = story.lines().filter(|line| !line.starts_with('#')).collect();
        tell(&real, &told.join("\n"));
    }
}

/// Texts that clients are known to look at, word by word, from both servers.
#[test]
fn error_texts() {
    let real = RealRedis::start();
    let mut connection = real.connect();
    let mut sim = Redis::new(RedisConfig::default());
    sim.connect(1);
    for line in include_str!("redis_real/errors.txt").lines().filter(|line| !line.starts_with('#')) {
        let (command, text) = line.split_once(" => ").expect("COMMAND => reply");
        let args: Vec<Vec<u8>> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let mut out = Vec::new();
        sim.apply(1, &args, now(), &mut out);
        connection.send(&args);
        let (_, ours) = out.pop().expect("a reply");
        assert_eq!(show(&connection.receive().expect("a reply")), text, "redis-server: {command}");
        assert_eq!(show(&ours), text, "simulated: {command}");
    }
}

/// Arity, flags and places of keys of every command that we have are the real ones.
#[test]
fn the_table_of_commands() {
    let real = RealRedis::start();
    let mut connection = real.connect();
    let mut sim = Redis::new(RedisConfig::default());
    sim.connect(1);
    let mut out = Vec::new();
    sim.apply(1, &[b"COMMAND".to_vec()], 0, &mut out);
    let (_, Value::Array(ours)) = out.remove(0) else { panic!("COMMAND gave no array") };
    assert!(ours.len() > 100, "only {} commands", ours.len());
    for row in ours {
        let Value::Array(ours) = &row else { panic!("no row: {row:?}") };
        let Value::BulkString(name) = &ours[0] else { panic!("no name: {row:?}") };
        let name = String::from_utf8_lossy(name).into_owned();
        let Value::Array(rows) = connection.ask(&["COMMAND", "INFO", &name]) else { panic!("no rows of {name}") };
        let Value::Array(theirs) = &rows[0] else { panic!("redis-server has no {name}") };
        for column in [0, 1, 3, 4, 5] {
            assert_eq!(ours[column], theirs[column], "column {column} of {name}");
        }
        let (Value::Array(our_flags), Value::Array(their_flags)) = (&ours[2], &theirs[2]) else { panic!("no flags") };
        let known = ["write", "readonly", "denyoom", "pubsub", "noscript", "blocking", "loading", "no_auth"];
        let mut theirs: Vec<String> = their_flags.iter().map(show).collect();
        let mut ours: Vec<String> = our_flags.iter().map(show).collect();
        theirs.retain(|flag| known.iter().any(|known| flag.contains(&format!("\"{known}\""))));
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "flags of {name}");
    }
}

/// Whatever stays from the first call of a scan to its last is returned, though others come and go meanwhile.
#[test]
fn scans_return_what_stays() {
    let real = RealRedis::start();
    for (add, scan, remove) in [
        ("SADD s {}", "SSCAN s", "SREM s {}"),
        ("HSET h {} v", "HSCAN h", "HDEL h {}"),
        ("ZADD z 1 {}", "ZSCAN z", "ZREM z {}"),
        ("SET {} v", "SCAN", "DEL {}"),
    ] {
        let mut pair = Pair::new(&real, 1);
        let words = |text: &str| text.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
        let mut ask = |text: String| pair.ask_simulated(&words(&text));
        for n in 0..1_000 {
            ask(add.replace("{}", &format!("member{n}")));
        }
        let (mut cursor, mut seen, mut rounds) = ("0".to_owned(), BTreeSet::new(), 0);
        loop {
            let Value::Array(batch) = ask(format!("{scan} {cursor} COUNT 7")) else { panic!("no batch") };
            let (Value::BulkString(next), Value::Array(found)) = (&batch[0], &batch[1]) else { panic!("no batch") };
            seen.extend(found.iter().map(show));
            cursor = String::from_utf8_lossy(next).into_owned();
            if cursor == "0" {
                break;
            }
            // Odd members go, one by one, and new ones come.
            ask(remove.replace("{}", &format!("member{}", rounds * 14 % 1_000 + 1)));
            ask(add.replace("{}", &format!("new{rounds}")));
            rounds += 1;
        }
        assert!(rounds > 100, "{scan} took {rounds} rounds");
        for n in (0..1_000).step_by(2) {
            assert!(seen.contains(&format!("\"member{n}\"")), "{scan} missed member{n}");
        }
    }
}

/// Everything that a server holds, in an order of its own.
fn dump(redis: &mut Redis, at: Micros) -> Vec<String> {
    const LOOKER: ClientId = 200;
    redis.connect(LOOKER);
    let mut ask = |words: &[&[u8]]| {
        let mut out = Vec::new();
        redis.apply(LOOKER, &words.iter().map(|word| word.to_vec()).collect::<Vec<_>>(), at, &mut out);
        out.pop().map_or(Value::Nil, |(_, value)| value)
    };
    let mut dumped = Vec::new();
    for db in ["0", "1"] {
        ask(&[b"SELECT", db.as_bytes()]);
        let Value::Array(keys) = ask(&[b"KEYS", b"*"]) else { panic!("KEYS gave no array") };
        for key in keys {
            let Value::BulkString(key) = key else { panic!("no key: {key:?}") };
            let shown = [
                show(&ask(&[b"GET", &key])),
                show(&ask(&[b"LRANGE", &key, b"0", b"-1"])),
                show(&ask(&[b"ZRANGE", &key, b"0", b"-1", b"WITHSCORES"])),
                in_any_order(&ask(&[b"HGETALL", &key])),
                in_any_order(&ask(&[b"SMEMBERS", &key])),
                show(&ask(&[b"PTTL", &key])),
            ];
            dumped.push(format!("{db} {key:?} {}", shown.join(" ")));
        }
    }
    dumped.sort();
    dumped
}

/// Pairs stay together only by luck here, which is enough to see a difference.
fn in_any_order(value: &Value) -> String {
    let Value::Array(items) = value else { return show(value) };
    let mut items: Vec<String> = items.iter().map(show).collect();
    items.sort();
    items.join(",")
}

/// Whatever was done, a restart from the log and a replica that repeated the stream hold the same data.
#[test]
fn logs_and_replicas_say_the_same() {
    proptest!(config(cases(3_000)), |(steps in steps(40))| {
        let config = RedisConfig { persistence: Persistence::Always, ..RedisConfig::default() };
        let (mut redis, mut replica) = (Redis::new(config), Redis::new(RedisConfig::default()));
        twins::declare(&mut redis);
        let mut at = now();
        replica.follow(("master", 1), redis.snapshot(), 0, at, &mut Vec::new());
        (0..CLIENTS).for_each(|client| redis.connect(client as ClientId));
        let mut told = String::new();
        for step in &steps {
            let args = command(step);
            told.push_str(&format!("  {}> {}\n", step.0, show_command(&args)));
            at += 1_000;
            redis.apply(ClientId::from(step.0), &args, at, &mut Vec::new());
            replica.receive(redis.take_stream(), at);
            replica.tick(at, &mut Vec::new());
        }
        let held = dump(&mut redis, at);
        prop_assert_eq!(&held, &dump(&mut replica, at), "the replica, after\n{}", told);
        redis.restart(at, Crash::Power);
        prop_assert_eq!(&held, &dump(&mut redis, at), "the log, after\n{}", told);
    });
}

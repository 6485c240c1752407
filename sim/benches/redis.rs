//! How many commands a second the simulated Redis carries out: `cargo bench -p simq-sim`.

#![allow(clippy::disallowed_methods, reason = "a bench looks at the real clock")]

use simq_sim::redis::{Redis, RedisConfig, Value};
use std::rc::Rc;
use std::time::Instant;

const ROUNDS: u32 = 300_000;

type Round = fn(&mut Redis, &mut Vec<(u64, Value)>, &str);

fn send(redis: &mut Redis, out: &mut Vec<(u64, Value)>, client: u64, args: &[&str]) {
    let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
    redis.apply(client, &args, 0, out);
    out.clear();
}

/// What is done, how many commands it is, and how.
const CASES: [(&str, u32, Round); 5] = [
    ("SET and GET", 2, |redis, out, text| {
        send(redis, out, 1, &["SET", "key", text]);
        send(redis, out, 1, &["GET", "key"]);
    }),
    ("LPUSH and BRPOP of a waiting list", 2, |redis, out, text| {
        send(redis, out, 1, &["LPUSH", "queue", text]);
        send(redis, out, 2, &["BRPOP", "queue", "queue3", "queue6", "queue9", "1"]);
    }),
    ("BRPOP that blocks, and LPUSH that serves it", 2, |redis, out, text| {
        send(redis, out, 2, &["BRPOP", "queue", "queue3", "queue6", "queue9", "1"]);
        send(redis, out, 1, &["LPUSH", "queue", text]);
    }),
    ("MULTI, ZADD, HSET, EXEC; MULTI, ZREM, HDEL, EXEC", 8, |redis, out, text| {
        for transaction in [
            [["ZADD", "index", "1795347671.6673567", "tag"].as_slice(), ["HSET", "held", "tag", text].as_slice()],
            [["ZREM", "index", "tag"].as_slice(), ["HDEL", "held", "tag"].as_slice()],
        ] {
            send(redis, out, 1, &["MULTI"]);
            transaction.iter().for_each(|command| send(redis, out, 1, command));
            send(redis, out, 1, &["EXEC"]);
        }
    }),
    ("LPUSH, and EVAL that pops and records it", 2, |redis, out, text| {
        send(redis, out, 1, &["LPUSH", "queue", text]);
        send(redis, out, 1, &["EVAL", "pop", "2", "queue", "held", "tag"]);
    }),
];

fn main() {
    let text = "x".repeat(800);
    for (name, commands, round) in CASES {
        let mut redis = Redis::new(RedisConfig::default());
        redis.script(
            "pop",
            Rc::new(|script| {
                let (keys, argv) = (script.keys, script.argv);
                let popped = script.call(&[b"RPOP", &keys[0]])?;
                if let Value::BulkString(item) = &popped {
                    script.call(&[b"HSET", &keys[1], &argv[0], item])?;
                }
                Ok(popped)
            }),
        );
        redis.connect(1);
        redis.connect(2);
        let mut out = Vec::new();
        let begin = Instant::now();
        (0..ROUNDS).for_each(|_| round(&mut redis, &mut out, &text));
        let nanos = begin.elapsed().as_nanos() / u128::from(ROUNDS * commands);
        println!("{nanos:>6} ns a command: {name}");
    }
}

//! The adapters' scripts and their twins: the same random operations on a real server, which runs the Lua, and on the
//! simulated one, which runs the twins, answer and leave the same.
#![allow(clippy::disallowed_methods, reason = "a real server runs the scripts")]

#[path = "../../../tests/servers/mod.rs"]
mod servers;

use super::twins;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use redis::{Cmd, Connection, Value};
use simq_sim::redis::{Redis, RedisConfig};

const ME: u64 = 1;

/// One command, made of small alphabets so that commands meet.
#[derive(Clone, Debug)]
enum Op {
    Push { list: u8, message: u8 },
    Spoil { list: u8 },
    Take { room: u8, first: u8, lists: u8 },
    Hold { tag: u8, since: u8 },
    Move { tag: u8, list: u8, last: bool, latest: Option<u8> },
    Refresh { tags: Vec<u8> },
    Overdue { from: u8, count: u8 },
    Keep { id: u8, status: u8, rank: u8, seconds: bool, read: Option<(u8, u8)> },
    Swap { key: u8, expected: Option<u8>, new: u8 },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (0..3_u8, 0..9_u8).prop_map(|(list, message)| Op::Push { list, message }),
        1 => (0..3_u8).prop_map(|list| Op::Spoil { list }),
        3 => (0..5_u8, 0..9_u8, 1..4_u8).prop_map(|(room, first, lists)| Op::Take { room, first, lists }),
        3 => (0..9_u8, 0..9_u8).prop_map(|(tag, since)| Op::Hold { tag, since }),
        3 => (0..12_u8, 0..3_u8, any::<bool>(), proptest::option::of(0..9_u8))
            .prop_map(|(tag, list, last, latest)| Op::Move { tag, list, last, latest }),
        1 => proptest::collection::vec(0..12_u8, 1..4).prop_map(|tags| Op::Refresh { tags }),
        2 => (0..4_u8, 1..5_u8).prop_map(|(from, count)| Op::Overdue { from, count }),
        2 => (0..2_u8, 0..4_u8, 0..3_u8, any::<bool>(), proptest::option::of((0..4_u8, 0..3_u8)))
            .prop_map(|(id, status, rank, seconds, read)| Op::Keep { id, status, rank, seconds, read }),
        1 => (0..2_u8, proptest::option::of(0..3_u8), 0..3_u8)
            .prop_map(|(key, expected, new)| Op::Swap { key, expected, new }),
    ];
    proptest::collection::vec(op, 1..40)
}

fn script(name: &str) -> crate::redis::Script {
    let all = crate::broker::redis_scripts().into_iter().chain(crate::backend::redis_scripts());
    all.into_iter().find(|(known, _)| *known == name).expect("a script of that name").1
}

fn tag(tag: u8) -> String {
    if tag.is_multiple_of(2) { format!("simq:me:{tag}") } else { format!("another-{tag}") }
}

fn list(list: u8) -> String {
    format!("queue{list}")
}

fn command(op: &Op) -> Cmd {
    let states = ["PENDING", "STARTED", "SUCCESS"];
    let mut command;
    match op {
        Op::Push { list: to, message } => {
            command = redis::cmd("LPUSH");
            command.arg(list(*to)).arg(format!("{{\"message\": {message}}}"));
        }
        Op::Spoil { list: to } => {
            command = redis::cmd("SETNX");
            command.arg(list(*to)).arg("not a list");
        }
        Op::Take { room, first, lists } => {
            command = script("redis.take").run(2 + usize::from(*lists));
            command.arg("unacked").arg("unacked_index");
            (0..*lists).for_each(|place| {
                command.arg(list(place));
            });
            command.arg(room).arg("simq:me:").arg(first);
            (0..*lists).for_each(|place| {
                command.arg(format!(", \"\", \"{}\"]", list(place)));
            });
        }
        Op::Hold { tag: of, since } => {
            command = redis::cmd("ZADD");
            command.arg("unacked_index").arg(1_000 + u32::from(*since)).arg(tag(*of));
        }
        Op::Move { tag: of, list: to, last, latest } => {
            command = script("redis.move").run(3);
            command.arg("unacked").arg("unacked_index").arg(list(*to)).arg(tag(*of)).arg("{\"back\": 1}");
            command.arg(if *last { "LPUSH" } else { "RPUSH" });
            command.arg(latest.map_or_else(String::new, |latest| format!("{}.5", 1_000 + u32::from(latest))));
        }
        Op::Refresh { tags } => {
            command = script("redis.refresh").run(1);
            command.arg("unacked_index").arg(tags.iter().map(|of| tag(*of)).collect::<Vec<_>>());
        }
        Op::Overdue { from, count } => {
            command = script("redis.overdue").run(2);
            command.arg("unacked").arg("unacked_index").arg("30.5").arg("3600").arg("simq:").arg(from).arg(count);
        }
        Op::Keep { id, status, rank, seconds, read } => {
            command = script("redis.keep").run(1);
            // The last one is in a form that no script reads.
            let meta = |status: u8, rank: u8| match states.get(usize::from(status)) {
                Some(state) => format!("{{\"status\": \"{state}\", \"result\": {rank}}}"),
                None => format!("another form {rank}"),
            };
            command.arg(format!("celery-task-meta-{id}")).arg(meta(*status, *rank)).arg(rank);
            command.arg(if *seconds { "100" } else { "0" });
            command.arg(read.map_or_else(String::new, |(status, rank)| meta(status, rank)));
            for (place, state) in states.iter().enumerate() {
                command.arg(*state).arg(place);
            }
        }
        Op::Swap { key, expected, new } => {
            command = script("redis.swap").run(1);
            let value = |value: u8| format!("value {value}");
            command.arg(format!("lease{key}")).arg(expected.map(value).unwrap_or_default()).arg(value(*new));
        }
    }
    command
}

/// What the two worlds need not agree on: what the time is now.
fn without_now(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(without_now).collect()),
        Value::BulkString(text) => {
            let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<f64>().ok());
            if number.is_some_and(|number| number > 1e9) {
                Value::SimpleString("now".into())
            } else {
                Value::BulkString(text)
            }
        }
        // Which line of the script it was.
        Value::ServerError(error) => Value::SimpleString(format!("error {}", error.code())),
        Value::SimpleString(text) if text == "OK" => Value::Okay,
        other => other,
    }
}

/// The simulated server, and its clock in microseconds: no two commands come at the same time, as on a real one.
struct Twin(Redis, i64);

impl Twin {
    fn ask(&mut self, command: &Cmd) -> Value {
        let args: Vec<Vec<u8>> = command.args_iter().map(super::connection::bytes).collect();
        let mut out = Vec::new();
        self.1 += 100;
        self.0.apply(ME, &args, self.1, &mut out);
        out.into_iter().find(|(client, _)| *client == ME).map(|(_, value)| value).unwrap_or_default()
    }
}

fn ask(real: &mut Connection, command: &Cmd) -> Value {
    real.send_packed_command(&command.get_packed_command()).expect("redis is there");
    real.recv_response().unwrap_or_else(|error| {
        let text = format!("{} {}", error.code().unwrap_or("ERR"), error.detail().unwrap_or_default());
        simq_sim::redis::error_value(&text)
    })
}

/// Everything that is there.
fn dump(mut ask: impl FnMut(&Cmd) -> Value) -> Vec<Value> {
    let words = |words: &str| {
        let mut parts = words.split(' ');
        let mut command = redis::cmd(parts.next().unwrap_or_default());
        parts.for_each(|part| {
            command.arg(part);
        });
        command
    };
    let mut questions: Vec<String> =
        (0..3).flat_map(|n| [format!("LRANGE queue{n} 0 -1"), format!("TYPE queue{n}")]).collect();
    questions.extend((0..12).map(|n| format!("HGET unacked {}", tag(n))));
    questions.extend((0..2).flat_map(|n| {
        [format!("GET celery-task-meta-{n}"), format!("TTL celery-task-meta-{n}"), format!("GET lease{n}")]
    }));
    questions.push("ZRANGE unacked_index 0 -1 WITHSCORES".to_owned());
    questions.push("HLEN unacked".to_owned());
    questions.iter().map(|question| without_now(ask(&words(question)))).collect()
}

fn same(real: &mut Connection, ops: &[Op]) -> Result<(), TestCaseError> {
    redis::cmd("FLUSHALL").exec(real).expect("FLUSHALL");
    let mut redis = Redis::new(RedisConfig::default());
    twins::declare(&mut redis);
    redis.connect(ME);
    let mut twin = Twin(redis, 1_800_000_000_000_000);
    for (_, script) in crate::broker::redis_scripts().into_iter().chain(crate::backend::redis_scripts()) {
        prop_assert_eq!(ask(real, &script.load()), twin.ask(&script.load()));
    }
    for op in ops {
        let command = command(op);
        let (real, twin) = (without_now(ask(real, &command)), without_now(twin.ask(&command)));
        prop_assert_eq!(real, twin, "{:?}", op);
    }
    prop_assert_eq!(dump(|command| ask(real, command)), dump(|command| twin.ask(command)));
    Ok(())
}

#[test]
fn scripts_and_twins_do_the_same() {
    let server = servers::Redis::start();
    let mut runner = TestRunner::new(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() });
    runner.run(&ops(), |ops| same(&mut server.connection(), &ops)).unwrap();
}

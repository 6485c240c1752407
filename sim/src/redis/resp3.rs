//! The third version of the protocol: pushes apart from replies, and replies with types.

use super::call::bulk;
use super::{ClientId, Redis};
use ::redis::{PushKind, Value};

impl Redis {
    pub(super) fn speaks_resp3(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|state| state.resp3)
    }

    /// A message, or the confirmation of a subscription, as its client hears it.
    pub(super) fn unasked(&self, client: ClientId, kind: PushKind, word: &[u8], mut data: Vec<Value>) -> Value {
        if self.speaks_resp3(client) {
            return Value::Push { kind, data };
        }
        data.insert(0, bulk(word));
        Value::Array(data)
    }

    /// A reply as its client hears it.
    pub(super) fn typed(&self, client: ClientId, command: &str, args: &[Vec<u8>], reply: Value) -> Value {
        if !self.speaks_resp3(client) {
            return reply;
        }
        match (command, reply) {
            ("smembers", Value::Array(members)) => Value::Set(members),
            ("hgetall" | "config|get" | "hello", Value::Array(parts)) => Value::Map(pairs(parts)),
            ("zscore" | "zincrby", score) => double(score),
            (
                "zrange" | "zrangebyscore" | "zrevrange" | "zrevrangebyscore" | "zpopmin" | "zpopmax",
                Value::Array(parts),
            ) if command.starts_with("zpop") || args.iter().any(|arg| super::args::is(arg, "withscores")) => {
                let entries: Vec<Value> =
                    pairs(parts).into_iter().map(|(member, score)| Value::Array(vec![member, double(score)])).collect();
                // One popped without a count stands by itself.
                match (command.starts_with("zpop") && args.len() == 2, entries) {
                    (true, mut entries) => entries.pop().unwrap_or_else(|| Value::Array(Vec::new())),
                    (false, entries) => Value::Array(entries),
                }
            }
            (_, reply) => reply,
        }
    }
}

fn pairs(parts: Vec<Value>) -> Vec<(Value, Value)> {
    let mut parts = parts.into_iter();
    let mut pairs = Vec::new();
    while let (Some(first), Some(second)) = (parts.next(), parts.next()) {
        pairs.push((first, second));
    }
    pairs
}

fn double(score: Value) -> Value {
    match score {
        Value::BulkString(text) => {
            let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            number.map_or(Value::BulkString(text), Value::Double)
        }
        other => other,
    }
}

//! The third version of the protocol: pushes apart from replies, and replies with types.

use super::call::bulk;
use super::{ClientId, Redis};
use ::redis::{PushKind, Value, VerbatimFormat};

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
            return plain(reply);
        }
        match (command, reply) {
            ("smembers" | "sinter" | "sunion" | "sdiff", Value::Array(members)) => Value::Set(members),
            ("spop", Value::Array(members)) if args.len() > 2 => Value::Set(members),
            ("hgetall" | "config|get" | "hello", Value::Array(parts)) => Value::Map(pairs(parts)),
            ("info" | "client|list" | "client|info", Value::BulkString(text)) => verbatim(text),
            ("zscore" | "zincrby" | "zadd", score) => double(score),
            ("zmscore", Value::Array(scores)) => Value::Array(scores.into_iter().map(double).collect()),
            // One popped without a count stands by itself.
            ("zpopmin" | "zpopmax", Value::Array(parts)) if args.len() == 2 => popped(parts),
            ("zpopmin" | "zpopmax", Value::Array(parts)) => scored(parts),
            ("zrange" | "zrangebyscore" | "zrevrange" | "zrevrangebyscore", Value::Array(parts))
                if args.iter().skip(4).any(|arg| super::args::is(arg, "withscores")) =>
            {
                scored(parts)
            }
            ("command" | "command|info", Value::Array(rows)) => Value::Array(rows.into_iter().map(row).collect()),
            (_, reply) => reply,
        }
    }

    /// What was popped for a client that waited: key, member and score.
    pub(super) fn typed_pop(&self, client: ClientId, mut reply: Vec<Value>) -> Value {
        if self.speaks_resp3(client)
            && let Some(score) = reply.pop()
        {
            reply.push(double(score));
        }
        Value::Array(reply)
    }
}

/// The second version has no booleans.
fn plain(reply: Value) -> Value {
    match reply {
        Value::Boolean(yes) => Value::Int(i64::from(yes)),
        other => other,
    }
}

fn verbatim(text: Vec<u8>) -> Value {
    Value::VerbatimString { format: VerbatimFormat::Text, text: String::from_utf8_lossy(&text).into_owned() }
}

/// A command's flags are a set.
fn row(row: Value) -> Value {
    let Value::Array(mut columns) = row else { return row };
    if let Some(Value::Array(flags)) = columns.get_mut(2).map(std::mem::take) {
        columns[2] = Value::Set(flags);
    }
    Value::Array(columns)
}

fn popped(parts: Vec<Value>) -> Value {
    let mut parts = parts.into_iter();
    let member = parts.next();
    Value::Array(member.into_iter().chain(parts.map(double)).collect())
}

fn scored(parts: Vec<Value>) -> Value {
    Value::Array(pairs(parts).into_iter().map(|(member, score)| Value::Array(vec![member, double(score)])).collect())
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

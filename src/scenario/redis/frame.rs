//! What crosses a simulated connection to Redis: one command, one reply, one push.

use crate::backend::redis_scripts;
use crate::broker::redis_scripts as broker_scripts;
use crate::env::{Digest, Frame};
use redis::{PushInfo, PushKind, Value};
use simq_sim::redis::{Snapshot, Unit};
use std::fmt;
use std::sync::LazyLock;

/// A command of the cluster's own servers.
pub(super) fn ask(words: &[&str]) -> Ask {
    Ask(words.iter().map(|word| word.as_bytes().to_vec()).collect())
}

/// A command, name and arguments.
#[derive(Clone, Debug)]
pub(super) struct Ask(pub(super) Vec<Vec<u8>>);

/// What the server says.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Reply(Value),
    Push(PushInfo),
    /// To a replica: everything.
    Snapshot(Box<Snapshot>),
    /// To a replica: what has changed since.
    Stream(Vec<Unit>),
}

impl From<Value> for Said {
    fn from(value: Value) -> Said {
        match value {
            Value::Push { kind, data } if !is_confirmation(&kind) => Said::Push(PushInfo { kind, data }),
            value => Said::Reply(value),
        }
    }
}

/// Whether a push answers a command.
fn is_confirmation(kind: &PushKind) -> bool {
    use PushKind::{PSubscribe, PUnsubscribe, Subscribe, Unsubscribe};
    matches!(kind, Subscribe | Unsubscribe | PSubscribe | PUnsubscribe)
}

/// Commands that the adapters send, and their names as effects.
const LABELS: [(&str, &str); 35] = [
    ("BRPOP", "redis.brpop"),
    ("CLIENT", "redis.client"),
    ("DEL", "redis.del"),
    ("DISCARD", "redis.discard"),
    ("EVALSHA", "redis.evalsha"),
    ("EXEC", "redis.exec"),
    ("EXISTS", "redis.exists"),
    ("GET", "redis.get"),
    ("HDEL", "redis.hdel"),
    ("HELLO", "redis.hello"),
    ("HGET", "redis.hget"),
    ("HSET", "redis.hset"),
    ("LLEN", "redis.llen"),
    ("LPUSH", "redis.lpush"),
    ("MULTI", "redis.multi"),
    ("PING", "redis.ping"),
    ("PSUBSCRIBE", "redis.psubscribe"),
    ("PSYNC", "redis.psync"),
    ("PUBLISH", "redis.publish"),
    ("REPLICAOF", "redis.replicaof"),
    ("ROLE", "redis.role"),
    ("RPUSH", "redis.rpush"),
    ("SADD", "redis.sadd"),
    ("SCRIPT", "redis.script"),
    ("SELECT", "redis.select"),
    ("SENTINEL", "redis.sentinel"),
    ("SET", "redis.set"),
    ("SETEX", "redis.setex"),
    ("SMEMBERS", "redis.smembers"),
    ("SREM", "redis.srem"),
    ("SUBSCRIBE", "redis.subscribe"),
    ("TIME", "redis.time"),
    ("UNSUBSCRIBE", "redis.unsubscribe"),
    ("ZADD", "redis.zadd"),
    ("ZREM", "redis.zrem"),
];

/// The adapters' scripts by their digests, and their names as effects.
static SCRIPTS: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
    let scripts = broker_scripts().into_iter().chain(redis_scripts());
    scripts.map(|(name, script)| (script.digest().to_owned(), name)).collect()
});

impl Frame for Ask {
    fn label(&self) -> &'static str {
        let name = self.0.first().map(Vec::as_slice).unwrap_or_default();
        if name == b"EVALSHA"
            && let Some(digest) = self.0.get(1)
            && let Some((_, label)) = SCRIPTS.iter().find(|(known, _)| known.as_bytes() == digest)
        {
            return label;
        }
        let known = LABELS.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
        known.map_or("redis.command", |at| LABELS[at].1)
    }

    fn digest(&self) -> u64 {
        self.0.iter().fold(Digest::of("redis"), |digest, arg| digest.bytes(arg)).finish()
    }
}

impl Frame for Said {
    fn label(&self) -> &'static str {
        match self {
            Said::Reply(_) => "redis.reply",
            Said::Push(_) => "redis.push",
            Said::Snapshot(_) | Said::Stream(_) => "redis.stream",
        }
    }

    fn digest(&self) -> u64 {
        match self {
            Said::Reply(value) => digest(Digest::of("reply"), value).finish(),
            Said::Push(push) => push.data.iter().fold(Digest::of("push"), digest).finish(),
            Said::Snapshot(snapshot) => Digest::of("snapshot").bytes(format!("{snapshot:?}").as_bytes()).finish(),
            Said::Stream(units) => {
                let args = units.iter().flat_map(|unit| unit.iter()).flat_map(|write| &write.args);
                args.fold(Digest::of("stream"), |digest, arg| digest.bytes(arg)).finish()
            }
        }
    }
}

fn digest(so_far: Digest, value: &Value) -> Digest {
    match value {
        Value::Nil => so_far.number(0),
        Value::Int(number) => so_far.number(1).number(*number as u64),
        Value::BulkString(bytes) => so_far.number(2).bytes(bytes),
        Value::Array(values) | Value::Set(values) => values.iter().fold(so_far.number(values.len() as u64), digest),
        Value::SimpleString(text) => so_far.number(3).bytes(text.as_bytes()),
        Value::Double(number) => so_far.number(4).number(number.to_bits()),
        Value::Map(pairs) => {
            pairs.iter().fold(so_far.number(5), |so_far, (key, value)| digest(digest(so_far, key), value))
        }
        Value::ServerError(error) => {
            so_far.number(6).bytes(error.code().as_bytes()).bytes(error.details().unwrap_or_default().as_bytes())
        }
        _ => so_far.number(7),
    }
}

/// Longest argument that is shown.
const SHOWN: usize = 60;

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        for arg in self.0.iter().skip(1) {
            let text = String::from_utf8_lossy(arg);
            let short: String = text.chars().take(SHOWN).collect();
            write!(f, " {}{}", short.escape_debug(), if short.len() < text.len() { "..." } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Said::Reply(value) => format!("{value:?}"),
            Said::Push(push) => format!("push {:?} {:?}", push.kind, push.data),
            Said::Snapshot(_) => "a copy of everything".to_owned(),
            Said::Stream(units) => {
                let writes = units.iter().flat_map(|unit| unit.iter());
                writes.map(|write| Ask(write.args.clone()).to_string()).collect::<Vec<_>>().join("; ")
            }
        };
        let short: String = text.chars().take(3 * SHOWN).collect();
        f.write_str(&short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found() {
        assert!(LABELS.is_sorted());
        for (name, label) in LABELS {
            assert_eq!(Ask(vec![name.into()]).label(), label);
        }
        let (digest, label) = &SCRIPTS[0];
        assert_eq!(Ask(vec![b"EVALSHA".to_vec(), digest.clone().into_bytes()]).label(), *label);
    }
}

//! Whether two servers have said the same, as far as Redis promises anything.

use redis::{PushKind, Value};

/// Whether replies are equal, as far as the command promises.
pub(crate) fn same(args: &[Vec<u8>], queue: &[Vec<Vec<u8>>], ours: &Value, theirs: &Value) -> bool {
    let name = args.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    match (name.as_slice(), ours, theirs) {
        (b"exec", Value::Array(ours), Value::Array(theirs)) => {
            let pairs = ours.iter().zip(theirs);
            ours.len() == theirs.len()
                && pairs.enumerate().all(|(at, (a, b))| same(queue.get(at).map_or(&[], Vec::as_slice), &[], a, b))
        }
        // The clocks of two servers differ by a little.
        (b"ttl" | b"expiretime", Value::Int(a), Value::Int(b)) if *a > 0 && *b > 0 => (a - b).abs() <= 5,
        (b"pttl" | b"pexpiretime", Value::Int(a), Value::Int(b)) if *a > 0 && *b > 0 => (a - b).abs() <= 5_000,
        (b"hgetall", Value::Array(a), Value::Array(b)) => in_pairs(a) == in_pairs(b),
        (b"hgetall" | b"config", Value::Map(a), Value::Map(b)) => entries(a) == entries(b),
        // What it says of itself is its own; how it says it is not.
        (b"info", Value::VerbatimString { .. }, Value::VerbatimString { .. })
        | (b"info", Value::BulkString(_), Value::BulkString(_)) => true,
        (b"hello", Value::Array(a), Value::Array(b)) => a.len() == b.len() && introduced(a) == introduced(b),
        (b"hello", Value::Map(a), Value::Map(b)) => {
            let flat = |map: &[(Value, Value)]| map.iter().cloned().flat_map(|(a, b)| [a, b]).collect::<Vec<_>>();
            introduced(&flat(a)) == introduced(&flat(b))
        }
        (
            b"keys" | b"hkeys" | b"hvals" | b"smembers" | b"sinter" | b"sunion" | b"sdiff" | b"spop" | b"pubsub",
            _,
            _,
        ) => sorted(ours) == sorted(theirs),
        (b"sscan" | b"scan", Value::Array(a), Value::Array(b)) => {
            a.first() == b.first() && a.get(1).map(sorted) == b.get(1).map(sorted)
        }
        (b"hscan" | b"zscan", Value::Array(a), Value::Array(b)) => {
            let pairs = |value: &Value| if let Value::Array(items) = value { in_pairs(items) } else { Vec::new() };
            a.first() == b.first() && a.get(1).map(pairs) == b.get(1).map(pairs)
        }
        // Which of several channels comes first is up to the server.
        (_, Value::Array(a), Value::Array(b)) if first_word(ours).ends_with(b"unsubscribe") => {
            first_word(ours) == first_word(theirs) && a.last() == b.last()
        }
        (_, Value::Push { kind, data: a }, Value::Push { kind: theirs, data: b })
            if matches!(kind, PushKind::Unsubscribe | PushKind::PUnsubscribe) =>
        {
            kind == theirs && a.last() == b.last()
        }
        _ => ours == theirs,
    }
}

/// What a server says of itself, but for its version and the number of the connection.
fn introduced(fields: &[Value]) -> Vec<String> {
    let its_own = |name: &Value| matches!(name, Value::BulkString(name) if name == b"id" || name == b"version");
    let fields = fields.chunks(2).filter(|field| !its_own(&field[0]));
    fields.map(|field| format!("{field:?}")).collect()
}

/// Whether nobody has asked for this: a message, or that a key has changed.
pub(crate) fn is_told(reply: &Value) -> bool {
    match reply {
        Value::Push { kind, .. } => matches!(kind, PushKind::Message | PushKind::PMessage | PushKind::Invalidate),
        reply => matches!(first_word(reply), b"message" | b"pmessage"),
    }
}

/// Which of several patterns of a client is told first is up to the server.
pub(crate) fn in_order(replies: impl Iterator<Item = Option<Value>>) -> Vec<Option<Value>> {
    let mut replies: Vec<Option<Value>> = replies.collect();
    let is_message = |reply: &Option<Value>| reply.as_ref().is_some_and(|value| first_word(value) == b"pmessage");
    for run in replies.chunk_by_mut(|a, b| is_message(a) && is_message(b)) {
        run.sort_by_key(|reply| format!("{reply:?}"));
    }
    replies
}

/// What kind of message a reply is, if it is one.
pub(crate) fn first_word(value: &Value) -> &[u8] {
    match value {
        Value::Array(items) => match items.first() {
            Some(Value::BulkString(word)) => word,
            _ => &[],
        },
        Value::Push { kind, .. } => match kind {
            PushKind::PMessage => b"pmessage",
            PushKind::Subscribe => b"subscribe",
            PushKind::PSubscribe => b"psubscribe",
            PushKind::Unsubscribe => b"unsubscribe",
            PushKind::PUnsubscribe => b"punsubscribe",
            _ => &[],
        },
        _ => &[],
    }
}

fn in_pairs(items: &[Value]) -> Vec<String> {
    let mut pairs: Vec<String> = items.chunks(2).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs
}

fn entries(map: &[(Value, Value)]) -> Vec<String> {
    let mut entries: Vec<String> = map.iter().map(|entry| format!("{entry:?}")).collect();
    entries.sort();
    entries
}

/// Sets and arrays stay apart.
fn sorted(value: &Value) -> (bool, Vec<String>) {
    let (set, items) = match value {
        Value::Array(items) => (false, items),
        Value::Set(items) => (true, items),
        other => return (false, vec![format!("{other:?}")]),
    };
    let mut items: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
    items.sort();
    (set, items)
}

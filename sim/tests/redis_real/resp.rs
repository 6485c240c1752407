//! Reading both versions of the protocol.

use redis::{PushKind, Value, VerbatimFormat};
use simq_sim::redis::error_value;

/// The reply at the beginning of `bytes`, if all of it is there, and its length. Redis 7.0 writes what it pushes to a
/// client that is in the middle of `EXEC` among the elements of the reply: that stands before the reply here.
pub(crate) fn parse(bytes: &[u8]) -> Option<(Vec<Value>, usize)> {
    let mut reader = Reader { bytes, at: 0, pushed: Vec::new() };
    let value = reader.value()?;
    reader.pushed.push(value);
    Some((reader.pushed, reader.at))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    pushed: Vec<Value>,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Value> {
        let rest = self.bytes.get(self.at..)?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8_lossy(&rest[1..end]).into_owned();
        let kind = rest[0];
        self.at += end + 2;
        let number = || line.parse::<i64>().expect("a number");
        Some(match kind {
            b'+' if line == "OK" => Value::Okay,
            b'+' => Value::SimpleString(line),
            b'-' => error_value(&line),
            b':' => Value::Int(number()),
            b'_' => Value::Nil,
            b'$' | b'*' if number() < 0 => Value::Nil,
            b'#' => Value::Boolean(line == "t"),
            b',' => Value::Double(line.parse().expect("a double")),
            b'$' => Value::BulkString(self.text(number())?),
            b'=' => {
                let text = String::from_utf8_lossy(&self.text(number())?).into_owned();
                let text = text.strip_prefix("txt:").expect("a text").to_owned();
                Value::VerbatimString { format: VerbatimFormat::Text, text }
            }
            b'*' => Value::Array(self.values(number())?),
            b'~' => Value::Set(self.values(number())?),
            b'%' => {
                let parts = self.values(2 * number())?;
                Value::Map(parts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
            }
            b'>' => {
                let mut data = self.values(number())?;
                Value::Push { kind: kind_of(&data.remove(0)), data }
            }
            other => panic!("no type of RESP: {other}"),
        })
    }

    fn text(&mut self, len: i64) -> Option<Vec<u8>> {
        let end = self.at + usize::try_from(len).expect("a length");
        let text = self.bytes.get(self.at..end)?.to_vec();
        self.bytes.get(end + 1)?;
        self.at = end + 2;
        Some(text)
    }

    fn values(&mut self, count: i64) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        while (values.len() as i64) < count {
            match self.value()? {
                push @ Value::Push { .. } => self.pushed.push(push),
                value => values.push(value),
            }
        }
        Some(values)
    }
}

fn kind_of(word: &Value) -> PushKind {
    let Value::BulkString(word) = word else { panic!("a push without a kind") };
    match word.as_slice() {
        b"invalidate" => PushKind::Invalidate,
        b"message" => PushKind::Message,
        b"pmessage" => PushKind::PMessage,
        b"subscribe" => PushKind::Subscribe,
        b"psubscribe" => PushKind::PSubscribe,
        b"unsubscribe" => PushKind::Unsubscribe,
        b"punsubscribe" => PushKind::PUnsubscribe,
        other => PushKind::Other(String::from_utf8_lossy(other).into_owned()),
    }
}

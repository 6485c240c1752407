//! Numbers, texts and JSON values as bytes. Numbers have seven bits a byte, the lowest first.

use serde_json::{Map, Number, Value};

/// Deepest nesting of a value that is read.
const MAX_DEPTH: u32 = 512;

/// The bytes are not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Appends values to bytes.
pub(crate) trait Put {
    fn byte(&mut self, value: u8);
    fn number(&mut self, value: u64);
    fn signed(&mut self, value: i64);
    fn bytes(&mut self, value: &[u8]);
    fn text(&mut self, value: &str);
    fn value(&mut self, value: &Value);

    /// 0, or 1 and the number.
    fn option(&mut self, value: Option<u64>) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            self.number(value);
        }
    }
}

impl Put for Vec<u8> {
    fn byte(&mut self, value: u8) {
        self.push(value);
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn signed(&mut self, value: i64) {
        self.number((value << 1 ^ value >> 63) as u64);
    }

    fn bytes(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.extend_from_slice(value);
    }

    fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.push(0),
            Value::Bool(flag) => self.push(1 + u8::from(*flag)),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => {
                    self.push(3);
                    self.number(number);
                }
                (_, Some(number), _) => {
                    self.push(4);
                    self.signed(number);
                }
                (_, _, number) => {
                    self.push(5);
                    self.extend_from_slice(&number.unwrap_or_default().to_le_bytes());
                }
            },
            Value::String(text) => {
                self.push(6);
                self.text(text);
            }
            Value::Array(items) => {
                self.push(7);
                self.number(items.len() as u64);
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(entries) => {
                self.push(8);
                self.number(entries.len() as u64);
                for (name, value) in entries {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }
}

/// Takes values off bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a flag is neither 0 nor 1")),
        }
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    /// A number that has to fit into less than 64 bits.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| Malformed("a number is too large"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(crate) fn option(&mut self) -> Result<Option<u64>, Malformed> {
        if self.flag()? { self.number().map(Some) } else { Ok(None) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.small()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(crate) fn value(&mut self) -> Result<Value, Malformed> {
        self.nested(MAX_DEPTH)
    }

    fn nested(&mut self, depth: u32) -> Result<Value, Malformed> {
        let inner = depth.checked_sub(1).ok_or(Malformed("a value is nested too deep"))?;
        Ok(match self.byte()? {
            0 => Value::Null,
            flag @ 1..=2 => Value::Bool(flag == 2),
            3 => self.number()?.into(),
            4 => self.signed()?.into(),
            5 => {
                let bits = self.take(8)?.try_into().map_err(|_| Malformed("it ends too early"))?;
                let number = Number::from_f64(f64::from_le_bytes(bits));
                Value::Number(number.ok_or(Malformed("a number is not finite"))?)
            }
            6 => self.text()?.into(),
            7 => (0..self.number()?).map(|_| self.nested(inner)).collect::<Result<Vec<_>, _>>()?.into(),
            8 => {
                let mut entries = Map::new();
                for _ in 0..self.number()? {
                    let name = self.text()?.to_owned();
                    entries.insert(name, self.nested(inner)?);
                }
                entries.into()
            }
            _ => return Err(Malformed("a value of an unknown kind")),
        })
    }
}

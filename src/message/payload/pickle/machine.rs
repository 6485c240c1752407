//! The machine that reads pickles of protocols 2 to 5.

use super::super::PayloadError;
use super::super::typed::Kind;
use super::{broken, calls};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A value in the arena; containers hold numbers of others.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    /// An integer that only fits without a sign.
    Unsigned(u128),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Typed(Kind, String),
    /// A list, tuple or set.
    List(Vec<usize>),
    Map(Vec<(usize, usize)>),
    /// A function or class, named and not yet called.
    Function(Cow<'a, str>, Cow<'a, str>),
    /// A call of something else than those few functions: an exception, where there may be one. Its arguments are a list.
    Exception(Cow<'a, str>, Cow<'a, str>, usize),
    /// Seconds: part of a time with a zone.
    Offset(i128),
}

/// What a call comes to.
pub(super) enum Made<'a> {
    New(Value<'a>),
    /// Its argument, by its number: a copy would let a few bytes fill the memory.
    Same(usize),
}

pub(super) struct Machine<'a> {
    input: &'a [u8],
    values: Vec<Value<'a>>,
    stack: Vec<usize>,
    /// Heights of the stack at its marks.
    marks: Vec<usize>,
    memo: BTreeMap<u64, usize>,
    /// Bytes that calls may still make from values that are there.
    allowance: usize,
}

/// Bytes that calls may make of arguments that were given before.
const MAX_MADE: usize = 1 << 20;

type Step = Result<(), PayloadError>;

impl<'a> Machine<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        // Honest calls make little more than they are given; the same argument given again and again makes a lot.
        let allowance = MAX_MADE.saturating_add(input.len().saturating_mul(8));
        Machine { input, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new(), allowance }
    }

    /// Runs to the end; returns all values and which of them is the pickled one.
    pub(super) fn run(mut self) -> Result<(Vec<Value<'a>>, usize), PayloadError> {
        loop {
            let instruction = self.byte()?;
            if instruction == b'.' {
                let root = self.pop()?;
                return Ok((self.values, root));
            }
            self.step(instruction)?;
        }
    }

    fn step(&mut self, instruction: u8) -> Step {
        match instruction {
            // PROTO, FRAME: how the rest is written and in what portions.
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.popped().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b'N' => self.push(Value::Null),
            0x88 | 0x89 => self.push(Value::Bool(instruction == 0x88)),
            b'J' | b'K' | b'M' | 0x8a | b'G' => self.number(instruction),
            b'X' | 0x8c | 0x8d => self.text(instruction),
            b'B' | b'C' | 0x8e | 0x96 => self.bytes(instruction),
            b']' | b')' | b'l' | b't' | 0x85..=0x87 | b'a' | b'e' | 0x8f..=0x91 => self.list(instruction),
            b'}' | b'd' | b's' | b'u' => self.map(instruction),
            b'h' | b'j' | b'q' | b'r' | 0x94 => self.memo(instruction),
            b'c' | 0x93 | b'R' | 0x81 | b'b' => self.call(instruction),
            _ => Err(broken(format!("the instruction {instruction:#04x}, which is not for plain values"))),
        }
    }

    fn number(&mut self, instruction: u8) -> Step {
        let value = match instruction {
            b'J' => i128::from(self.uint(4)? as i32),
            b'K' => self.uint(1)?.into(),
            b'M' => self.uint(2)?.into(),
            b'G' => {
                let bits = self.take(8)?.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                return self.push(Value::Float(f64::from_bits(bits)));
            }
            _ => {
                let length = self.uint(1)?;
                let bytes = self.take(length)?;
                if let Some(([digits @ .., 0], 17)) = Some((bytes, bytes.len())) {
                    let value = digits.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte));
                    return self.push(Value::Unsigned(value));
                }
                if bytes.len() > 16 {
                    return Err(broken("an integer of more than 128 bits"));
                }
                // Two's complement, the lowest byte first; the last one carries the sign.
                let sign = if bytes.last().is_some_and(|last| *last >= 0x80) { -1 } else { 0 };
                bytes.iter().rev().fold(sign, |value, byte| value << 8 | i128::from(*byte))
            }
        };
        self.push(Value::Integer(value))
    }

    fn text(&mut self, instruction: u8) -> Step {
        let length = self.uint(match instruction {
            0x8c => 1,
            b'X' => 4,
            _ => 8,
        })?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|error| broken(error.to_string()))?;
        self.push(Value::Text(Cow::Borrowed(text)))
    }

    fn bytes(&mut self, instruction: u8) -> Step {
        let length = self.uint(match instruction {
            b'C' => 1,
            b'B' => 4,
            _ => 8,
        })?;
        let bytes = self.take(length)?;
        self.push(Value::Bytes(Cow::Borrowed(bytes)))
    }

    fn list(&mut self, instruction: u8) -> Step {
        match instruction {
            b']' | b')' | 0x8f => self.push(Value::List(Vec::new())),
            b'l' | b't' | 0x91 => {
                let items = self.popped()?;
                self.push(Value::List(items))
            }
            0x85..=0x87 => {
                let count = usize::from(instruction - 0x84);
                let at = self.floor(count)?;
                let items = self.stack.split_off(at);
                self.push(Value::List(items))
            }
            _ => {
                let more = if instruction == b'a' { vec![self.pop()?] } else { self.popped()? };
                let list = self.top()?;
                match self.values.get_mut(list) {
                    Some(Value::List(items)) => items.extend(more),
                    _ => return Err(broken("an item for what is no list")),
                }
                Ok(())
            }
        }
    }

    fn map(&mut self, instruction: u8) -> Step {
        let flat = match instruction {
            b'}' => return self.push(Value::Map(Vec::new())),
            b's' => {
                let at = self.floor(2)?;
                self.stack.split_off(at)
            }
            _ => self.popped()?,
        };
        let pairs = flat.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(broken("a key without a value"));
        }
        let entries: Vec<_> = pairs.filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
        if instruction == b'd' {
            return self.push(Value::Map(entries));
        }
        let map = self.top()?;
        match self.values.get_mut(map) {
            Some(Value::Map(known)) => known.extend(entries),
            _ => return Err(broken("an entry for what is no dict")),
        }
        Ok(())
    }

    fn memo(&mut self, instruction: u8) -> Step {
        let number = match instruction {
            b'h' | b'q' => self.uint(1)?,
            b'j' | b'r' => self.uint(4)?,
            _ => self.memo.len() as u64,
        };
        if matches!(instruction, b'h' | b'j') {
            let known = self.memo.get(&number).copied().ok_or_else(|| broken("a value that was never memoized"))?;
            self.stack.push(known);
        } else {
            let top = self.top()?;
            self.memo.insert(number, top);
        }
        Ok(())
    }

    fn call(&mut self, instruction: u8) -> Step {
        match instruction {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                return self.push(Value::Function(module.into(), name.into()));
            }
            b'b' => {
                let (state, object) = (self.pop()?, self.top()?);
                let built = calls::build(&self.values, object, state)?;
                return self.replace(object, built);
            }
            _ => {}
        }
        let (second, first) = (self.pop()?, self.pop()?);
        let made = match (instruction, self.values.get(first), self.values.get(second)) {
            (0x93, Some(Value::Text(module)), Some(Value::Text(name))) => {
                Made::New(Value::Function(module.clone(), name.clone()))
            }
            (b'R' | 0x81, Some(Value::Function(module, name)), Some(Value::List(arguments))) => {
                let called = calls::call(&self.values, module, name, arguments);
                called.unwrap_or_else(|| Made::New(Value::Exception(module.clone(), name.clone(), second)))
            }
            _ => return Err(broken("a call of what is no function")),
        };
        match made {
            Made::Same(known) => self.stack.push(known),
            Made::New(value) => {
                let size = match &value {
                    Value::Typed(_, text) => text.len(),
                    Value::Bytes(bytes) => bytes.len(),
                    _ => 0,
                };
                let left = self.allowance.checked_sub(size).ok_or(PayloadError::Balloons { limit: MAX_MADE })?;
                self.allowance = left;
                self.push(value)?;
            }
        }
        Ok(())
    }

    fn replace(&mut self, at: usize, value: Value<'a>) -> Step {
        if let Some(place) = self.values.get_mut(at) {
            *place = value;
        }
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) -> Step {
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn top(&self) -> Result<usize, PayloadError> {
        let at = self.floor(1)?;
        self.stack.get(at).copied().ok_or_else(empty)
    }

    fn pop(&mut self) -> Result<usize, PayloadError> {
        self.floor(1)?;
        self.stack.pop().ok_or_else(empty)
    }

    /// Where the last `count` values of the stack begin: none of them below a mark.
    fn floor(&self, count: usize) -> Result<usize, PayloadError> {
        let lowest = self.marks.last().copied().unwrap_or(0);
        self.stack.len().checked_sub(count).filter(|at| *at >= lowest).ok_or_else(empty)
    }

    /// The values above the last mark.
    fn popped(&mut self) -> Result<Vec<usize>, PayloadError> {
        let mark = self.marks.pop().ok_or_else(|| broken("no mark where one is needed"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn byte(&mut self) -> Result<u8, PayloadError> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    fn uint(&mut self, bytes: u64) -> Result<u64, PayloadError> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], PayloadError> {
        let taken = usize::try_from(count).ok().and_then(|count| self.input.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| broken("its end in the middle of an instruction"))?;
        self.input = rest;
        Ok(taken)
    }

    fn line(&mut self) -> Result<&'a str, PayloadError> {
        let end = self.input.iter().position(|byte| *byte == b'\n').ok_or_else(|| broken("a name without an end"))?;
        let line = self.take(end as u64)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|error| broken(error.to_string()))
    }
}

fn empty() -> PayloadError {
    broken("an empty stack")
}

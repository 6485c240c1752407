//! Canonical JSON text as a stream of tokens: what the writers of the other serializers go by.

use super::super::scan::{Character, Scan};
use super::typed::{Kind, TYPE, VALUE};
use super::{MAX_DEPTH, PayloadError};
use std::borrow::Cow;

/// An array or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    List,
    Map,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Open(Container),
    Close(Container),
    /// A key of the innermost map; its value follows.
    Key(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// A number as it is written.
    Number(&'a str),
    Bool(bool),
    Null,
    /// A typed object; a UUID's value is its `hex`.
    Typed(Kind, Cow<'a, str>),
}

struct Level {
    is: Container,
    /// In a map: a key is next.
    key: bool,
}

/// Reads text that is valid JSON; of other text it makes other tokens, but always comes to an end.
pub(super) struct Tokens<'a> {
    scan: Scan<'a>,
    levels: Vec<Level>,
    /// Where the last token begins.
    start: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Tokens { scan: Scan::new(text), levels: Vec::new(), start: 0 }
    }

    /// The bytes of the last token.
    pub(super) fn span(&self) -> std::ops::Range<usize> {
        self.start..self.scan.position()
    }

    /// The next token, `None` at the end.
    ///
    /// # Errors
    /// A typed object of a type that is not known or with a value that is none of its type; too many levels.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, PayloadError> {
        loop {
            let next = self.scan.peek();
            self.start = self.scan.position();
            match next {
                0 => return Ok(None),
                b',' | b':' => self.scan.comma(),
                b'[' => return self.open(Container::List).map(Some),
                b'{' => {
                    return match typed(&mut self.scan)? {
                        Some((kind, value)) => Ok(Some(self.value(Token::Typed(kind, value)))),
                        None => self.open(Container::Map).map(Some),
                    };
                }
                b']' | b'}' => {
                    self.scan.open();
                    if let Some(level) = self.levels.pop() {
                        return Ok(Some(self.value(Token::Close(level.is))));
                    }
                }
                b'"' => {
                    let text = text(&mut self.scan);
                    return Ok(Some(match self.levels.last_mut() {
                        Some(level) if level.key => {
                            level.key = false;
                            Token::Key(text)
                        }
                        _ => self.value(Token::Text(text)),
                    }));
                }
                _ => {
                    let token = match self.scan.word() {
                        "null" => Token::Null,
                        "true" => Token::Bool(true),
                        "false" => Token::Bool(false),
                        number => Token::Number(number),
                    };
                    return Ok(Some(self.value(token)));
                }
            }
        }
    }

    fn open(&mut self, is: Container) -> Result<Token<'a>, PayloadError> {
        if self.levels.len() == MAX_DEPTH {
            return Err(PayloadError::TooDeep { limit: MAX_DEPTH });
        }
        self.scan.open();
        self.levels.push(Level { is, key: is == Container::Map });
        Ok(Token::Open(is))
    }

    /// After a value, a map has a key.
    fn value(&mut self, token: Token<'a>) -> Token<'a> {
        if let Some(level) = self.levels.last_mut() {
            level.key = level.is == Container::Map;
        }
        token
    }
}

/// Consumes an object that is a typed one: `__type__` and `__value__` in either order, and nothing else. One that
/// begins with both and goes on is taken for a broken one, so that nothing has to be read twice.
pub(in crate::message) fn typed<'a>(scan: &mut Scan<'a>) -> Result<Option<(Kind, Cow<'a, str>)>, PayloadError> {
    let mut ahead = scan.clone();
    ahead.open();
    let (mut kind, mut value) = (None, None);
    for _ in 0..2 {
        if ahead.peek() != b'"' {
            return Ok(None);
        }
        let key = text(&mut ahead);
        ahead.colon();
        match &*key {
            TYPE if ahead.peek() == b'"' => kind = Some(text(&mut ahead)),
            VALUE => match (value_text(&mut ahead), &kind) {
                (Some(text), _) => value = Some(text),
                (None, Some(kind)) => return Err(broken(kind)),
                (None, None) => return Ok(None),
            },
            _ => return Ok(None),
        }
        if ahead.peek() == b',' {
            ahead.comma();
        }
    }
    let (Some(name), Some(value)) = (kind, value) else { return Ok(None) };
    if ahead.peek() != b'}' {
        return Ok(None);
    }
    ahead.open();
    let kind = Kind::named(&name).filter(|kind| kind.accepts(&value)).ok_or_else(|| broken(&name))?;
    *scan = ahead;
    Ok(Some((kind, value)))
}

fn broken(name: &str) -> PayloadError {
    let found = format!("one of type {:?}", super::super::malformed::quote(name));
    PayloadError::syntax("typed values that Celery knows (datetime, date, time, decimal, uuid, bytes, base64)", found)
}

/// The value of a typed object, if it is a text or the `{"hex": text}` of a UUID.
fn value_text<'a>(scan: &mut Scan<'a>) -> Option<Cow<'a, str>> {
    match scan.peek() {
        b'"' => Some(text(scan)),
        b'{' => {
            scan.open();
            let is_hex = scan.peek() == b'"' && text(scan) == "hex";
            scan.colon();
            let value = (is_hex && scan.peek() == b'"').then(|| text(scan))?;
            (scan.peek() == b'}').then(|| scan.open())?;
            Some(value)
        }
        _ => None,
    }
}

/// A string, its escapes resolved; half of a surrogate pair becomes U+FFFD.
fn text<'a>(scan: &mut Scan<'a>) -> Cow<'a, str> {
    scan.quote();
    let plain = scan.verbatim();
    if scan.at_quote() {
        scan.quote();
        return Cow::Borrowed(plain);
    }
    let mut text = plain.to_owned();
    while let Character::Is(character) = scan.character() {
        text.push(character);
        text.push_str(scan.verbatim());
    }
    Cow::Owned(text)
}

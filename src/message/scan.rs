//! A cursor over JSON text that is known to be valid.

/// Reads valid JSON token by token. On text that is not valid JSON it returns nonsense, but neither panics nor fails
/// to end: every loop consumes a byte or stops at the end.
#[derive(Clone)]
pub(super) struct Scan<'a> {
    json: &'a str,
    at: usize,
}

/// One character of a JSON string.
pub(super) enum Character {
    Is(char),
    /// The closing quote.
    End,
}

impl<'a> Scan<'a> {
    pub(super) fn new(json: &'a str) -> Self {
        Scan { json, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.json.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.rest().first().copied()?;
        self.at += 1;
        Some(byte)
    }

    /// How many bytes are behind it.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The first byte of the next token, 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        let blank = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += blank;
        self.rest().first().copied().unwrap_or(0)
    }

    fn token(&mut self) {
        self.peek();
        self.next_byte();
    }

    pub(super) fn open(&mut self) {
        self.token();
    }

    pub(super) fn comma(&mut self) {
        self.token();
    }

    pub(super) fn colon(&mut self) {
        self.token();
    }

    pub(super) fn quote(&mut self) {
        self.token();
    }

    /// Consumes a closing bracket if one is next; the end of the text counts as one.
    pub(super) fn close(&mut self) -> bool {
        let closed = matches!(self.peek(), b']' | b'}' | 0);
        if closed {
            self.next_byte();
        }
        closed
    }

    /// A number or a name.
    pub(super) fn word(&mut self) -> &'a str {
        self.peek();
        let length =
            self.rest().iter().take_while(|byte| !matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
        let start = self.at;
        self.at += length.count().max(1);
        self.json.get(start..self.at).unwrap_or("null")
    }

    /// Up to `most` characters of a string that stand for themselves.
    pub(super) fn plain(&mut self, most: usize) -> &'a str {
        let plain =
            self.rest().iter().take(most).take_while(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\\' | b'\''));
        let start = self.at;
        self.at += plain.count();
        self.json.get(start..self.at).unwrap_or_default()
    }

    /// What follows in a string up to its end or its next escape.
    pub(super) fn verbatim(&mut self) -> &'a str {
        let rest = self.rest();
        let start = self.at;
        self.at += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        self.json.get(start..self.at).unwrap_or_default()
    }

    /// Whether a string ends here.
    pub(super) fn at_quote(&self) -> bool {
        self.rest().first() == Some(&b'"')
    }

    /// The next character of a string, escapes resolved. Half of a surrogate pair becomes U+FFFD.
    pub(super) fn character(&mut self) -> Character {
        match self.json.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => Character::End,
            Some('"') => {
                self.at += 1;
                Character::End
            }
            Some('\\') => {
                self.at += 1;
                Character::Is(self.escape())
            }
            Some(other) => {
                self.at += other.len_utf8();
                Character::Is(other)
            }
        }
    }

    fn escape(&mut self) -> char {
        match self.next_byte() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.unicode(),
            Some(other) if other.is_ascii() => char::from(other),
            _ => char::REPLACEMENT_CHARACTER,
        }
    }

    fn unicode(&mut self) -> char {
        let first = self.hex4();
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.hex4();
            if (0xDC00..0xE000).contains(&second) {
                let joined = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.at = before;
        }
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> u32 {
        let digits = self.json.get(self.at..).and_then(|rest| rest.get(..4));
        self.at += digits.map_or(0, str::len);
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xFFFD)
    }

    /// The rest of a string, up to and with its closing quote.
    pub(super) fn skip_text(&mut self) {
        while let Some(byte) = self.next_byte() {
            match byte {
                b'"' => return,
                b'\\' => {
                    self.next_byte();
                }
                _ => {}
            }
        }
    }

    /// One whole value.
    pub(super) fn skip_value(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                0 => return,
                b'"' => {
                    self.quote();
                    self.skip_text();
                }
                b'[' | b'{' => {
                    self.open();
                    depth += 1;
                }
                b']' | b'}' => {
                    self.open();
                    depth = depth.saturating_sub(1);
                }
                b',' | b':' => self.comma(),
                _ => {
                    self.word();
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Whether exactly one value comes before the closing bracket.
    pub(super) fn is_single(&self) -> bool {
        let mut ahead = self.clone();
        if ahead.close() {
            return false;
        }
        ahead.skip_value();
        ahead.close()
    }
}

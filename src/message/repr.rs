//! `argsrepr` and `kwargsrepr`: how logs, events and `inspect` show the arguments of a task.
//!
//! The text is what Celery's `saferepr(args, maxlen=1024, maxlevels=3)` gives for the Python values that the JSON
//! stands for: a tuple of arguments, lists, dicts, `None`, `True`. Like there, it is a stream of tokens with a budget of
//! characters. A text or number that does not fit is cut and marked `...`; once the budget is used up, `, ...` stands
//! for the rest and the containers that are open get closed. Containers at level 3 are shown as `[...]` or `{...}`.
//!
//! Typed values (`{"__type__": ..., "__value__": ...}`) are shown as the objects they are in JSON, NaN and the infinities
//! as Python shows them.

use super::payload::{Kind, typed};
use super::scan::{Character, Scan};
use serde_json::Number;
use serde_json::value::RawValue;

/// Celery's `argsrepr_maxsize` and `kwargsrepr_maxsize`, in characters. Closing brackets may go beyond.
pub const MAX_CHARS: usize = 1024;
/// Celery's default of `task_repr_maxlevels`.
pub const MAX_LEVELS: usize = 3;

/// Shows a JSON array as the Python tuple of positional arguments: `[4, "a"]` as `(4, 'a')`.
pub fn argsrepr(args: &RawValue) -> String {
    repr(args, true)
}

/// Shows a JSON array as the Python list that it is where arguments are given as a list, as in `beat_schedule`.
pub fn listrepr(args: &RawValue) -> String {
    repr(args, false)
}

/// Shows a JSON object as the Python dict of keyword arguments: `{"a": null}` as `{'a': None}`.
pub fn kwargsrepr(kwargs: &RawValue) -> String {
    repr(kwargs, false)
}

fn repr(json: &RawValue, tuple: bool) -> String {
    let json = json.get();
    // Most arguments are a few numbers: their text is little longer than the JSON.
    let mut writer =
        Writer { scan: Scan::new(json), out: String::with_capacity(json.len().min(MAX_CHARS) + 8), left: MAX_CHARS };
    // `Full` only says that the text ended early; what it holds is complete by then.
    let _ = if tuple && writer.scan.peek() == b'[' { writer.tuple() } else { writer.value(0) };
    writer.out
}

/// The budget of characters is used up.
struct Full;

struct Writer<'a> {
    scan: Scan<'a>,
    out: String,
    /// Characters that may still be written.
    left: usize,
}

impl Writer<'_> {
    fn value(&mut self, level: usize) -> Result<(), Full> {
        match self.scan.peek() {
            b'[' if level >= MAX_LEVELS => self.hidden("[...]"),
            b'{' if level >= MAX_LEVELS => self.hidden("{...}"),
            b'[' => self.list(level),
            b'{' => match special_float(&mut self.scan) {
                Some(shown) => self.literal(shown),
                None => self.dict(level),
            },
            b'"' => self.text(),
            _ => self.word(),
        }
    }

    fn hidden(&mut self, shown: &str) -> Result<(), Full> {
        self.scan.skip_value();
        self.literal(shown)
    }

    fn tuple(&mut self) -> Result<(), Full> {
        self.literal("(")?;
        self.scan.open();
        let first = self.scan.clone();
        let outcome = self.items(1);
        // Only a tuple of one ends with `,)`, also when the budget ran out inside that one.
        self.out.push_str(if first.is_single() { ",)" } else { ")" });
        outcome
    }

    fn list(&mut self, level: usize) -> Result<(), Full> {
        self.literal("[")?;
        self.scan.open();
        let outcome = self.items(level + 1);
        self.close(']');
        outcome
    }

    fn items(&mut self, level: usize) -> Result<(), Full> {
        let mut first = true;
        while !self.scan.close() {
            if !first {
                self.literal(", ")?;
                self.scan.comma();
            }
            first = false;
            self.value(level)?;
        }
        Ok(())
    }

    fn dict(&mut self, level: usize) -> Result<(), Full> {
        self.literal("{")?;
        self.scan.open();
        let outcome = self.entries(level + 1);
        self.close('}');
        outcome
    }

    fn entries(&mut self, level: usize) -> Result<(), Full> {
        let mut first = true;
        while !self.scan.close() {
            if !first {
                self.literal(", ")?;
                self.scan.comma();
            }
            first = false;
            self.text()?;
            self.literal(": ")?;
            self.scan.colon();
            self.value(level)?;
        }
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.left = self.left.saturating_sub(1);
    }

    /// Every token but a closing bracket goes through here first.
    fn check(&mut self) -> Result<(), Full> {
        if self.left == 0 {
            self.out.push_str(", ...");
            return Err(Full);
        }
        Ok(())
    }

    fn literal(&mut self, ascii: &str) -> Result<(), Full> {
        self.check()?;
        self.out.push_str(ascii);
        self.left = self.left.saturating_sub(ascii.len());
        Ok(())
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), Full> {
        self.check()?;
        let word = self.scan.word();
        match word {
            "null" => self.cut("None"),
            "true" => self.cut("True"),
            "false" => self.cut("False"),
            "-0" => self.cut("0"),
            // An integer is shown as it is written; Python's have no limit either.
            integer if !integer.contains(['.', 'e', 'E']) => self.cut(integer),
            float => self.cut(&python_float(float.parse().unwrap_or(0.0))),
        }
        Ok(())
    }

    fn cut(&mut self, ascii: &str) {
        let fits = ascii.len() < self.left;
        let shown = ascii.get(..self.left).filter(|_| !fits).unwrap_or(ascii);
        self.out.push_str(shown);
        self.left -= shown.len();
        if !fits {
            self.out.push_str("...");
            self.left = 0;
        }
    }

    /// A string in single quotes. Celery escapes only the quote itself, so this is not quite Python's `repr`.
    fn text(&mut self) -> Result<(), Full> {
        self.check()?;
        self.out.push('\'');
        let start = self.out.len();
        let mut taken = 0;
        self.scan.quote();
        loop {
            let run = self.scan.plain(self.left - taken);
            self.out.push_str(run);
            taken += run.len();
            if taken == self.left {
                self.cut_text(start);
                return Ok(());
            }
            match self.scan.character() {
                Character::End => break,
                Character::Is('\'') => self.out.push_str("\\'"),
                Character::Is(other) => self.out.push(other),
            }
            taken += 1;
        }
        self.out.push('\'');
        let written =
            self.out.get(start..).map_or(0, |text| if text.is_ascii() { text.len() } else { text.chars().count() });
        self.left = self.left.saturating_sub(written + 1);
        Ok(())
    }

    /// The text had as many characters as were left, or more: it ends at its last space, if it has one.
    fn cut_text(&mut self, start: usize) {
        self.scan.skip_text();
        if let Some(space) = self.out.get(start..).and_then(|text| text.rfind(' ')) {
            self.out.truncate(start + space);
        }
        self.out.push_str("...'");
        let written = self.out.get(start..).map_or(0, |text| text.chars().count());
        self.left = self.left.saturating_sub(written + 1);
    }
}

/// Consumes NaN or an infinity, which canonical text has as a typed object.
fn special_float(scan: &mut Scan<'_>) -> Option<&'static str> {
    let mut ahead = scan.clone();
    let Ok(Some((Kind::Float, name))) = typed(&mut ahead) else { return None };
    *scan = ahead;
    Some(match &*name {
        "NaN" => "nan",
        "Infinity" => "inf",
        _ => "-inf",
    })
}

/// A float as Python's `repr` writes it: the shortest digits that read back the same, with an exponent below 1e-4 and
/// from 1e16 on.
///
/// The digits are those of `serde_json`, which like Python takes the even one of two that are equally near.
pub(super) fn python_float(value: f64) -> String {
    let Some(number) = Number::from_f64(value) else {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    };
    let text = number.to_string();
    if let Some((digits, exponent)) = text.split_once('e') {
        return with_exponent(digits, exponent.parse().unwrap_or(0));
    }
    if value == 0.0 || value.abs() >= 1e-4 {
        return text;
    }
    // `serde_json` writes 0.00002 where Python writes 2e-05.
    let (sign, fraction) = text.split_once("0.").unwrap_or(("", &text));
    let digits = fraction.trim_start_matches('0');
    let exponent = digits.len() as i32 - fraction.len() as i32 - 1;
    let (first, more) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let point = if more.is_empty() { "" } else { "." };
    with_exponent(&format!("{sign}{first}{point}{more}"), exponent)
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

//! Python's `decimal.Decimal`.

use super::super::payload::Kind;
use super::form::{NotA, typed_text};
use std::fmt;
use std::str::FromStr;

/// Python's `Decimal`, as the text that it was made from: `1.50`, `-2E+3`, `NaN`, `Infinity`. It does not calculate; hand
/// its text to a crate that does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Decimal {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_special = matches!(unsigned, "Infinity" | "Inf") || is_nan(unsigned);
        if is_special || is_number(unsigned) {
            return Ok(Decimal(text.into()));
        }
        Err(NotA::new("a decimal such as 1.50 or 2E+3", text))
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `NaN` and `sNaN`, perhaps with diagnostic digits.
fn is_nan(text: &str) -> bool {
    let text = text.strip_prefix('s').unwrap_or(text);
    text.strip_prefix("NaN").is_some_and(digits)
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let is_mantissa = whole.len() + fraction.len() > 0 && digits(whole) && digits(fraction);
    is_mantissa && !exponent.is_empty() && digits(exponent)
}

typed_text!(Decimal, Kind::Decimal, "a decimal");

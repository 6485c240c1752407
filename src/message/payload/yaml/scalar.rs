//! What a YAML scalar means, by PyYAML's rules, which are those of YAML 1.1: `yes` is true, `0777` is 511, `1:30` is 90,
//! but `1e5` is a text.

use super::super::super::python::{Date, DateTime};
use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Integer(i128),
    /// An integer that is longer, as it is written.
    Digits,
    Float(f64),
    /// The text itself.
    Text,
    Bytes(Vec<u8>),
    Time(String),
    Date(String),
}

/// A scalar with a tag of the core schema; `None` if it can't be that.
pub(super) fn tagged(tag: &str, text: &str) -> Option<Scalar> {
    match tag {
        "str" => Some(Scalar::Text),
        "null" => Some(Scalar::Null),
        "bool" => boolean(text).map(Scalar::Bool),
        "int" => integer(text).map(Scalar::Integer),
        "float" => float(text).or_else(|| integer(text).map(|value| value as f64)).map(Scalar::Float),
        "timestamp" => timestamp(text),
        "binary" => binary(text).map(Scalar::Bytes),
        _ => None,
    }
}

/// A scalar that stands without quotes.
pub(super) fn plain(text: &str) -> Scalar {
    match text.bytes().next() {
        None => Scalar::Null,
        Some(b'~' | b'n' | b'N') if matches!(text, "~" | "null" | "Null" | "NULL") => Scalar::Null,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
            let number = integer(text).map(Scalar::Integer).or_else(|| float(text).map(Scalar::Float));
            let number = number.or_else(|| is_long_integer(text).then_some(Scalar::Digits));
            number.or_else(|| timestamp(text)).unwrap_or(Scalar::Text)
        }
        _ => boolean(text).map_or(Scalar::Text, Scalar::Bool),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_long_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|first: char| matches!(first, '1'..='9')) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// An integer of up to 128 bits.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = split_sign(text);
    if digits.len() > 200 || digits.starts_with('_') {
        return None;
    }
    let digits = digits.replace('_', "");
    let value = if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        radix(hexadecimal, 16)
    } else if digits.contains(':') {
        sexagesimal(&digits)
    } else if digits.len() > 1 && digits.starts_with('0') {
        radix(&digits, 8)
    } else {
        radix(&digits, 10)
    }?;
    Some(if negative { -value } else { value })
}

fn radix(digits: &str, radix: u32) -> Option<i128> {
    digits.starts_with(|first: char| first.is_digit(radix)).then(|| i128::from_str_radix(digits, radix).ok())?
}

fn sexagesimal(digits: &str) -> Option<i128> {
    let mut parts = digits.split(':');
    let first = parts.next().filter(|first| first.starts_with(|digit: char| matches!(digit, '1'..='9')))?;
    parts.try_fold(radix(first, 10)?, |value, part| {
        let part = radix(part, 10).filter(|part| *part < 60)?;
        value.checked_mul(60)?.checked_add(part)
    })
}

/// `[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?`, `[-+]?\.[0-9][0-9_]*([eE][-+][0-9]+)?`, `.inf`, `.nan`. Sexagesimal
/// floats are texts here.
fn float(text: &str) -> Option<f64> {
    let (negative, digits) = split_sign(text);
    let value = match digits {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if digits.len() == text.len() => f64::NAN,
        _ => {
            let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
            let (whole, fraction) = mantissa.split_once('.')?;
            let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
            let begins = |part: &str| part.starts_with(|digit: char| digit.is_ascii_digit());
            let is_mantissa = digits_only(whole) && digits_only(fraction) && (begins(whole) || begins(fraction));
            let is_exponent = exponent.is_none_or(|exponent| {
                let digits = exponent.strip_prefix(['-', '+']).unwrap_or_default();
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
            if !is_mantissa || !is_exponent {
                return None;
            }
            digits.replace('_', "").parse().ok()?
        }
    };
    Some(if negative { -value } else { value })
}

/// `2026-01-02`, or with a time after `T` or blanks, and perhaps a zone. The parts may have one digit.
fn timestamp(text: &str) -> Option<Scalar> {
    let is_date = |text: &str| text.len() == 10 && text.as_bytes().get(4) == Some(&b'-');
    if is_date(text) {
        return text.parse::<Date>().ok().map(|date| Scalar::Date(date.to_string()));
    }
    let (date, time) = text.split_once(['T', 't', ' ', '\t'])?;
    let mut parts = date.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let (month, day) = (two(parts.next()?)?, two(parts.next()?)?);
    let time = time.trim_start_matches([' ', '\t']);
    let end = time.find(|c: char| !matches!(c, '0'..='9' | ':' | '.')).unwrap_or(time.len());
    let (clock, zone) = (time.get(..end)?, time.get(end..)?.trim_start_matches([' ', '\t']));
    let (hour, rest) = clock.split_once(':')?;
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    let zone = match zone.as_bytes().first() {
        None => String::new(),
        Some(b'Z') if zone.len() == 1 => "+00:00".to_owned(),
        Some(sign @ (b'+' | b'-')) => {
            let (hours, minutes) = zone.get(1..)?.split_once(':').unwrap_or((zone.get(1..)?, "00"));
            format!("{}{}:{}", char::from(*sign), two(hours)?, two(minutes)?)
        }
        Some(_) => return None,
    };
    let iso = format!("{year}-{month}-{day}T{}:{rest}{zone}", two(hour)?);
    // Hours, minutes and seconds must be there.
    (rest.as_bytes().get(2) == Some(&b':'))
        .then(|| iso.parse::<DateTime>().ok())?
        .map(|time| Scalar::Time(time.to_string()))
}

/// One or two digits, as two.
fn two(digits: &str) -> Option<String> {
    let is_number = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{digits:0>2}"))
}

/// Base64, broken into lines or not.
fn binary(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose =
        GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let digits: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    LENIENT.decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as PyYAML 6.0's `safe_load` reads it.
    #[test]
    fn resolved_as_pyyaml_does() {
        for (text, value) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("nULL", Scalar::Text),
            ("yes", Scalar::Bool(true)),
            ("Off", Scalar::Bool(false)),
            ("y", Scalar::Text),
            ("-12", Scalar::Integer(-12)),
            ("1_000", Scalar::Integer(1000)),
            ("0777", Scalar::Integer(511)),
            ("0o7", Scalar::Text),
            ("08", Scalar::Text),
            ("0x_ff", Scalar::Integer(255)),
            ("0b101", Scalar::Integer(5)),
            ("190:20:30", Scalar::Integer(685_230)),
            ("1:60", Scalar::Text),
            ("1e5", Scalar::Text),
            ("1.0e+5", Scalar::Float(100_000.0)),
            ("1.5e5", Scalar::Text),
            (".5", Scalar::Float(0.5)),
            ("1.", Scalar::Float(1.0)),
            ("-.inf", Scalar::Float(f64::NEG_INFINITY)),
            (".", Scalar::Text),
            ("1.2.3", Scalar::Text),
            ("2026-01-02", Scalar::Date("2026-01-02".into())),
            ("2026-1-2 3:04:05.5 +2", Scalar::Time("2026-01-02T03:04:05.500000+02:00".into())),
            ("2026-01-02T03:04:05Z", Scalar::Time("2026-01-02T03:04:05+00:00".into())),
            ("2026-01-02t03:04:05", Scalar::Time("2026-01-02T03:04:05".into())),
            ("2026-01-02 03:04", Scalar::Text),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
        assert!(matches!(plain(".nan"), Scalar::Float(value) if value.is_nan()));
    }
}

//! Numbers in the server's text: `string2ll`, `strtod`, and `%.17g`.

/// An integer exactly as the server would print it: no plus sign, no leading zero, no space.
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A float as commands take it: not NaN, and in range unless it says `inf`.
pub(super) fn parse_float(text: &[u8]) -> Option<f64> {
    let value = parse_bound(text)?;
    let named = text.iter().any(|byte| matches!(byte, b'i' | b'I'));
    let digits = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let underflow = value == 0.0 && digits.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    let spaced = text.is_empty() || text[0].is_ascii_whitespace();
    (!spaced && (value.is_finite() || named) && !underflow).then_some(value)
}

/// A float as `strtod` reads it, all of the text; the empty text is 0. Not NaN.
pub(super) fn parse_bound(text: &[u8]) -> Option<f64> {
    if text.is_empty() {
        return Some(0.0);
    }
    let text = std::str::from_utf8(text).ok()?.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let value: f64 = text.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// `%.17g`, which reads back as the same double.
pub(super) fn format_float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:.16e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..17).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(digits), exponent.abs());
    }
    let decimals = usize::try_from(16 - exponent).unwrap_or_default();
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_percent_17_g_does() {
        let printed = [
            (0.1, "0.10000000000000001"),
            (1e20, "1e+20"),
            (3.0, "3"),
            (-0.0, "-0"),
            (1e-7, "9.9999999999999995e-08"),
            (1_795_347_671.667_356_7, "1795347671.6673567"),
            (1e16, "10000000000000000"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in printed {
            assert_eq!(format_float(value), text);
        }
    }

    #[test]
    fn integers_are_read_as_they_are_printed() {
        for (text, value) in [("0", Some(0)), ("-1", Some(-1)), ("-0", None), ("+1", None), ("01", None), ("", None)] {
            assert_eq!(parse_integer(text.as_bytes()), value, "{text:?}");
        }
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_integer(b"9223372036854775808"), None);
    }

    #[test]
    fn floats_out_of_range_are_no_floats() {
        for text in ["1e400", "1e-400", " 1", "1 ", "nan", "", "1a"] {
            assert_eq!(parse_float(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_float(b"-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_float(b"0e5"), Some(0.0));
        assert_eq!(parse_bound(b"1e400"), Some(f64::INFINITY));
    }
}

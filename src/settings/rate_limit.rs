//! Celery's syntax of rate limits: `"10/s"`, `"100/m"`, `"1/h"`, `"10"`, `10`.

use super::value::{Expected, SettingValue, expected};

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    per_second: f64,
}

/// A text that is no rate limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRateLimit {
    /// What stands before the `/` is no number.
    #[error("{0:?} is no number; a rate limit is one such as \"10/m\"")]
    NotANumber(String),
    /// What stands after it is no unit.
    #[error("{0:?} is no unit of time: use \"s\", \"m\" or \"h\", as in \"10/m\"")]
    Unit(String),
    /// Nothing would ever be allowed.
    #[error("a rate limit can't be below 0")]
    Negative,
}

impl RateLimit {
    /// Reads Celery's syntax. An empty text is no limit, as 0 is.
    ///
    /// # Errors
    ///
    /// Where Celery's own reading fails, and for a negative one, under which Celery would never run anything.
    pub fn parse(text: &str) -> Result<RateLimit, BadRateLimit> {
        RateLimit::per_second_of(per_second(text)?)
    }

    /// So many in a second.
    ///
    /// # Errors
    ///
    /// When it is negative or no number.
    pub fn per_second_of(per_second: f64) -> Result<RateLimit, BadRateLimit> {
        if per_second.is_nan() || per_second.is_infinite() {
            return Err(BadRateLimit::NotANumber(per_second.to_string()));
        }
        if per_second < 0.0 { Err(BadRateLimit::Negative) } else { Ok(RateLimit { per_second }) }
    }

    /// How many in a second; `None` is no limit.
    pub fn per_second(self) -> Option<f64> {
        (self.per_second > 0.0).then_some(self.per_second)
    }
}

/// What Celery makes of a text, negative numbers and all.
fn per_second(text: &str) -> Result<f64, BadRateLimit> {
    if text.is_empty() {
        return Ok(0.0);
    }
    let (number, unit) = text.split_once('/').unwrap_or((text, ""));
    let seconds = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(BadRateLimit::Unit(unit.to_owned())),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number / seconds),
        _ => Err(BadRateLimit::NotANumber(number.to_owned())),
    }
}

impl SettingValue for RateLimit {
    const EXPECTED: &'static str = "a rate limit, such as \"10/s\", \"100/m\", \"1/h\" or 10";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        let limit = match value {
            toml::Value::String(text) => RateLimit::parse(text),
            toml::Value::Integer(number) => RateLimit::per_second_of(*number as f64),
            toml::Value::Float(number) => RateLimit::per_second_of(*number),
            _ => return Err(expected::<Self>()),
        };
        limit.map_err(|bad| format!("{}; {bad}", Self::EXPECTED).into())
    }

    fn to_toml(&self) -> Option<toml::Value> {
        // As it may be written. Seconds to minutes and back can round, which shows in the last digit only.
        let written = |number: f64| number.fract() == 0.0 && number >= 1.0;
        let (second, minute, hour) = (self.per_second, self.per_second * 60.0, self.per_second * 3600.0);
        Some(if written(second) || second == 0.0 {
            format!("{second}/s").into()
        } else if written(minute) {
            format!("{minute}/m").into()
        } else if written(hour) {
            format!("{hour}/h").into()
        } else {
            second.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn texts_are_read_as_celery_reads_them() {
        let vectors = include_str!("../../tests/golden/vectors_misc.jsonl").lines();
        let vectors = vectors.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let mut seen = 0;
        for vector in vectors.filter(|vector| vector["kind"] == "rate_limit_parse") {
            let read = match &vector["value"] {
                Value::String(text) => per_second(text).ok(),
                number => number.as_f64(),
            };
            assert_eq!(read, vector["per_second"].as_f64(), "{vector}");
            if let Value::String(text) = &vector["value"] {
                let limit = RateLimit::parse(text).ok().map(|limit| limit.per_second().unwrap_or(0.0));
                assert_eq!(limit, read.filter(|read| *read >= 0.0), "{vector}");
            }
            seen += 1;
        }
        assert_eq!(seen, 9);
    }

    #[test]
    fn a_limit_is_shown_as_it_may_be_written() {
        for text in ["10/s", "100/m", "1/h", "0/s"] {
            assert_eq!(RateLimit::parse(text).expect("a limit").to_toml(), Some(text.into()));
        }
        for text in ["nan", "inf/s", "1e999", "1/", "/s", "1/s/s", "-1/s", "1_0", "1/S"] {
            let known = ["1/"].contains(&text);
            assert_eq!(RateLimit::parse(text).is_ok(), known, "{text}");
        }
    }
}

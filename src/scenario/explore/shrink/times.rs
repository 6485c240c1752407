//! Times are made rounder, ranges become times.

use super::Shrinker;
use super::tree::{Step, paths, value_at};
use crate::scenario::values::parse_span;
use std::time::Duration;
use toml::Value;

/// What a time is rounded to, the roundest first, in nanoseconds.
const GRAINS: [u64; 9] =
    [60_000_000_000, 10_000_000_000, 1_000_000_000, 500_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000];

impl Shrinker<'_> {
    pub(super) fn round_times(&mut self) {
        self.settle_ranges();
        for path in paths(&self.best) {
            let text = value_at(&mut self.best, &path).and_then(|value| value.as_str().map(str::to_owned));
            let Some(now) = text.as_deref().and_then(span) else { continue };
            for candidate in rounder(now) {
                let changed = self.change(|document| {
                    value_at(document, &path).is_some_and(|value| {
                        *value = Value::String(humantime::format_duration(Duration::from_nanos(candidate)).to_string());
                        true
                    })
                });
                if changed {
                    break;
                }
            }
        }
    }

    /// A range becomes one of its ends, or what is in the middle; `between` two times becomes `at` one.
    fn settle_ranges(&mut self) {
        for path in paths(&self.best) {
            let text = value_at(&mut self.best, &path).and_then(|value| value.as_str().map(str::to_owned));
            let ends = text.as_deref().and_then(|text| text.split_once(".."));
            let Some((low, high)) = ends.and_then(|(low, high)| span(low).zip(span(high))) else { continue };
            for nanos in [low, high, low + high.saturating_sub(low) / 2] {
                let text = humantime::format_duration(Duration::from_nanos(nanos)).to_string();
                let changed = self.change(|document| match path.split_last() {
                    Some((Step::Key(key), parent)) if key == "between" => {
                        let fault = value_at(document, parent).and_then(Value::as_table_mut);
                        fault.is_some_and(|fault| {
                            fault.remove("between");
                            fault.insert("at".to_owned(), text.into());
                            true
                        })
                    }
                    _ => value_at(document, &path).is_some_and(|value| {
                        *value = Value::String(text);
                        true
                    }),
                });
                if changed {
                    break;
                }
            }
        }
    }
}

fn span(text: &str) -> Option<u64> {
    let nanos = parse_span(text).ok()?.as_nanos();
    u64::try_from(nanos).ok().filter(|_| text.trim().starts_with(|c: char| c.is_ascii_digit()))
}

/// Rounder times close to this one, the roundest first.
fn rounder(nanos: u64) -> impl Iterator<Item = u64> {
    let grains = GRAINS.into_iter().take_while(move |grain| !nanos.is_multiple_of(*grain));
    let both = grains.flat_map(move |grain| [nanos / grain * grain, (nanos / grain + 1) * grain]);
    both.filter(move |rounded| *rounded > 0 && *rounded <= nanos.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roundest_comes_first_and_what_is_round_stays() {
        let candidates: Vec<u64> = rounder(12_345_000_000).take(6).collect();
        let wanted = [10, 20, 12, 13, 12, 12].map(|seconds| seconds * 1_000_000_000);
        assert_eq!((&candidates[..5], candidates[5]), (&wanted[..5], 12_500_000_000));
        assert_eq!(rounder(60_000_000_000).count(), 0);
        assert!(rounder(2_000_000_000).all(|rounded| rounded.is_multiple_of(1_000_000_000)));
    }

    #[test]
    fn names_are_no_times() {
        assert_eq!(span("1s 500ms"), Some(1_500_000_000));
        assert!(["w1", "basic.ack", "", "1", "images.resize", "2 of 3"].iter().all(|text| span(text).is_none()));
    }
}

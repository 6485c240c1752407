//! Time zones, by their names in the IANA database.
//!
//! The database is part of the program; the machine's own is never read.

use crate::message::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use std::fmt;
use std::sync::{Arc, LazyLock};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone: Celery's `timezone`.
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    zone: TimeZone,
}

/// There is no such time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no time zone {name:?}{}; expected a name of the IANA database, such as \"UTC\" or \"Europe/Berlin\"",
    nearest.as_ref().map(|nearest| format!("; did you mean {nearest:?}?")).unwrap_or_default()
)]
pub struct UnknownZone {
    /// What was written.
    pub name: String,
    /// The nearest name that there is.
    pub nearest: Option<String>,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// The zone of that name, in any case: `Europe/Berlin`, `UTC`.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`], with the nearest name that there is.
    pub fn named(name: &str) -> Result<Zone, UnknownZone> {
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Zone::utc());
        }
        match DATABASE.get(name) {
            Ok(zone) => Ok(Zone { name: zone.iana_name().unwrap_or(name).into(), zone }),
            Err(_) => {
                let names: Vec<String> = DATABASE.available().map(|name| name.to_string()).collect();
                let nearest = crate::text::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
                Err(UnknownZone { name: name.chars().take(100).collect(), nearest })
            }
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The local time with its offset: `2026-10-25T02:30:00+02:00`.
    pub fn show(&self, at: Timestamp) -> String {
        let (local, offset) = self.local(at);
        let (sign, seconds) = if offset.seconds() < 0 { ('-', -offset.seconds()) } else { ('+', offset.seconds()) };
        format!("{local}{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
    }

    /// What clocks show there.
    pub(super) fn local(&self, at: Timestamp) -> (DateTime, Offset) {
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::MAX);
        let offset = self.zone.to_offset(instant);
        (offset.to_datetime(instant), offset)
    }

    /// When clocks show that: the first time of two; in a gap, as if the clocks had not been changed yet, so the local
    /// time comes out later by what was skipped. Python's `fold=0`.
    pub(super) fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let offset = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        at_offset(local, offset)
    }

    /// When clocks first show that or, if it is skipped, the first moment after the gap.
    pub(super) fn first_instant(&self, local: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                at_offset(local, offset)
            }
            // With the offset after the gap, a time inside of it lies before the change of clocks.
            AmbiguousOffset::Gap { after, .. } => self.next_change(at_offset(local, after)?),
        }
    }

    /// A skipped local time, moved on by what was skipped; any other as it is.
    pub(super) fn existing(&self, local: DateTime) -> DateTime {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Gap { before, .. } => {
                at_offset(local, before).map_or(local, |instant| self.local(instant).0)
            }
            _ => local,
        }
    }

    /// When the offset next changes, after `at`.
    pub(super) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        let before = self.zone.to_offset(instant);
        // A change of the zone's name alone is none of ours.
        let mut changes = self.zone.following(instant);
        let change = changes.find(|change| self.zone.to_offset(change.timestamp()) != before)?;
        Some(Timestamp::from_micros(change.timestamp().as_microsecond()))
    }
}

/// When clocks at that offset show that.
pub(super) fn at_offset(local: DateTime, offset: Offset) -> Option<Timestamp> {
    offset.to_timestamp(local).ok().map(|instant| Timestamp::from_micros(instant.as_microsecond()))
}

impl Default for Zone {
    fn default() -> Self {
        Zone::utc()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

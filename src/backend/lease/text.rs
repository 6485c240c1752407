//! A lease as a text: for stores that keep texts.

use super::{Lease, Leases, Progress, Records};
use crate::env::Instant;
use crate::message::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
struct Written {
    holder: String,
    fence: u64,
    /// Microseconds on the store's clock.
    ends: u64,
    /// By entry: what is done, and what is being seen to. Microseconds since 1970.
    records: BTreeMap<String, (i64, Option<i64>)>,
}

impl Leases {
    /// The one lease that a text holds; an empty text holds none.
    pub(in crate::backend) fn read(name: &str, text: &[u8]) -> Result<Leases, String> {
        let mut leases = Leases::default();
        if text.is_empty() {
            return Ok(leases);
        }
        let Written { holder, fence, ends, records } =
            serde_json::from_slice(text).map_err(|error| format!("what is kept of the lease {name}: {error}"))?;
        let progress = |(done, taken): (i64, Option<i64>)| Progress {
            done: Timestamp::from_micros(done),
            taken: taken.map(Timestamp::from_micros),
        };
        let records: Records = records.into_iter().map(|(entry, at)| (entry.into(), progress(at))).collect();
        let ends = Instant(ends.saturating_mul(1_000));
        leases.0.insert(name.into(), Lease { holder: holder.into(), fence, ends, records });
        Ok(leases)
    }

    /// A lease as a text; empty if there is none of that name.
    pub(in crate::backend) fn write(&self, name: &str) -> String {
        let Some(lease) = self.0.get(name) else { return String::new() };
        let progress = |at: &Progress| (at.done.as_micros(), at.taken.map(Timestamp::as_micros));
        let written = Written {
            holder: lease.holder.to_string(),
            fence: lease.fence,
            ends: lease.ends.0 / 1_000,
            records: lease.records.iter().map(|(entry, at)| (entry.to_string(), progress(at))).collect(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Answer, Ask, Change};
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_lease_is_read_as_it_was_written() {
        let mut leases = Leases::default();
        let (lease, now) = ("beat", Instant(5_000_000_000));
        leases.answer(&Ask::Acquire { lease: lease.into(), holder: "a".into(), ttl: Duration::from_secs(9) }, now);
        let to = Progress { done: Timestamp::from_micros(7), taken: Some(Timestamp::from_micros(8)) };
        let change = Change { entry: "hourly".into(), from: None, to };
        let advance = Ask::Advance { lease: lease.into(), fence: 1, changes: vec![change] };
        assert_eq!(leases.answer(&advance, now), Answer::Advanced(vec![true]));
        let text = leases.write(lease);
        let mut read = Leases::read(lease, text.as_bytes()).unwrap();
        assert_eq!(read.write(lease), text);
        let again = Ask::Acquire { lease: lease.into(), holder: "a".into(), ttl: Duration::from_secs(9) };
        let Answer::Acquired { fence: 1, records } = read.answer(&again, now) else { panic!("it was a's") };
        assert_eq!(records.get("hourly"), Some(&to));
        assert!(Leases::read(lease, b"{}").is_err());
    }
}

//! Leases in a journal: who holds each, until when by the wall clock, and what was recorded under it.

use super::{Answer, Ask, Lease, Leases, Progress};
use crate::env::Instant;
use crate::journal::codec::{Malformed, Put, Reader};
use crate::journal::{Clock, Snapshot};
use crate::message::Timestamp;

/// First byte of a holder's record, and of a record under a lease. The results' own are 1 and 2.
pub(in crate::backend) const HOLDER: u8 = 3;
pub(in crate::backend) const RECORD: u8 = 4;

impl Leases {
    /// Appends what an answer has changed.
    pub(in crate::backend) fn write_change(&self, ask: &Ask, answer: &Answer, clock: Clock, out: &mut Vec<u8>) {
        match (ask, answer) {
            (Ask::Acquire { lease, .. }, Answer::Acquired { .. })
            | (Ask::Renew { lease, .. }, Answer::Renewed)
            | (Ask::Release { lease, .. }, Answer::Released) => {
                if let Some(held) = self.0.get(lease) {
                    held.write(lease, clock, out);
                }
            }
            (Ask::Advance { lease, changes, .. }, Answer::Advanced(done)) => {
                let recorded = changes.iter().zip(done).filter(|(_, done)| **done);
                recorded.for_each(|(change, _)| write_record(lease, &change.entry, change.to, out));
            }
            _ => {}
        }
    }

    /// Writes all leases.
    pub(in crate::backend) fn describe(&self, snapshot: &mut Snapshot<'_>, clock: Clock) {
        for (name, lease) in &self.0 {
            snapshot.part(|content| lease.write(name, clock, content));
            for (entry, progress) in &lease.records {
                snapshot.part(|content| write_record(name, entry, *progress, content));
            }
        }
    }

    /// Puts one record back, whose first byte was `kind`.
    pub(in crate::backend) fn replay(
        &mut self,
        kind: u8,
        from: &mut Reader<'_>,
        clock: Clock,
    ) -> Result<(), Malformed> {
        let name = from.text()?;
        if kind == HOLDER {
            let holder = from.text()?.into();
            let (fence, ends) = (from.number()?, Instant(clock.to_deadline(from.signed()?)));
            let records = self.0.remove(name).map(|old| old.records).unwrap_or_default();
            self.0.insert(name.into(), Lease { holder, fence, ends, records });
            return Ok(());
        }
        let entry = from.text()?.into();
        let done = Timestamp::from_micros(from.signed()?);
        let taken = if from.flag()? { Some(Timestamp::from_micros(from.signed()?)) } else { None };
        let lease = self.0.get_mut(name).ok_or(Malformed("a record under a lease that nobody has held"))?;
        lease.records.insert(entry, Progress { done, taken });
        Ok(())
    }
}

impl Lease {
    fn write(&self, name: &str, clock: Clock, out: &mut Vec<u8>) {
        out.byte(HOLDER);
        out.text(name);
        out.text(&self.holder);
        out.number(self.fence);
        out.signed(clock.to_wall(self.ends.0));
    }
}

fn write_record(lease: &str, entry: &str, Progress { done, taken }: Progress, out: &mut Vec<u8>) {
    out.byte(RECORD);
    out.text(lease);
    out.text(entry);
    out.signed(done.as_micros());
    out.byte(u8::from(taken.is_some()));
    if let Some(taken) = taken {
        out.signed(taken.as_micros());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Change, Records};
    use super::*;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_holder_its_fence_and_what_it_recorded_come_back() {
        let before = Clock { now: 1_000 * SECOND, wall: 5_000_000_000 };
        let now = Instant(before.now);
        let (mut leases, mut written) = (Leases::default(), Vec::new());
        let mut ask = |leases: &mut Leases, ask: Ask| {
            let answer = leases.answer(&ask, now);
            leases.write_change(&ask, &answer, before, &mut written);
            answer
        };
        let (lease, holder, ttl) = ("beat".into(), "a".into(), Duration::from_secs(30));
        ask(&mut leases, Ask::Acquire { lease, holder, ttl });
        let to = Progress { done: Timestamp::from_micros(7), taken: Some(Timestamp::from_micros(8)) };
        let change = |from| vec![Change { entry: "hourly".into(), from, to }];
        ask(&mut leases, Ask::Advance { lease: "beat".into(), fence: 1, changes: change(None) });
        // Refused, and not written.
        let stale = Some(Progress { done: Timestamp::from_micros(1), taken: None });
        let other = vec![Change { entry: "daily".into(), from: stale, to }];
        assert_eq!(
            ask(&mut leases, Ask::Advance { lease: "beat".into(), fence: 1, changes: other }),
            Answer::Advanced(vec![false])
        );
        let after = Clock { now: SECOND, wall: before.wall + 20_000_000 };
        let (mut back, mut from) = (Leases::default(), Reader(&written));
        while !from.is_empty() {
            let kind = from.byte().expect("a kind");
            back.replay(kind, &mut from, after).expect("a record");
        }
        let asked = Ask::Acquire { lease: "beat".into(), holder: "b".into(), ttl };
        let rest = Duration::from_secs(10);
        assert_eq!(back.answer(&asked, Instant(after.now)), Answer::Held { rest }, "it is still held");
        let records = Records::from([("hourly".into(), to)]);
        assert_eq!(back.answer(&asked, Instant(12 * SECOND)), Answer::Acquired { fence: 2, records });
    }
}

//! What the result store keeps in a journal: results, each a state, its meta and when it ends by the wall clock, and
//! leases.

use super::lease::{Leases, kept as leases_kept};
use super::store::Store;
use crate::env::Instant;
use crate::events::State;
use crate::journal::codec::{Malformed, Put, Reader};
use crate::journal::{Clock, Snapshot};
use std::sync::Arc;

/// The binary form of a state; entries are appended, never moved.
const STATES: [State; 10] = {
    use State::{Custom, Failure, Ignored, Pending, Received, Rejected, Retry, Revoked, Started, Success};
    [Pending, Started, Retry, Success, Failure, Revoked, Received, Rejected, Ignored, Custom]
};

/// Appends one result.
pub(super) fn write(id: &str, state: State, meta: &[u8], ends: Option<Instant>, clock: Clock, out: &mut Vec<u8>) {
    out.byte(1);
    out.text(id);
    out.byte(STATES.iter().position(|known| *known == state).unwrap_or(0) as u8);
    out.byte(u8::from(ends.is_some()));
    if let Some(ends) = ends {
        out.signed(clock.to_wall(ends.0));
    }
    out.bytes(meta);
}

/// Appends that a result was forgotten.
pub(super) fn write_forgotten(id: &str, out: &mut Vec<u8>) {
    out.byte(2);
    out.text(id);
}

/// Writes all results.
pub(super) fn describe(store: &Store, snapshot: &mut Snapshot<'_>, clock: Clock) {
    for (id, state, meta, ends) in store.iter() {
        snapshot.part(|content| write(id, state, meta, ends, clock, content));
    }
}

/// Puts the results and leases of one record back.
pub(super) fn replay(store: &mut Store, leases: &mut Leases, record: &[u8], clock: Clock) -> Result<(), Malformed> {
    let mut from = Reader(record);
    while !from.is_empty() {
        match from.byte()? {
            1 => {
                let id: Arc<str> = from.text()?.into();
                let state = *STATES.get(usize::from(from.byte()?)).ok_or(Malformed("an unknown state"))?;
                let ends = if from.flag()? { Some(Instant(clock.to_deadline(from.signed()?))) } else { None };
                store.restore(id, state, from.bytes()?.into(), ends);
            }
            2 => store.forget(&from.text()?.into()),
            kind @ (leases_kept::HOLDER | leases_kept::RECORD) => leases.replay(kind, &mut from, clock)?,
            _ => return Err(Malformed("a change of a result of an unknown kind: a newer simq wrote it")),
        }
    }
    // What ended while nobody was there.
    store.expire(Instant(clock.now));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn results_come_back_with_what_is_left_of_their_time() {
        let before = Clock { now: 1_000 * SECOND, wall: 5_000_000_000 };
        let mut record = Vec::new();
        write("short", State::Success, b"1", Some(Instant(before.now + 10 * SECOND)), before, &mut record);
        write("long", State::Failure, b"2", Some(Instant(before.now + 60 * SECOND)), before, &mut record);
        write("for ever", State::Started, b"3", None, before, &mut record);
        write("forgotten", State::Success, b"4", None, before, &mut record);
        write_forgotten("forgotten", &mut record);
        let after = Clock { now: SECOND, wall: before.wall + 20_000_000 };
        let mut store = Store::default();
        assert_eq!(replay(&mut store, &mut Leases::default(), &record, after), Ok(()));
        assert!(store.get("short").is_none(), "it ended meanwhile");
        let mut ends: Vec<_> = store.iter().map(|(id, state, _, ends)| (id.to_string(), state, ends)).collect();
        ends.sort();
        let long = ("long".to_owned(), State::Failure, Some(Instant(41 * SECOND)));
        assert_eq!(ends, [("for ever".to_owned(), State::Started, None), long]);
    }
}

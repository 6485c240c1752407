use super::*;
use crate::journal::codec::Malformed;
use proptest::prelude::*;

const GENERATION: u64 = 7;

/// A file, and where each of its records ends.
fn file(snapshot: &[Vec<u8>], batches: &[Vec<Vec<u8>>], marks: bool) -> (Vec<u8>, Vec<usize>) {
    let mut records = Records::new(GENERATION);
    records.bytes.extend_from_slice(&[0; HEADER]);
    let mut ends = vec![HEADER];
    let add = |records: &mut Records, content: &[u8], ends: &mut Vec<usize>| {
        records.content().extend_from_slice(content);
        assert!(records.seal());
        ends.push(records.bytes.len());
    };
    snapshot.iter().for_each(|content| add(&mut records, content, &mut ends));
    let length = records.bytes.len();
    records.bytes[..HEADER].copy_from_slice(&header(GENERATION, marks, length as u64));
    for batch in batches {
        batch.iter().for_each(|content| add(&mut records, content, &mut ends));
        records.synced = marks.then_some(records.bytes.len() as u64);
    }
    (records.bytes, ends)
}

fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Result<Scanned, JournalError>) {
    let mut contents = Vec::new();
    let scanned = scan("log", bytes, |content| {
        contents.push(content.to_vec());
        Ok(())
    });
    (contents, scanned)
}

fn any_contents(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..most)
}

/// Contents of a snapshot, batches of further contents, whether what is synced is marked.
type Contents = (Vec<Vec<u8>>, Vec<Vec<Vec<u8>>>, bool);

fn any_file() -> impl Strategy<Value = Contents> {
    (any_contents(3), prop::collection::vec(any_contents(4), 0..4), any::<bool>())
}

proptest! {
    #[test]
    fn every_record_comes_back_in_order((snapshot, batches, marks) in any_file()) {
        let (bytes, _) = file(&snapshot, &batches, marks);
        let (contents, scanned) = read(&bytes);
        prop_assert_eq!(contents, [snapshot, batches.concat()].concat());
        prop_assert_eq!(scanned, Ok(Scanned { generation: GENERATION, end: bytes.len() as u64, torn: 0 }));
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_read_up_to_its_last_whole_record((snapshot, batches, marks) in any_file()) {
        let (bytes, ends) = file(&snapshot, &batches, marks);
        let all = [snapshot.clone(), batches.concat()].concat();
        for cut in ends[snapshot.len()]..=bytes.len() {
            let (contents, scanned) = read(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            prop_assert_eq!(contents, &all[..whole]);
            let torn = scanned.expect("a torn tail is no damage").torn;
            prop_assert!(torn as usize <= cut - ends[whole]);
        }
        for cut in HEADER..ends[snapshot.len()] {
            prop_assert!(read(&bytes[..cut]).1.is_err(), "a snapshot is synced before its file has its name");
        }
    }

    /// Never is another content read than what was written; and what was synced, or is followed by what can be read
    /// where nobody knows what was synced, is missed with an error.
    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is((snapshot, batches, marks) in any_file(), seed in any::<u64>()) {
        let (bytes, ends) = file(&snapshot, &batches, marks);
        let all = [snapshot, batches.concat()].concat();
        let synced = if marks { last_mark(&bytes) } else { 0 };
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (seed.wrapping_add(at as u64) % 8);
            let (contents, scanned) = read(&damaged);
            prop_assert!(all.starts_with(&contents));
            let hit = ends.partition_point(|end| *end <= at);
            match scanned {
                Err(_) => {}
                Ok(scanned) => {
                    prop_assert!(scanned.torn > 0, "byte {} was not missed", at);
                    prop_assert!(at >= synced, "byte {} was synced", at);
                    prop_assert!(marks || hit + 1 >= ends.len(), "others follow, and nobody knows what was synced");
                }
            }
        }
    }
}

/// Everything before this is known to have been synced.
fn last_mark(bytes: &[u8]) -> usize {
    let (mut at, mut last, mut synced) = (HEADER, 0, 0);
    while let Some(frame) = frame(&bytes[at..], GENERATION, last + 1..=last + 1) {
        synced = frame.mark.unwrap_or(synced);
        (at, last) = (at + frame.length, frame.sequence);
    }
    synced as usize
}

/// Pages reach the disk in any order: a loss of power may keep the second record of what was not synced and lose the
/// first. Nobody was told of either.
#[test]
fn a_hole_in_what_was_not_synced_is_the_end_of_the_file() {
    let batches = [vec![b"synced".to_vec()], vec![b"lost".to_vec(), b"kept".to_vec()]];
    let (mut bytes, ends) = file(&[], &batches, true);
    bytes[ends[1]..ends[2]].fill(0);
    let (contents, scanned) = read(&bytes);
    assert_eq!(contents, [b"synced"]);
    assert_eq!(scanned.expect("no damage").end, ends[1] as u64);
}

#[test]
fn damage_says_where_and_what_to_do() {
    let batches = [vec![b"one".to_vec()], vec![b"two".to_vec()], vec![b"three".to_vec()]];
    let (mut bytes, ends) = file(&[b"state".to_vec()], &batches, true);
    bytes[ends[1] + 17] ^= 1;
    let error = read(&bytes).1.unwrap_err();
    assert!(error.is_damage());
    let offset = ends[1];
    assert!(error.to_string().starts_with(&format!("log is damaged at byte {offset}: ")), "{error}");
    assert!(error.to_string().contains(&format!("truncate -s {offset}")), "{error}");
    bytes[ends[0] + 17] ^= 1;
    let error = read(&bytes).1.unwrap_err().to_string();
    assert!(error.contains("Restore") && !error.contains("truncate"), "a file without its snapshot is none: {error}");
}

#[test]
fn foreign_files_and_other_versions_are_refused_by_name() {
    let (mut bytes, _) = file(&[], &[], true);
    assert!(matches!(read(b"[settings]\n").1, Err(JournalError::Foreign { .. })));
    bytes[8] = VERSION + 1;
    let error = read(&bytes).1.unwrap_err();
    assert!(matches!(error, JournalError::Version { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn a_record_of_another_file_is_no_record_of_this_one() {
    let (ours, ends) = file(&[], &[vec![b"a".to_vec(), b"b".to_vec()]], false);
    let mut other = Records::new(GENERATION + 1);
    other.content().extend_from_slice(b"x");
    other.seal();
    let spliced = [&ours[..HEADER], &other.bytes].concat();
    assert_eq!(read(&spliced).0, Vec::<Vec<u8>>::new());
    assert!(read(&[&ours[..ends[0]], &ours[ends[1]..]].concat()).1.is_err(), "a gap in the numbers");
}

#[test]
fn what_a_reader_can_not_understand_is_damage_with_its_reason() {
    let (bytes, _) = file(&[], &[vec![b"a".to_vec()]], true);
    let error = scan("log", &bytes, |_| Err(Malformed("a change of an unknown kind"))).unwrap_err();
    assert!(error.to_string().contains("a change of an unknown kind"), "{error}");
}

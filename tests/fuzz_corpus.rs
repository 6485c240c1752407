//! The fuzz targets' own functions over their seeds, captured bodies and hostile ones: deep nesting, bombs, huge lengths,
//! bytes cut off. And over arbitrary bytes. Nothing panics, takes long, or makes much of little.

#![allow(clippy::disallowed_methods, reason = "the seeds are files, and what is slow is slow on the real clock")]

#[path = "fuzz/harness.rs"]
mod harness;

use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 8] = [
    ("message", harness::message),
    ("json", harness::json),
    ("msgpack", harness::msgpack),
    ("yaml", harness::yaml),
    ("pickle", harness::pickle),
    ("decompress", harness::decompress),
    ("times", harness::times),
    ("repr", harness::repr),
];

/// Far more than any seed takes without optimisation on a busy machine, far less than what hangs.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn seeds() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(name);
        let mut paths: Vec<_> =
            fs::read_dir(&folder).expect("seeds").map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        assert!(paths.len() > 10, "{name}: {} seeds", paths.len());
        for path in paths {
            let data = fs::read(&path).expect("a seed");
            let (shown, started) = (path.display(), Instant::now());
            assert!(std::panic::catch_unwind(|| target(&data)).is_ok(), "{shown}");
            assert!(started.elapsed() < PATIENCE, "{shown}: {:?}", started.elapsed());
        }
    }
}

/// Every target takes the seeds of every other: wrong content types, wrong compressions.
#[test]
fn seeds_of_others() {
    for (name, _) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(name);
        for entry in fs::read_dir(&folder).expect("seeds") {
            let data = fs::read(entry.expect("an entry").path()).expect("a seed");
            if data.len() < 4096 {
                TARGETS.iter().for_each(|(_, target)| target(&data));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes(data in prop::collection::vec(any::<u8>(), 0..256)) {
        TARGETS.iter().for_each(|(_, target)| target(&data));
    }

    #[test]
    fn arbitrary_text(data in "[-\\[\\]{}:,?&*!|>'\"#%@ \n\t0-9a-fNITZ._+]{0,96}") {
        TARGETS.iter().for_each(|(_, target)| target(data.as_bytes()));
    }
}

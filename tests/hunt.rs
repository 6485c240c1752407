//! Planted faults are found, some of the fast ones, and no story of the hunt fails without. The whole hunt is a program:
//! `cargo run --release --features planted --bin hunt`.

#![allow(clippy::disallowed_methods, reason = "the real world is what is tested")]

mod hunt {
    #[allow(dead_code, reason = "the program says more of what was found")]
    pub(crate) mod search;
}

use hunt::search::{Limit, Story, explored, hunt, stories};
use simq::planted::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// Runs of each story without a fault; `--bin hunt -- --sound 10000` is a soak.
const SOUND_RUNS: u64 = 24;

/// Faults that are found within 256 runs of a story, and fast.
const FAST: &[(Fault, &str)] = &[
    (Fault::AckBeforeStore, "deploy"),
    (Fault::RequeueForgotten, "deploy"),
    (Fault::ReservedKeptDuringShutdown, "deploy"),
    (Fault::HardLimitNotArmedAfterRetry, "limits"),
    (Fault::ExpiryOnlyOnArrival, "limits"),
    (Fault::DeliveryLimitOffByOne, "quiet"),
    (Fault::TimersLostAfterPause, "quiet"),
    (Fault::WindowLeakedOnReject, "quiet"),
    (Fault::UnstoredForgotten, "deploy_store"),
    (Fault::RetriedPublishForgetsId, "embedded_random"),
    (Fault::SilentStoreUnnoticed, "embedded_random"),
    (Fault::PrefetchNotRestored, "one_worker"),
    (Fault::HeartbeatsNotRestored, "journal"),
    (Fault::ConfirmBeforeSync, "journal"),
    (Fault::ConfirmAssumedOnLoss, "beat"),
    (Fault::FailedPublishCounts, "beat"),
    (Fault::LeaseGrantedTwice, "beat"),
    (Fault::ClockStepUnnoticed, "beat_clock"),
    (Fault::PriorityLostOnReturn, "priority"),
    (Fault::AckOneTooMany, "priority"),
    (Fault::RoomUnnoticed, "redis_quiet"),
    (Fault::BlockedForEver, "rabbit_quiet"),
    (Fault::ConfirmOfManyTakenForOne, "rabbit_quiet"),
];

fn story(name: &str) -> Story {
    stories().into_iter().find(|story| story.name == name).expect("a story of that name")
}

#[test]
fn no_story_fails_without_a_fault() {
    for story in stories() {
        let (runs, failure) = explored(&story, SOUND_RUNS, 1, || true).expect("runs");
        assert!(failure.is_none(), "{}, after {runs} runs: {failure:?}", story.name);
    }
}

#[test]
fn planted_faults_are_found_and_shrunk_and_told_apart() {
    let mut reasons = BTreeMap::new();
    for (fault, name) in FAST {
        let limit = Limit { cpu: f64::INFINITY, runs: 256, jobs: 1 };
        let found = hunt(*fault, &[story(name)], limit).expect("runs");
        let found = found.unwrap_or_else(|| panic!("{} was not found in {name}", fault.name()));
        let size = found.shrunk.size;
        let signature = found.shrunk.signature;
        if let Some(other) = reasons.insert((*name, signature.clone()), fault.name()) {
            panic!("{} and {other} are told as one failure of {name}: {signature}", fault.name());
        }
        assert!(size.tasks <= 30 && size.faults <= 2, "{}: {}", fault.name(), found.shrunk.text);
    }
}

#[test]
fn faults_have_names_and_say_what_is_wrong() {
    let about: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.about()).collect();
    assert!(about.len() == Fault::ALL.len() && about.len() >= 30);
    assert!(about.iter().all(|about| about.ends_with('.')));
}

//! Every file under `scenarios/` is a test: its pinned seed, several others, and the same hash in another process.

#![allow(clippy::disallowed_methods, reason = "the real world is what is tested")]

use simq::scenario::report::replay;
use simq::scenario::{Report, Scenario, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seeds of each variant beyond the pinned one. `scripts/test` runs 100 with optimisation, `scripts/soak` many more.
const MORE_SEEDS: u64 = 1;

fn scenarios() -> Vec<Scenario> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir).expect("the scenarios").map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files.iter().map(|file| Scenario::load(file).unwrap_or_else(|problem| panic!("{problem}"))).collect()
}

fn run_one(scenario: &Scenario, variant: Option<&str>, seed: u64) -> Report {
    run(scenario, variant, seed, None, false).expect("a simulated world")
}

#[test]
fn every_story_comes_to_its_verdict_on_every_seed() {
    for scenario in scenarios() {
        for variant in scenario.variants() {
            for seed in scenario.seed()..=scenario.seed() + MORE_SEEDS {
                let report = run_one(&scenario, variant.as_deref(), seed);
                assert!(report.passed(), "{}\n{}", replay(&report, "simq"), report.failures.join("\n"));
                let about_order = report.expectations.iter().any(|expectation| expectation.key == "acked_unstored");
                let unstored = report.outcomes["acked_unstored"];
                assert!(unstored == 0 || about_order, "{unstored} acks before results: {}", replay(&report, "simq"));
            }
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run_and_another_seed_another_one() {
    for scenario in scenarios() {
        for variant in scenario.variants() {
            let hash = |seed| run_one(&scenario, variant.as_deref(), seed).trace_hash;
            assert_eq!(hash(7), hash(7), "{} {variant:?}", scenario.name());
            assert_ne!(hash(7), hash(8), "{} {variant:?}", scenario.name());
        }
    }
}

/// The command compares with a fresh process of its own.
#[test]
fn another_process_sees_the_same_run() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let output = Command::new(env!("CARGO_BIN_EXE_simq"))
        .args(["run", "--check-determinism", "--format", "json"])
        .arg(dir)
        .output()
        .expect("simq runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.lines().count() >= scenarios().len());
}

/// A hash that changes means that a pinned seed now shows another run: on purpose only, and logged in the file.
#[test]
fn pinned_hashes_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_hashes.txt");
    let text = fs::read_to_string(&path).expect("the pinned hashes");
    let (log, pinned): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#') || line.is_empty());
    let mut hashes = BTreeMap::new();
    for scenario in scenarios() {
        for variant in scenario.variants() {
            let report = run_one(&scenario, variant.as_deref(), scenario.seed());
            let name = format!("{}/{}", scenario.name(), variant.unwrap_or_else(|| "-".to_owned()));
            hashes.insert(name, report.trace_hash);
        }
    }
    let lines: Vec<String> = hashes.iter().map(|(name, hash)| format!("{hash} {name}")).collect();
    if std::env::var_os("REPIN").is_some() {
        fs::write(&path, format!("{}\n{}\n", log.join("\n"), lines.join("\n"))).expect("the file can be written");
        return;
    }
    assert_eq!(lines, pinned, "if this is on purpose: REPIN=1 cargo test pinned_hashes, and say why in {path:?}");
}

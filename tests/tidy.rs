//! The house rules, checked: bans that bite, arrows that point down, files of a size, reasons for exceptions, and a
//! production build without the simulator.

#![allow(clippy::disallowed_methods, reason = "the real world is what is tested")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files below a folder of the repository, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                found.push((path.strip_prefix(root()).expect("below the root").to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn cargo(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    (
        output.status.success(),
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
    )
}

/// `tests/bans` does everything that is forbidden: clippy must report each of its marked lines, and nothing in the list
/// may be without a line there.
#[test]
fn every_ban_bites() {
    if !cargo(&["clippy", "--version"]).0 {
        eprintln!("SKIPPED: every_ban_bites needs clippy (rustup component add clippy)");
        return;
    }
    let listed = fs::read_to_string(root().join("clippy.toml")).expect("clippy.toml");
    let listed = listed.lines().filter(|line| line.trim_start().starts_with("{ path =")).count();
    let fixture = fs::read_to_string(root().join("tests/bans/src/lib.rs")).expect("the fixture");
    let numbered = fixture.lines().enumerate().map(|(at, line)| (at + 1, line));
    let marked: Vec<(usize, &str)> = numbered.filter(|(_, line)| line.ends_with("// banned")).collect();
    assert_eq!(marked.len(), listed, "each entry of clippy.toml needs one line in tests/bans/src/lib.rs");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bans");
    let output = Command::new(env!("CARGO"))
        .args(["clippy", "--quiet", "--manifest-path", "tests/bans/Cargo.toml", "--target-dir"])
        .arg(&target)
        .env("CLIPPY_CONF_DIR", root())
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let report = String::from_utf8_lossy(&output.stderr);
    for (line, text) in marked {
        assert!(report.contains(&format!("src/lib.rs:{line}:")), "not reported: {}\n{report}", text.trim());
    }
}

#[test]
fn the_production_build_has_no_simulator() {
    let (ok, tree) = cargo(&["tree", "--no-default-features", "--edges", "normal", "--prefix", "none"]);
    assert!(ok, "{tree}");
    for crate_name in ["simq-sim", "proptest", "criterion", "indicatif", "schemars"] {
        assert!(!tree.lines().any(|line| line.starts_with(&format!("{crate_name} "))), "{crate_name} in\n{tree}");
    }
    let (ok, output) = cargo(&["check", "--quiet", "--no-default-features"]);
    assert!(ok, "{output}");
}

/// `cli → scenario → actors → message, schedule, env`; `scenario → sim`; actors never import `sim`, and `sim` never the
/// queue.
#[test]
fn arrows_point_down_only() {
    let actors = ["app", "producer", "broker", "worker", "backend", "beat"];
    let pure = ["message", "schedule", "routing", "control"];
    for (path, text) in sources("src") {
        let mut rooms = path.components().skip(1);
        let room = rooms.next().map(|room| room.as_os_str().to_string_lossy().replace(".rs", "")).unwrap_or_default();
        let forbidden: &[&str] = if actors.contains(&room.as_str()) || room == "env" || room == "settings" {
            &["simq_sim", "crate::scenario", "crate::cli"]
        } else if pure.contains(&room.as_str()) {
            &[
                "simq_sim",
                "crate::scenario",
                "crate::cli",
                "crate::env",
                "crate::app",
                "crate::worker",
                "crate::broker",
                "actix",
            ]
        } else {
            &[]
        };
        for name in forbidden {
            assert!(!code(&text).contains(name), "{} knows {name}", path.display());
        }
    }
    for (path, text) in sources("sim/src") {
        let text = code(&text);
        assert!(!text.contains("simq::") && !text.contains("celery"), "{} knows the queue", path.display());
    }
}

/// The text without comments, and without its tests.
fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// One concept a file. These few are longer than the rule, and may only get shorter.
const LONG: [(&str, usize); 3] =
    [("src/scenario/format.rs", 470), ("src/scenario/run.rs", 400), ("src/env/system.rs", 345)];

#[test]
fn files_are_short() {
    for (path, text) in sources("src").into_iter().chain(sources("sim/src")) {
        let lines = text.lines().count();
        let known = LONG.iter().find(|(long, _)| Path::new(long) == path);
        let limit = known.map_or(320, |(_, limit)| *limit);
        assert!(lines <= limit, "{} has {lines} lines, {limit} at most: split it", path.display());
    }
}

#[test]
fn exceptions_carry_their_reason() {
    for (path, text) in sources("src").into_iter().chain(sources("sim/src")) {
        let flat = text.replace('\n', " ");
        for (at, _) in flat.match_indices("[allow(").chain(flat.match_indices("[expect(")) {
            let attribute = flat[at..].split(")]").next().unwrap_or_default();
            assert!(attribute.contains("reason ="), "{}: {attribute}", path.display());
        }
        assert!(!code(&text).contains("todo!(") && !code(&text).contains("unimplemented!("), "{}", path.display());
    }
}

/// Nothing in the sources names a path of somebody's machine.
#[test]
fn nothing_private_is_written_down() {
    for (path, text) in sources("src").into_iter().chain(sources("sim/src")).chain(sources("tests")) {
        for private in ["/root/", "/home/"] {
            let own = path.ends_with("tidy.rs");
            assert!(own || !text.contains(private), "{} names {private}", path.display());
        }
    }
}

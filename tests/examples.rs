//! Every program in `examples/` runs, ends well and soon, and prints what the block of text at its head says.
//!
//! `UPDATE_EXAMPLES=1 cargo test --test examples` writes those blocks anew: read the difference.
#![allow(clippy::disallowed_methods, reason = "runs programs, against the real clock")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time for one program: most take none, some a second.
const LIMIT: Duration = Duration::from_secs(60);
const HEAD: &str = "//! ```text\n";
const FOOT: &str = "//! ```\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> BTreeMap<String, (PathBuf, String)> {
    let entries = fs::read_dir(root().join("examples")).expect("there are examples");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        assert!(path.extension().is_some_and(|ending| ending == "rs"), "{} is no program", path.display());
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a readable file");
        (name, (path, text))
    };
    paths.map(read).collect()
}

/// What a program's head says that it prints.
fn expected(source: &str) -> Option<String> {
    let block = source.split_once(HEAD)?.1.split_once(FOOT)?.0;
    let line = |line: &str| line.strip_prefix("//!").map(|rest| rest.strip_prefix(' ').unwrap_or(rest).to_owned());
    let lines: Option<Vec<String>> = block.lines().map(line).collect();
    Some(lines?.into_iter().map(|line| line + "\n").collect())
}

/// The head with another block, after the sentence that it begins with.
fn updated(source: &str, output: &str) -> String {
    let block: String = output.lines().map(|line| format!("//! {line}").trim_end().to_owned() + "\n").collect();
    let (before, after) = match source.split_once(HEAD) {
        Some((before, rest)) => (before.to_owned(), rest.split_once(FOOT).expect("the block ends").1),
        None => {
            let (head, rest) = source.split_once("\n\n").expect("a head, then a blank line");
            (format!("{head}\n//!\n"), &source[source.len() - rest.len() - 1..])
        }
    };
    format!("{before}{HEAD}{block}{FOOT}{after}")
}

fn run(program: &Path) -> (bool, String, String) {
    let mut child = Command::new(program)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let read = |mut from: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = String::new();
            from.read_to_string(&mut text).map(|_| text).expect("text")
        })
    };
    let stdout = read(Box::new(child.stdout.take().expect("a pipe")));
    let stderr = read(Box::new(child.stderr.take().expect("a pipe")));
    let started = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status.success();
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("it can be killed");
            child.wait().expect("a status");
            break false;
        }
        thread::sleep(Duration::from_millis(5));
    };
    (ended, stdout.join().expect("text"), stderr.join().expect("text"))
}

/// Where cargo puts examples, beside this test's own program; it builds them before a test, unless only one test was asked
/// for.
fn build() -> PathBuf {
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--examples", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let this = std::env::current_exe().expect("a path");
    let deps = this.parent().expect("a folder");
    deps.parent().expect("a folder").join("examples")
}

#[test]
fn every_example_prints_what_it_says() {
    let (folder, sources) = (build(), sources());
    assert!(sources.len() > 15);
    let mut wrong = Vec::new();
    for (name, (path, source)) in &sources {
        let (ended_well, printed, errors) = run(&folder.join(name));
        if std::env::var_os("UPDATE_EXAMPLES").is_some() && ended_well {
            fs::write(path, updated(source, &printed)).expect("an example can be written");
            continue;
        }
        let Some(expected) = expected(source) else {
            wrong.push(format!("{name}: its head has no block of text with what it prints"));
            continue;
        };
        if !ended_well || expected != printed {
            wrong
                .push(format!("{name}: ended well {ended_well}\n-- expected\n{expected}-- printed\n{printed}{errors}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_that_needs_the_simulator_says_so() {
    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).expect("text")).expect("TOML");
    let listed = manifest["example"].as_array().expect("a list");
    let listed: Vec<&str> = listed.iter().filter_map(|example| example["name"].as_str()).collect();
    for (name, (_, source)) in sources() {
        assert_eq!(source.contains("simq::testkit"), listed.contains(&name.as_str()), "{name} in Cargo.toml");
    }
}

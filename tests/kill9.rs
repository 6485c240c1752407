//! The embedded queue with a directory, killed for real: a hundred times, at whatever moment it is. What was confirmed
//! is executed in one of its lives, and what was stored stays readable.

#![allow(clippy::disallowed_methods, reason = "the real world is what is tested")]

use simq::settings::{Fsync, Profile, Settings};
use simq::{App, CallOptions, TaskContext};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const DIRECTORY: &str = "SIMQ_KILL9_DIRECTORY";
const ROUND: &str = "SIMQ_KILL9_ROUND";
const KILLS: u64 = 100;
const SOON: Duration = Duration::from_secs(30);

fn app(directory: &str, fsync: Fsync) -> App {
    let settings = Settings {
        embedded_directory: Some(directory.to_owned()),
        embedded_fsync: fsync,
        ..Settings::new(Profile::Safe)
    };
    App::with_settings("kill9", settings)
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent has gone: the kill is under way.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What is killed: publishes, executes, waits for results, and says what it was told. With lines on its standard input
/// it publishes nothing, waits for the results of these ids instead, and shuts down.
#[test]
#[ignore = "the process that the other tests start"]
fn the_process() {
    let (Ok(directory), Ok(round)) = (std::env::var(DIRECTORY), std::env::var(ROUND)) else { return };
    let ids: Vec<String> = std::io::stdin().lines().map_while(Result::ok).collect();
    let round: u64 = round.parse().expect("a number");
    let fsync = [Fsync::Never, Fsync::EverySecond, Fsync::Always][(round % 3) as usize];
    let app = app(&directory, fsync);
    let work = app.task("work", |_: TaskContext, (id, _padding): (String, String)| async move {
        say(&format!("ran {id}"));
        Ok(id)
    });
    let running = match app.start() {
        Ok(running) => running,
        Err(error) => return say(&format!("refused {error}")),
    };
    say("up");
    // Now and then so large that the journal is compacted under way.
    let padding = "x".repeat(if round % 10 == 9 { 100_000 } else { 200 });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for id in &ids {
            match app.result::<String>(id).expect("it runs").get(SOON).await {
                Ok(result) if result == *id => say(&format!("kept {id}")),
                other => say(&format!("missing {id}: {other:?}")),
            }
        }
        if !ids.is_empty() {
            running.shutdown().await;
            return say("closed");
        }
        let tasks = tokio::task::LocalSet::new();
        for lane in 0..4 {
            let (work, padding) = (work.clone(), padding.clone());
            #[allow(clippy::disallowed_methods, reason = "a program that uses the queue, not a part of it")]
            tasks.spawn_local(async move {
                for number in 0.. {
                    let id = format!("{round}-{lane}-{number}");
                    let options = CallOptions { task_id: Some(id.as_str().into()), ..CallOptions::default() };
                    let Ok(called) = work.apply_async((id.clone(), padding.clone()), options).await else { return };
                    say(&format!("confirmed {id}"));
                    if number % 4 == 3 && called.get(SOON).await.is_ok() {
                        say(&format!("stored {id}"));
                    }
                }
            });
        }
        tasks.await;
    });
}

fn start(directory: &Path, round: u64, ids: &BTreeSet<String>) -> (Child, mpsc::Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "the_process", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("a pipe");
    ids.iter().for_each(|id| writeln!(input, "{id}").expect("it reads"));
    drop(input);
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (lines, heard) = mpsc::channel();
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
    (child, heard)
}

#[derive(Default)]
struct Heard {
    confirmed: BTreeSet<String>,
    ran: BTreeSet<String>,
    stored: BTreeSet<String>,
    kept: BTreeSet<String>,
    other: Vec<String>,
}

impl Heard {
    /// A line that the kill cut short is none.
    fn hear(&mut self, line: &str) {
        // The harness writes the name of the test before the first line of it.
        let line = line.rsplit("... ").next().unwrap_or(line);
        match line.split_once(' ') {
            Some(("confirmed", id)) => self.confirmed.insert(id.to_owned()),
            Some(("ran", id)) => self.ran.insert(id.to_owned()),
            Some(("stored", id)) => self.stored.insert(id.to_owned()),
            Some(("kept", id)) => self.kept.insert(id.to_owned()),
            Some(("missing" | "refused", _)) => {
                self.other.push(line.to_owned());
                true
            }
            _ => false,
        };
    }
}

#[test]
fn a_hundred_kills_lose_nothing_that_was_confirmed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut random = simq_sim::Prng::new(u64::from(std::process::id()), "kills");
    let mut heard = Heard::default();
    for round in 0..KILLS {
        let (mut child, lines) = start(directory.path(), round, &BTreeSet::new());
        // From before it is up to long after.
        std::thread::sleep(Duration::from_micros(random.between(1_000, 300_000)));
        child.kill().expect("it was there");
        child.wait().expect("it ends");
        lines.iter().for_each(|line| heard.hear(&line));
        assert_eq!(heard.other, Vec::<String>::new(), "round {round}");
    }
    let (mut child, lines) = start(directory.path(), 0, &heard.confirmed);
    lines.iter().for_each(|line| heard.hear(&line));
    assert!(child.wait().expect("it ends").success());
    assert_eq!(heard.other, Vec::<String>::new());
    assert!(heard.confirmed.len() > 100 && heard.stored.len() > 10, "{} confirmed", heard.confirmed.len());
    let lost: Vec<_> = heard.confirmed.difference(&heard.ran).collect();
    assert!(lost.is_empty(), "confirmed and never executed: {lost:?}");
    assert_eq!(heard.kept, heard.confirmed, "every result can be read");
    println!("{} confirmed, {} results seen before a kill", heard.confirmed.len(), heard.stored.len());
}

#[test]
fn a_directory_is_one_processes_and_a_dead_one_has_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut child, lines) = start(directory.path(), 0, &BTreeSet::new());
    assert!(lines.iter().any(|line| line.ends_with("up")));
    let path = directory.path().to_str().expect("a path in UTF-8");
    let refused = app(path, Fsync::Never).start().expect_err("it is in use").to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    child.kill().expect("it was there");
    child.wait().expect("it ends");
    let running = app(path, Fsync::Never).start().expect("nobody has it any more");
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(running.shutdown());
}

#[test]
fn a_damaged_journal_is_refused_with_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a path in UTF-8");
    let block_on = |running: simq::Running| {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(running.shutdown());
    };
    block_on(app(path, Fsync::Always).start().expect("it starts"));
    let folder = directory.path().join("broker");
    let files = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let file = files.filter(|path| path.extension().is_some_and(|kind| kind == "log")).max().expect("a journal");
    let mut bytes = std::fs::read(&file).expect("it is readable");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(&file, &bytes).expect("it is writable");
    let error = app(path, Fsync::Always).start().expect_err("it is damaged").to_string();
    assert!(error.contains(file.to_str().expect("UTF-8")) && error.contains("damaged at byte"), "{error}");
    assert_eq!(std::fs::read(&file).expect("it is there"), bytes, "nothing was changed");
}

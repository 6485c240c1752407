//! Ctrl-C in the middle of a search: what was found until then is told and saved, and so is how to go on.

use super::explore::{loses, saved};
use super::queue::until;
use super::support::{Dir, GOOD, Said};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// More than anybody waits for.
const FOR_EVER: &str = "10000000";

struct Search(Option<Child>);

impl Search {
    fn start(dir: &Dir, arguments: &[&str]) -> Search {
        let mut command = dir.command(arguments);
        let search = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("simq runs");
        Search(Some(search))
    }

    fn id(&self) -> u32 {
        self.0.as_ref().expect("a child").id()
    }

    /// Signals that it handles, as Linux tells them: a bit for each, SIGINT the second.
    fn handles_ctrl_c(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
        u64::from_str_radix(caught.trim(), 16).is_ok_and(|signals| signals & 2 > 0)
    }

    /// Ctrl-C when it has been at work for a moment.
    fn interrupted(mut self) -> Said {
        until("it handles Ctrl-C", || self.handles_ctrl_c());
        std::thread::sleep(Duration::from_millis(300));
        let sent = Command::new("kill").args(["-INT", &self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        Said::of(self.0.take().expect("a child").wait_with_output().expect("it ends"))
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|child| drop(child.kill().and_then(|()| child.wait())));
    }
}

fn interrupted(dir: &Dir, arguments: &[&str]) -> Said {
    Search::start(dir, arguments).interrupted()
}

/// The command after these words.
fn command(text: &str, words: &str) -> Vec<String> {
    let line = text.lines().find_map(|line| line.split_once(words)).unwrap_or_else(|| panic!("{words} in {text}"));
    line.1.split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn an_exploration_tells_what_it_has_found_and_goes_on_from_there() {
    let dir = Dir::with(&loses());
    let said = interrupted(&dir, &["explore", "s.toml", "--all", "--seeds", FOR_EVER, "--seed", "5"]);
    let out = &said.assert_status(1).out;
    assert!(out.contains(" distinct failure") && out.contains(" runs, interrupted ("), "{out}");
    let stories = saved(&dir);
    assert!(!stories.is_empty());
    for file in stories {
        let again = dir.simq(&["run", &format!("found/{file}")]);
        assert!(again.assert_status(1).out.contains("failed"), "{again:#?}");
    }
    let rest = command(&said.err, "interrupted; go on with: ");
    let runs: u64 = out.split(" runs,").next().and_then(|head| head.rsplit(' ').next()?.parse().ok()).expect("runs");
    let left = (FOR_EVER.parse::<u64>().expect("a number") - runs).to_string();
    assert_eq!(rest, ["explore", "s.toml", "--all", "--seed", &(runs + 5).to_string(), "--seeds", &left]);
    // What was not made small is, by the command that stands there.
    if out.contains("interrupted; go on with: simq shrink") {
        let shrink = command(out, "interrupted; go on with: ");
        dir.simq(&shrink.iter().map(String::as_str).collect::<Vec<_>>()).assert_status(0);
    }
}

#[test]
fn an_exploration_that_has_found_nothing_is_no_success() {
    let dir = Dir::with(&(GOOD.to_owned() + "[variant.a]\n[variant.b]\n"));
    let said = interrupted(&dir, &["explore", "s.toml", "--for", "1h"]);
    assert!(said.assert_status(130).out.contains("s / a: nothing found in "), "{said:#?}");
    assert!(said.err.contains("--for 1h --seed ") && said.err.contains(" --variant a\n"), "{said:#?}");
    assert!(said.err.ends_with("not explored: b\n"), "{said:#?}");
    assert!(!dir.path("found").exists());
    let json = interrupted(&dir, &["explore", "s.toml", "--for", "1h", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.assert_status(130).out).expect("a document");
    assert_eq!((&document["interrupted"], &document["verdict"]), (&true.into(), &"pass".into()));
}

#[test]
fn a_check_says_how_far_it_came() {
    let dir = Dir::with(GOOD);
    let said = interrupted(&dir, &["check", "s.toml", "--runs", "10000000"]);
    assert!(said.assert_status(130).out.contains("everything expected holds. All with"), "{said:#?}");
    assert!(said.err.contains("interrupted; to begin again: simq check s.toml --runs 10000000\n"), "{said:#?}");
}

#[test]
fn crashes_that_were_tried_are_told_and_pin_nothing() {
    let dir = Dir::with(GOOD);
    let arguments = ["crashpoints", "s.toml", "--pairs", "--golden", "table.txt", "--update"];
    let said = interrupted(&dir, &arguments);
    let out = &said.out;
    assert!(out.contains(" x  not run\n"), "{out}");
    match out.starts_with("CUT SHORT  s  seed 1") {
        true => said.assert_status(130),
        false => said.assert_status(1),
    };
    assert!(!dir.path("table.txt").exists(), "a table that is not whole is not pinned");
    assert!(said.err.contains("interrupted; to begin again: simq crashpoints s.toml --pairs"), "{said:#?}");
}

#[test]
fn a_comparison_is_of_the_seeds_that_all_have_run() {
    let dir = Dir::with(GOOD);
    let arguments = ["compare", "s.toml", "--set", "worker_prefetch_multiplier=1,4", "--seeds", "1000000", "--json"];
    let said = interrupted(&dir, &arguments);
    let rows = said.assert_status(130).reports();
    let runs = rows[0]["runs"].as_u64().expect("a number");
    assert!(rows.len() == 2 && rows[1]["runs"] == runs && rows[1]["calls"] == 8 * runs, "{rows:#?}");
    let rest = command(&said.err, "interrupted; for the other seeds: ");
    assert_eq!(rest[rest.len() - 4..], ["--seed", &(1 + runs).to_string(), "--seeds", &(1_000_000 - runs).to_string()]);
}

#[test]
fn a_story_that_is_made_small_is_saved_as_small_as_it_is() {
    let many = loses().replace("count = 8", "count = 400").replace("limit", "# limit");
    let dir = Dir::with(&many);
    let said = interrupted(&dir, &["shrink", "s.toml"]);
    let out = &said.assert_status(130).out;
    assert!(out.starts_with("LOST: "), "{said:#?}");
    let file = format!("found/{}", saved(&dir)[0]);
    dir.simq(&["run", &file]).assert_status(1);
    assert_eq!(command(out, "interrupted; go on with: "), ["shrink", &file]);
}

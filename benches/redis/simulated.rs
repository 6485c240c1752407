//! Commands that a task takes, counted in the simulator, where they are exact.

use simq::scenario::{Scenario, run};
use simq_sim::{Record, Sink, What};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

const TASKS: u64 = 1_000;

/// Commands by who sent them and by name; a script is one command.
type Counts = BTreeMap<(String, &'static str), u64>;

struct Counter(Rc<RefCell<Counts>>);

impl Sink for Counter {
    fn record(&mut self, record: &Record<'_>) {
        if let What::Sent { label, .. } = record.what
            && label.starts_with("redis.")
            && !["redis.reply", "redis.push"].contains(&label)
        {
            *self.0.borrow_mut().entry((record.process.to_owned(), label)).or_default() += 1;
        }
    }
}

/// Commands of a number of calls, all at once, for one worker with two children.
fn commands(profile: &str, prefetch: u32, tasks: u64) -> Counts {
    let text = format!(
        "broker = \"redis\"\nbackend = \"redis\"\nprofile = \"{profile}\"\n\
         [settings]\nworker_prefetch_multiplier = {prefetch}\n[workers.w]\nconcurrency = 2\n[tasks.t]\n\
         [[workload]]\ntask = \"t\"\ncount = {tasks}\n[expect]\nlost = 0\nsucceeded = {tasks}\n"
    );
    let scenario = Scenario::parse(Path::new("bench.toml"), text).unwrap_or_else(|problem| panic!("{problem}"));
    let counts = Rc::new(RefCell::new(Counts::new()));
    let report = run(&scenario, None, 1, Some(Box::new(Counter(counts.clone()))), false).expect("a simulated world");
    assert!(report.passed(), "{:?}", report.failures);
    counts.take()
}

/// What each further task adds: two runs, one with twice the tasks, so that connecting and setting up don't count.
pub(super) fn print() {
    println!("\n| commands a task, simulated | producer | worker | of these |\n|---|---|---|---|");
    for profile in ["safe", "celery"] {
        for prefetch in [4, 500] {
            let (once, twice) = (commands(profile, prefetch, TASKS), commands(profile, prefetch, 2 * TASKS));
            let each = |key: &(String, &'static str)| {
                let before = once.get(key).copied().unwrap_or(0) as f64;
                (twice[key] as f64 - before) / TASKS as f64
            };
            let sum = |of: &dyn Fn(&str) -> bool| twice.keys().filter(|(who, _)| of(who)).map(each).sum::<f64>();
            let mut parts: BTreeMap<&str, f64> = BTreeMap::new();
            for key in twice.keys() {
                *parts.entry(key.1.trim_start_matches("redis.")).or_default() += each(key);
            }
            let parts: Vec<String> = parts
                .iter()
                .filter(|(_, count)| **count >= 0.0005)
                .map(|(name, count)| format!("{name} {count:.3}"))
                .collect();
            println!(
                "| {profile}, prefetch {prefetch} a child | {:.3} | {:.3} | {} |",
                sum(&|who| who == "producer"),
                sum(&|who| who != "producer"),
                parts.join(", ")
            );
        }
    }
}

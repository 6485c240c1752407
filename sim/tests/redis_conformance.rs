//! Proof that `simq_sim::redis` is Redis: random sequences of commands on several connections get the same replies from
//! it and from a real server, wake the same clients, and leave the same data.

#![allow(clippy::disallowed_methods, reason = "the real server is what is compared with")]

mod redis_real;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use redis_real::pair::{Pair, show_command};
use redis_real::server::RealRedis;
use redis_real::words::{Dice, TEMPLATES, fill};

const CLIENTS: usize = 3;

/// A client, a template, and what its blanks are filled with.
type Step = (u8, u16, Vec<u16>);

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let dice = prop::collection::vec(any::<u16>(), 16);
    prop::collection::vec((0..CLIENTS as u8, 0..TEMPLATES.len() as u16, dice), 1..longest)
}

/// The command of a step. Some have an argument too many or too few, or another case.
fn command(step: &Step) -> Vec<Vec<u8>> {
    let (_, template, dice) = step;
    let mut dice = Dice(dice);
    let distortion = dice.below(60);
    let template = TEMPLATES[usize::from(*template)];
    let mut words = fill(template, &mut dice);
    match distortion {
        // What a script makes of missing arguments is Lua's business; COMMAND alone lists more than we have.
        _ if ["EVAL", "SCRIPT LOAD", "COMMAND"].iter().any(|left| template.starts_with(left)) => {}
        57 if words.len() > 1 => _ = words.pop(),
        58 => words.push(b"extra".to_vec()),
        59 => words[0].make_ascii_lowercase(),
        _ => {}
    }
    words
}

fn run(real: &RealRedis, steps: &[Step]) -> Result<(), String> {
    let mut pair = Pair::new(real, CLIENTS);
    let mut told = String::new();
    for step in steps {
        let client = u64::from(step.0);
        let mut args = command(step);
        // Replies of a subscription inside of a transaction are not its array's elements.
        if pair.in_transaction(client) && args[0].to_ascii_lowercase().ends_with(b"subscribe") {
            args = vec![b"PING".to_vec()];
        }
        told.push_str(&format!("  {client}> {}\n", show_command(&args)));
        pair.step(client, &args).map_err(|error| format!("{error}\nafter\n{told}"))?;
    }
    pair.finish().map_err(|error| format!("{error}\nafter\n{told}"))
}

fn config(cases: u32) -> Config {
    let persistence = FileFailurePersistence::SourceParallel("proptest-regressions");
    Config { cases, max_shrink_iters: 20_000, failure_persistence: Some(Box::new(persistence)), ..Config::default() }
}

/// How many sequences, unless `CASES` says another number.
fn cases(usual: u32) -> u32 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

#[test]
fn random_sequences() {
    let real = RealRedis::start();
    proptest!(config(cases(3_000)), |(steps in steps(40))| {
        run(&real, &steps).map_err(TestCaseError::fail)?;
    });
}

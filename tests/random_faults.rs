//! Random faults over the whole cluster, in profile `safe`: whatever dies, breaks or hangs, nothing that was accepted is
//! lost, nothing stays behind, and no task runs more often than faults hit it.
//!
//! A failure prints the scenario: save it, and `simq run` shows it again.

use simq::scenario::{Report, Scenario, run};
use simq_sim::Prng;
use std::fmt::Write;
use std::path::Path;

/// Plans, fewer without optimisation; `PLANS=100000 cargo test --release --test random_faults` is a soak.
const PLANS: u64 = if cfg!(debug_assertions) { 60 } else { 300 };
const TASKS: u64 = 60;
/// So little that the journals are compacted under way.
const MAX_BYTES: u64 = 20_000;

/// One random fault, as TOML.
fn fault(random: &mut Prng, storage: Storage, text: &mut String) {
    let at = random.between(100, 20_000);
    let lasting = random.between(500, 30_000);
    let worker = format!("w{}", random.between(1, 3));
    let server = if random.below(3) == 0 { "backend" } else { "broker" };
    let hosts = match random.below(3) {
        0 => format!("[\"producer\", \"{server}\"]"),
        _ => format!("[\"{worker}\", \"{server}\"]"),
    };
    let anyone = match random.below(6) {
        0 => "broker",
        1 => "backend",
        2 => "producer",
        _ => &worker,
    };
    let nth = random.between(1, 40);
    let (effects, answered, published) = match storage {
        Storage::Redis => (
            ["redis.take", "redis.hdel", "redis.move", "redis.keep", "pool.run", "redis.refresh", "any"],
            ["redis.take", ["redis.hdel", "redis.publish", "redis.move"][random.below(3) as usize]],
            "redis.lpush",
        ),
        Storage::Rabbit => (
            ["amqp.ack", "result.store", "amqp.publish", "pool.run", "amqp.queue-declare", "amqp.nack", "any"],
            ["amqp.ack", "amqp.publish"],
            "amqp.publish",
        ),
        _ => (
            ["basic.ack", "result.store", "basic.publish", "pool.run", "queue.declare", "basic.nack", "any"],
            ["basic.ack", "result.store"],
            "basic.publish",
        ),
    };
    let effect = effects[random.below(effects.len() as u64) as usize];
    let point = ["before", "after"][random.below(2) as usize];
    let restart = format!("restart_after = \"{lasting}ms\"");
    if storage == Storage::Rabbit && random.below(8) == 0 {
        let kind = ["memory_alarm", "disk_alarm", "fail_over"][random.below(3) as usize];
        let _ = writeln!(text, "[[fault]]\ndo = \"{kind}\"\nat = \"{at}ms\"\nfor = \"{lasting}ms\"");
        return;
    }
    let _ = match random.below(15) {
        0 | 1 => writeln!(text, "[[fault]]\ndo = \"kill\"\nprocess = \"{worker}\"\nat = \"{at}ms\"\n{restart}"),
        2 => writeln!(text, "[[fault]]\ndo = \"kill\"\nprocess = \"{server}\"\nat = \"{at}ms\"\n{restart}"),
        3 => writeln!(text, "[[fault]]\ndo = \"power_off\"\nprocess = \"{worker}\"\nat = \"{at}ms\"\n{restart}"),
        4 => writeln!(text, "[[fault]]\ndo = \"kill_child\"\nprocess = \"{worker}\"\nat = \"{at}ms\""),
        5 => writeln!(text, "[[fault]]\ndo = \"reset\"\nhosts = {hosts}\nat = \"{at}ms\""),
        6 => writeln!(text, "[[fault]]\ndo = \"half_open\"\nhosts = {hosts}\nat = \"{at}ms\""),
        7 => writeln!(text, "[[fault]]\ndo = \"partition\"\nhosts = {hosts}\nat = \"{at}ms\"\nfor = \"{lasting}ms\""),
        8 => writeln!(
            text,
            "[[fault]]\ndo = \"partition\"\none_way = true\nhosts = {hosts}\nat = \"{at}ms\"\nfor = \"{lasting}ms\""
        ),
        9 => {
            writeln!(text, "[[fault]]\ndo = \"pause\"\nprocess = \"{anyone}\"\nat = \"{at}ms\"\nfor = \"{lasting}ms\"")
        }
        10 => writeln!(
            text,
            "[[fault]]\ndo = \"kill\"\nprocess = \"{worker}\"\n{point} = \"{effect}\"\nnth = {nth}\n{restart}"
        ),
        11 => writeln!(
            text,
            "[[fault]]\ndo = \"lose_reply\"\nof = \"{worker}\"\nbefore = \"{}\"\nnth = {nth}",
            answered[random.below(2) as usize]
        ),
        12 => {
            writeln!(text, "[[fault]]\ndo = \"lose_reply\"\nof = \"producer\"\nbefore = \"{published}\"\nnth = {nth}")
        }
        13 => {
            let who = ["producer", &worker][random.below(2) as usize];
            writeln!(text, "[[fault]]\ndo = \"duplicate\"\nof = \"{who}\"\nbefore = \"{published}\"\nnth = {nth}")
        }
        _ => writeln!(
            text,
            "[[fault]]\ndo = \"signal\"\nsignal = \"{}\"\nprocess = \"{worker}\"\nat = \"{at}ms\"\ngrace = \"3s\"\n{restart}",
            ["SIGTERM", "SIGQUIT", "SIGINT"][random.below(3) as usize]
        ),
    };
}

/// Where the embedded servers keep what they have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Storage {
    /// On a disk that syncs every step.
    Durable,
    /// In a directory, whose files are compacted all the time.
    Directory,
    /// Redis, whose log is synced before anything is answered.
    Redis,
    /// RabbitMQ, with a classic queue or a quorum queue, and simq's own results.
    Rabbit,
}

/// One end of a server that writes to a disk, as TOML: at a time, or at a step of what it writes. Without a sync a loss of
/// power may lose something, a kill may not.
fn end_of_server(random: &mut Prng, servers: &[&str], synced: bool, text: &mut String) {
    let server = servers[random.below(servers.len() as u64) as usize];
    let end = if synced && random.below(2) == 0 { "power_off" } else { "kill" };
    let effect = ["append", "append", "sync", "replace", "remove"][random.below(5) as usize];
    let point = ["before", "after"][random.below(2) as usize];
    let strikes = match random.below(4) {
        0 => format!("at = \"{}ms\"", random.between(0, 20_000)),
        _ => format!("{point} = \"disk.{effect}\"\nnth = {}", random.between(1, 30)),
    };
    let restart = random.between(100, 10_000);
    let _ =
        writeln!(text, "[[fault]]\ndo = \"{end}\"\nprocess = \"{server}\"\n{strikes}\nrestart_after = \"{restart}ms\"");
}

/// Calls that are revoked, some at once and some that are held for their ETA; and a task with a rate limit.
fn revokes_and_rates(random: &mut Prng) -> String {
    let (soon, later, rate) = (random.below(4_000), random.below(20_000), random.between(1, 20));
    format!(
        "[tasks.limited]\ntakes = \"10ms\"\nrate_limit = \"{rate}/s\"\n\
         [[workload]]\ntask = \"limited\"\ncount = 15\nevery = \"0s..400ms\"\n\
         [tasks.revoked]\ntakes = \"10ms..4s\"\n\
         [[workload]]\ntask = \"revoked\"\ncount = 10\nevery = \"1s\"\nwait = \"1h\"\n\
         revoke_after = \"{soon}ms\"\n\
         [[workload]]\ntask = \"revoked\"\ncount = 5\nevery = \"1s\"\ncountdown = \"5s..30s\"\nwait = \"1h\"\n\
         revoke_after = \"{later}ms\"\n"
    )
}

/// A whole scenario, and how many faults it has.
fn plan(seed: u64, storage: Storage) -> (String, u64) {
    let mut random = Prng::new(seed, "random faults");
    let servers = match storage {
        Storage::Redis => "broker = \"redis\"\nbackend = \"redis\"\n",
        Storage::Rabbit => "broker = \"rabbitmq\"\n",
        _ => "",
    };
    let mut text = format!(
        "{servers}limit = \"2h\"\nseed = {seed}\n[workers.w]\ncount = 3\nconcurrency = 2\n\
         [tasks.work]\ntakes = \"10ms..4s\"\n[tasks.flaky]\ntakes = \"100ms\"\ndoes = [\"retry\", \"return\"]\n\
         default_retry_delay = \"2s\"\n\
         [[workload]]\ntask = \"work\"\ncount = {TASKS}\nevery = \"10ms..600ms\"\nwait = \"1h\"\n\
         [[workload]]\ntask = \"flaky\"\ncount = 5\nevery = \"2s\"\n\
         [[workload]]\ntask = \"work\"\ncount = 5\nevery = \"1s\"\ncountdown = \"5s..30s\"\n"
    );
    text.push_str(&revokes_and_rates(&mut random));
    let screen_all = random.below(2) == 0;
    let _ = writeln!(text, "[settings]\nworker_screen_all = {screen_all}");
    if storage == Storage::Rabbit {
        let kind = ["classic", "quorum"][random.below(2) as usize];
        let _ = writeln!(text, "task_default_queue_type = \"{kind}\"");
    }
    let directory = (storage == Storage::Directory).then(|| {
        let fsync = ["never", "everysec", "always"][random.below(3) as usize];
        let _ = writeln!(
            text,
            "embedded_directory = \"queue\"\nembedded_fsync = \"{fsync}\"\nembedded_max_bytes = {MAX_BYTES}"
        );
        fsync
    });
    let mut faults = random.between(1, 6);
    (0..faults).for_each(|_| fault(&mut random, storage, &mut text));
    if let Some(fsync) = directory {
        let ends = random.between(1, 4);
        let servers = ["broker", "backend"];
        (0..ends).for_each(|_| end_of_server(&mut random, &servers, fsync == "always", &mut text));
        faults += ends;
    }
    if storage == Storage::Rabbit {
        let ends = random.between(0, 3);
        (0..ends).for_each(|_| end_of_server(&mut random, &["broker"], true, &mut text));
        faults += ends;
    }
    text.push_str(
        "[expect]\nlost = 0\nstuck = 0\nhung = 0\nresult_missing = 0\nunbounded_loop = 0\nacked_unstored = 0\n",
    );
    (text, faults)
}

fn run_plan(seed: u64, storage: Storage) -> (Report, String, u64) {
    let (text, faults) = plan(seed, storage);
    let scenario =
        Scenario::parse(Path::new("random.toml"), text.clone()).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    (run(&scenario, None, seed, None, true).expect("a simulated world"), text, faults)
}

fn nothing_is_lost(storage: Storage) {
    let plans = std::env::var("PLANS").ok().and_then(|plans| plans.parse().ok()).unwrap_or(PLANS);
    let mut exercised = 0;
    for seed in 1..=plans {
        let (report, text, faults) = run_plan(seed, storage);
        // A random fault may find nothing to strike, and a broker that is down all the time nothing to lose.
        let broken: Vec<_> = report.expectations.iter().filter(|expectation| !expectation.holds).collect();
        exercised += u64::from(report.expectations.iter().all(|expectation| expectation.exercised));
        assert!(broken.is_empty(), "{broken:?}\nwith:\n{text}");
        for task in report.ledger.iter().flatten() {
            // Each fault can cost a task one execution, and a lost confirm one more copy.
            let attempts = 2 * (faults as usize + 1) + 1;
            assert!(task.executions.len() <= attempts, "{task:?}\nwith:\n{text}");
            let over = match task.fate {
                // It had run, but the worker died before anybody knew; its next copy was turned away.
                "succeeded" | "revoked" if task.task == "revoked" => ["SUCCESS", "REVOKED"].contains(&task.state),
                "succeeded" => task.state == "SUCCESS",
                // Its caller was told that it might not be there, and may have been right.
                "call failed" => true,
                _ => false,
            };
            assert!(over, "{task:?}\nwith:\n{text}");
        }
    }
    assert!(exercised * 10 >= plans * 9, "{exercised} of {plans} plans put everything to the test");
}

#[test]
fn nothing_is_lost_whatever_fails() {
    nothing_is_lost(Storage::Durable);
}

#[test]
fn nothing_is_lost_from_a_directory_whatever_fails() {
    nothing_is_lost(Storage::Directory);
}

/// One worker that knows what has succeeded, and publishes that arrive twice: each task returns once, also those that are
/// retried (an attempt that has not succeeded may run twice), held for their ETA, limited in their rate, or revoked.
#[test]
fn doubled_publishes_run_once_in_one_worker() {
    let mut skipped = 0;
    for seed in 1..=50 {
        let mut random = Prng::new(seed, "doubled publishes");
        let mut text = format!(
            "limit = \"2h\"\nseed = {seed}\n[workers.w]\nconcurrency = {}\n\
             [tasks.work]\ntakes = \"10ms..2s\"\n[tasks.flaky]\ntakes = \"100ms\"\ndoes = [\"retry\", \"return\"]\n\
             default_retry_delay = \"2s\"\n\
             [[workload]]\ntask = \"work\"\ncount = 30\nevery = \"10ms..600ms\"\n\
             [[workload]]\ntask = \"flaky\"\ncount = 5\nevery = \"2s\"\n{}",
            random.between(1, 4),
            revokes_and_rates(&mut random)
        );
        for _ in 0..random.between(1, 15) {
            let nth = random.between(1, 60);
            let _ = writeln!(
                text,
                "[[fault]]\ndo = \"duplicate\"\nof = \"producer\"\nbefore = \"basic.publish\"\nnth = {nth}"
            );
        }
        text.push_str("[expect]\nlost = 0\nstuck = 0\noverlapping = 0\nacked_unstored = 0\nof.work.duplicated = 0\n");
        let scenario = Scenario::parse(Path::new("random.toml"), text.clone())
            .unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        let report = run(&scenario, None, seed, None, true).expect("a simulated world");
        let broken: Vec<_> = report.expectations.iter().filter(|expectation| !expectation.is_met()).collect();
        assert!(broken.is_empty(), "{broken:?}\nwith:\n{text}");
        for task in report.ledger.iter().flatten() {
            let returned = task.executions.iter().filter(|execution| execution.ended == "returned");
            assert!(returned.count() <= 1, "{task:?}\nwith:\n{text}");
        }
        skipped += report.outcomes["skipped_duplicates"];
    }
    assert!(skipped > 0, "no message came twice");
}

#[test]
fn nothing_is_lost_on_redis_whatever_fails() {
    nothing_is_lost(Storage::Redis);
}

#[test]
fn nothing_is_lost_on_rabbitmq_whatever_fails() {
    nothing_is_lost(Storage::Rabbit);
}

/// A fault of a soak: when it begins, and how long its host or connection is away, milliseconds.
struct Away {
    at: u64,
    lasting: u64,
}

/// One fault at a known time.
fn timed_fault(random: &mut Prng, within: u64, text: &mut String) -> Away {
    let (at, lasting) = (random.between(1_000, within), random.between(500, 30_000));
    let worker = format!("w{}", random.between(1, 3));
    let server = ["broker", "backend"][random.below(2) as usize];
    let hosts = format!("[\"{worker}\", \"{server}\"]");
    let _ = match random.below(6) {
        0 | 1 => writeln!(text, "do = \"kill\"\nprocess = \"{worker}\"\nrestart_after = \"{lasting}ms\""),
        2 => writeln!(text, "do = \"kill\"\nprocess = \"{server}\"\nrestart_after = \"{lasting}ms\""),
        3 => writeln!(text, "do = \"half_open\"\nhosts = {hosts}"),
        4 => writeln!(text, "do = \"partition\"\nhosts = {hosts}\nfor = \"{lasting}ms\""),
        _ => writeln!(text, "do = \"pause\"\nprocess = \"{worker}\"\nfor = \"{lasting}ms\""),
    };
    let _ = writeln!(text, "at = \"{at}ms\"");
    Away { at, lasting }
}

#[test]
#[ignore = "a soak: SEEDS=100 cargo test --release --test random_faults two_hours -- --ignored"]
fn two_hours_on_redis() {
    two_hours("broker = \"redis\"\nbackend = \"redis\"");
}

#[test]
#[ignore = "a soak: SEEDS=100 cargo test --release --test random_faults two_hours -- --ignored"]
fn two_hours_on_rabbitmq() {
    two_hours("broker = \"rabbitmq\"");
}

/// Two hours, ten thousand tasks: nothing is lost, and a task runs once more at most for each fault that can have hit it.
fn two_hours(servers: &str) {
    const TWO_HOURS: u64 = 7_200_000;
    /// Until a worker has noticed, reconnected, and whoever waits has looked again: the lease is 30 s.
    const AFTERMATH: u64 = 120_000;
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(100);
    let mut more = 0;
    for seed in 1..=seeds {
        let mut random = Prng::new(seed, "two hours");
        let mut text = format!(
            "{servers}\nlimit = \"4h\"\nseed = {seed}\n[workers.w]\ncount = 3\n\
             concurrency = 2\n[tasks.work]\ntakes = \"10ms..3s\"\n\
             [[workload]]\ntask = \"work\"\ncount = 10000\nevery = \"720ms\"\n"
        );
        let mut faults = Vec::new();
        for _ in 0..40 {
            text.push_str("[[fault]]\n");
            faults.push(timed_fault(&mut random, TWO_HOURS, &mut text));
        }
        text.push_str("[expect]\nlost = 0\nstuck = 0\nresult_missing = 0\nacked_unstored = 0\n");
        let scenario =
            Scenario::parse(Path::new("soak.toml"), text.clone()).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        let report = run(&scenario, None, seed, None, true).expect("a simulated world");
        let broken: Vec<_> = report.expectations.iter().filter(|expectation| !expectation.holds).collect();
        assert!(broken.is_empty(), "seed {seed}: {broken:?}\nwith:\n{text}");
        for task in report.ledger.iter().flatten() {
            let milliseconds = |seconds: f64| (seconds * 1_000.0) as u64;
            let ends = task.executions.iter().filter_map(|execution| execution.over).map(milliseconds);
            let (from, to) = (milliseconds(task.called_at), ends.max().unwrap_or(u64::MAX));
            let hit = |away: &&Away| away.at <= to && from <= away.at + away.lasting + AFTERMATH;
            let hits = faults.iter().filter(hit).count();
            assert!(task.executions.len() <= 1 + hits, "seed {seed}, {hits} hits: {task:?}\nwith:\n{text}");
            more += u64::from(task.executions.len() > 1);
        }
    }
    assert!(more > 0, "no fault has hit anything");
    println!("{seeds} seeds of 10,000 tasks; {more} tasks ran more than once");
}

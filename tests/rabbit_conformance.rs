//! Proof that the engine is RabbitMQ when it is to be: random sequences of methods on several channels of several
//! connections let their clients see the same of it and of a real node.

#![allow(clippy::disallowed_methods, reason = "the real server is what is compared with")]

mod rabbit_real;
mod servers;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use rabbit_real::alarms;
use rabbit_real::pair::Pair;
use rabbit_real::real::Real;
use rabbit_real::steps::{Drawn, LAYOUTS, Scene};
use rabbit_real::story::Story;
use servers::Rabbit;
use simq::broker::amqp::RabbitConfig;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// Sequences that are run side by side, each worker with queues of its own names.
const WORKERS: u64 = 4;

/// How many sequences, unless `CASES` says another number.
fn cases(usual: u32) -> u32 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Where the draws begin; `SEED` says another number.
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn drawn() -> impl Strategy<Value = (u8, Vec<Drawn>)> {
    (0..LAYOUTS, prop::collection::vec(any::<Drawn>(), 1..40))
}

async fn run(real: &mut Real<'_>, scene: &Scene, steps: &[Drawn], patience: Duration) -> Result<(), String> {
    let mut pair = Pair::new(real, RabbitConfig::default(), patience);
    for step in scene.setup() {
        pair.step(&step).await?;
    }
    pair.told = format!("the setup of layout {}\n", scene.layout);
    for (number, drawn) in steps.iter().enumerate() {
        pair.step(&scene.step(number, *drawn)).await?;
    }
    Ok(())
}

/// One worker's share. `Err` is the shortest sequence that it found, with what was seen.
fn explore(url: &str, worker: u64, cases: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let real = RefCell::new(runtime.block_on(Real::connect(url)));
    let config = Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&(u128::from(seed()) << 64 | u128::from(worker)).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (number, failed) = (Cell::new(0), Cell::new(false));
    let outcome = runner.run(&drawn(), |(layout, steps)| {
        number.set(number.get() + 1);
        let scene = Scene { prefix: format!("w{worker}n{}.", number.get()), layout };
        let mut real = real.borrow_mut();
        let result = runtime.block_on(async {
            let patience = if failed.get() { Duration::from_millis(500) } else { Duration::from_secs(10) };
            let result = run(&mut real, &scene, &steps, patience).await;
            real.clean(&scene.queues().collect::<Vec<_>>(), &scene.exchanges().collect::<Vec<_>>()).await;
            result
        });
        failed.set(failed.get() || result.is_err());
        result.map_err(TestCaseError::fail)
    });
    outcome.map_err(|error| match error {
        TestError::Fail(why, (layout, steps)) => format!("layout {layout}, {} steps: {why}", steps.len()),
        TestError::Abort(why) => why.to_string(),
    })
}

/// Tells stories, each with names of its own, one after the other.
fn tell(url: &str, node: Option<&Rabbit>, stories: &[Story], config: RabbitConfig) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut real = Real::connect(url).await;
        real.node = node;
        for story in stories {
            let mut pair = Pair::new(&mut real, config, Duration::from_secs(10));
            for step in story.setup().chain(story.steps()) {
                pair.step(&step).await.map_err(|why| format!("{}: {why}", story.title))?;
            }
            let (queues, exchanges) = (story.queues(), story.exchanges());
            real.clean(&queues, &exchanges).await;
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_sequence_of_methods_breaks_the_laws(layout in 0..LAYOUTS, steps in prop::collection::vec(any::<Drawn>(), 1..120)) {
        rabbit_real::laws::keep(layout, &steps);
    }
}

/// One node for all: it takes seconds to start.
#[test]
fn the_engine_is_rabbitmq() {
    let rabbit = Rabbit::start();
    let url = rabbit.url();
    let share = cases(120).div_ceil(WORKERS as u32);
    let stories = Story::all(include_str!("rabbit_real/stories.txt"));
    let halves = stories.split_at(stories.len() / 2);
    let found: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let url = &url;
        let mut workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || explore(url, worker, share))).collect();
        for stories in [halves.0, halves.1] {
            workers.push(scope.spawn(move || tell(url, None, stories, RabbitConfig::default())));
        }
        workers.into_iter().map(|worker| worker.join().expect("a worker that ends")).collect()
    });
    let mut differences: Vec<String> = found.into_iter().filter_map(Result::err).collect();
    alarms::compare(&rabbit);
    differences.extend(late_acks(&rabbit).err());
    differences.extend(letters(&rabbit).err());
    let restarts = Story::all(include_str!("rabbit_real/restarts.txt"));
    differences.extend(tell(&url, Some(&rabbit), &restarts, RabbitConfig::default()).err());
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// A channel that does not ack in time is closed, whatever else is on its connection.
fn late_acks(rabbit: &Rabbit) -> Result<(), String> {
    for (name, milliseconds) in [("consumer_timeout", 3_000), ("channel_tick_interval", 500)] {
        rabbit.control(&["eval", &format!("application:set_env(rabbit, {name}, {milliseconds}).")]);
    }
    let stories = Story::all(include_str!("rabbit_real/late_acks.txt"));
    let config = RabbitConfig { consumer_timeout: Some(3_000), channel_tick: 500, ..RabbitConfig::default() };
    tell(&rabbit.url(), None, &stories, config)
}

/// Dead letters that stay until they were taken.
fn letters(rabbit: &Rabbit) -> Result<(), String> {
    rabbit.control(&["eval", "application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, 1000)."]);
    let stories = Story::all(include_str!("rabbit_real/letters.txt"));
    tell(&rabbit.url(), None, &stories, RabbitConfig { dead_letter_retry: 1_000, ..RabbitConfig::default() })
}

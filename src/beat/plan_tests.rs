//! The plan as its keeper sees it.

use super::*;
use crate::schedule::{Crontab, Interval};

/// A plan with one entry, and a world of two clocks around it.
struct Story {
    plan: Plan,
    wall: Timestamp,
    now: Instant,
}

fn seconds(seconds: i64) -> i64 {
    seconds * 1_000_000
}

impl Story {
    fn new(entry: Entry) -> Story {
        let (wall, now) = (Timestamp::parse("2026-03-02T10:00:00Z").unwrap(), Instant::default());
        let mut plan = Plan::new(vec![entry], &Zone::utc(), None, wall, now);
        plan.begin(&Records::new(), &Records::new(), wall);
        Story { plan, wall, now }
    }

    fn pass(&mut self, time: i64) -> &mut Self {
        self.now = self.now + Duration::from_secs(time as u64);
        self.wall = moved(self.wall, seconds(time));
        self
    }

    fn step(&mut self, by: i64) -> &mut Self {
        self.wall = moved(self.wall, seconds(by));
        self
    }

    /// Everything that is to be published now, with the record kept: local times.
    fn due(&mut self) -> Vec<String> {
        self.plan.look(self.wall, self.now);
        for (at, change) in self.plan.changes() {
            self.plan.recorded(at, change.to);
        }
        self.plan.publishes().into_iter().map(|(_, due)| Zone::utc().show(due)[11..19].to_owned()).collect()
    }

    fn published(&mut self, ok: bool) -> &mut Self {
        let due = self.plan.entries[0].progress.taken.expect("under way");
        assert!(self.plan.published(0, due, ok, self.now));
        self
    }

    /// Publishes whatever is due for that long, looking each second.
    fn run(&mut self, time: i64) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..time {
            self.pass(1);
            loop {
                let due = self.due();
                if due.is_empty() {
                    break;
                }
                self.published(true);
                all.extend(due);
            }
        }
        all
    }
}

fn every(seconds: u64) -> Entry {
    Entry::new("e", "t", Interval::new(Duration::from_secs(seconds)))
}

fn at(crontab: &str) -> Entry {
    Entry::new("e", "t", Crontab::from_string(crontab).unwrap())
}

fn with(entry: Entry, catch_up: CatchUp) -> Entry {
    Entry { catch_up, ..entry }
}

#[test]
fn each_due_time_is_published_once() {
    let mut story = Story::new(every(10));
    assert_eq!(story.run(35), ["10:00:10", "10:00:20", "10:00:30"]);
}

#[test]
fn nothing_is_published_before_it_is_recorded_as_taken() {
    let mut story = Story::new(every(10));
    story.pass(10);
    story.plan.look(story.wall, story.now);
    assert_eq!(story.plan.publishes(), []);
    let (at, change) = story.plan.changes().remove(0);
    assert_eq!(change.to.taken, Some(story.wall));
    story.plan.recorded(at, change.to);
    assert_eq!(story.plan.publishes(), [(0, story.wall)]);
    assert_eq!(story.plan.publishes(), [], "once");
}

#[test]
fn a_failed_publish_is_tried_again_until_the_next_due_time() {
    let mut story = Story::new(at("*/10 * * * *"));
    assert_eq!(story.pass(600).due(), ["10:10:00"]);
    story.published(false);
    assert_eq!(story.due(), [""; 0], "not at once");
    assert_eq!(story.pass(1).due(), ["10:10:00"]);
    assert_eq!(story.published(false).pass(598).due(), ["10:10:00"]);
    assert_eq!(story.published(false).pass(1).due(), ["10:20:00"], "its time is over");
}

#[test]
fn or_as_long_as_its_message_would_live_or_as_the_entry_says() {
    let mut entry = at("*/10 * * * *");
    entry.options.expires = Some(Duration::from_secs(30));
    let mut story = Story::new(entry.clone());
    story.pass(600).due();
    assert_eq!(story.published(false).pass(29).due(), ["10:10:00"]);
    assert_eq!(story.published(false).pass(1).due(), [""; 0]);
    entry.retry_for = Some(Duration::from_secs(3_600));
    let mut story = Story::new(entry);
    story.pass(600).due();
    assert_eq!(story.published(false).pass(1_500).due(), ["10:10:00"]);
}

#[test]
fn missed_due_times_are_one_run_or_each_or_none() {
    let missed = |catch_up| {
        let mut story = Story::new(with(at("*/10 * * * *"), catch_up));
        story.pass(2_000);
        story.run(3)
    };
    assert_eq!(missed(CatchUp::Once), ["10:30:00"]);
    assert_eq!(missed(CatchUp::All), ["10:10:00", "10:20:00", "10:30:00"]);
    assert_eq!(missed(CatchUp::Skip), [""; 0]);
    // What is due now is not missed.
    let mut story = Story::new(with(at("*/10 * * * *"), CatchUp::Skip));
    assert_eq!(story.pass(1_810).due(), ["10:30:00"]);
}

#[test]
fn catching_up_has_a_bound() {
    let mut story = Story::new(with(every(1), CatchUp::All));
    story.pass(1_000_000);
    let mut runs = 0;
    while !story.due().is_empty() {
        story.published(true);
        runs += 1;
    }
    assert_eq!(runs, u64::from(MAX_CATCH_UP) + 1);
    assert_eq!(story.plan.entries[0].progress.done, story.wall);
}

#[test]
fn a_deadline_leaves_out_what_is_too_old() {
    let mut story = Story::new(at("*/10 * * * *"));
    story.plan.deadline = Some(Duration::from_secs(60));
    assert_eq!(story.pass(1_900).due(), [""; 0]);
    assert_eq!(story.pass(500).due(), ["10:40:00"]);
}

#[test]
fn a_rhythm_goes_on_when_the_clock_is_set() {
    for step in [-86_400, -5, 7, 3_600, 86_400] {
        let mut story = Story::new(every(10));
        story.run(12);
        story.step(step);
        assert_eq!(story.run(7).len(), 0, "{step}");
        assert_eq!(story.run(21).len(), 3, "{step}");
    }
}

#[test]
fn a_rhythm_goes_on_when_the_clock_is_set_during_a_publish() {
    let mut story = Story::new(every(10));
    assert_eq!(story.pass(10).due().len(), 1);
    story.step(-3_600).pass(2);
    assert_eq!(story.due().len(), 0);
    story.published(true);
    assert_eq!(story.run(7).len(), 0);
    assert_eq!(story.run(1).len(), 1);
}

#[test]
fn a_local_time_does_not_come_again_when_the_clock_is_set_back() {
    let mut story = Story::new(at("*/10 * * * *"));
    assert_eq!(story.run(605), ["10:10:00"]);
    story.step(-300);
    assert_eq!(story.run(890), [""; 0]);
    assert_eq!(story.run(10), ["10:20:00"]);
}

#[test]
fn a_clock_that_was_days_ahead_does_not_stop_the_schedule() {
    let mut story = Story::new(at("*/10 * * * *"));
    story.step(86_400 * 400).run(2);
    story.step(-86_400 * 400);
    assert_eq!(story.run(598).len(), 1);
}

#[test]
fn a_jump_forward_is_caught_up_with() {
    let mut story = Story::new(at("*/10 * * * *"));
    story.step(3_600);
    assert_eq!(story.run(1), ["11:00:00"]);
}

#[test]
fn a_new_leader_publishes_what_was_taken_and_not_done() {
    let mut story = Story::new(every(10));
    let taken = moved(story.wall, seconds(-3));
    let record = Progress { done: moved(story.wall, seconds(-13)), taken: Some(taken) };
    let records = Records::from([("e".into(), record)]);
    story.plan = Plan::new(vec![every(10)], &Zone::utc(), None, story.wall, story.now);
    story.plan.begin(&Records::new(), &records, story.wall);
    assert_eq!(story.due(), ["09:59:57"]);
    story.published(true);
    assert_eq!(story.run(8), ["10:00:07"]);
}

#[test]
fn whoever_lost_the_lease_ignores_what_it_began() {
    let mut story = Story::new(every(10));
    story.pass(10).due();
    let due = story.plan.entries[0].progress.taken.unwrap();
    story.plan.stop();
    assert!(!story.plan.published(0, due, true, story.now));
    // The file of this beat is older than the record.
    let record = Progress { done: story.wall, taken: None };
    story.plan.begin(&Records::new(), &Records::from([("e".into(), record)]), story.wall);
    assert_eq!(story.due(), [""; 0]);
    assert_eq!(story.pass(10).due(), ["10:00:20"]);
}

#[test]
fn it_sleeps_until_something_is_due() {
    let mut story = Story::new(every(10));
    assert_eq!(story.plan.rest(story.wall, story.now), Some(Duration::from_secs(10)));
    story.pass(10).due();
    assert_eq!(story.plan.rest(story.wall, story.now), None);
    story.published(false);
    assert_eq!(story.plan.rest(story.wall, story.now), Some(RETRY));
}

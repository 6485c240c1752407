//! The promise of profile `safe`: each due time exactly once.

use super::*;
use proptest::prelude::*;

fn due(crontab: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let zone = Zone::named(zone).expect("a zone");
    let schedule = Schedule::from(Crontab::from_string(crontab).expect("a crontab"));
    schedule.due_times(at(from), &zone).take(count).map(|at| zone.show(at)).collect()
}

#[test]
fn a_time_that_spring_skips_comes_right_after_the_gap() {
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3),
        ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    // Lord Howe changes by half an hour.
    assert_eq!(
        due("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T10:00:00Z", 2),
        ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"]
    );
    // Several of one gap, and one that is due there anyway, are one.
    assert_eq!(
        due("*/20 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 4),
        [
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:20:00+02:00",
            "2026-03-29T03:40:00+02:00",
            "2026-03-30T02:00:00+02:00"
        ]
    );
}

#[test]
fn a_time_that_autumn_repeats_comes_once() {
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    // Also when the last one was in the repeated hour.
    assert_eq!(due("15,45 2 * * *", "Europe/Berlin", "2026-10-25T01:20:00Z", 1), ["2026-10-26T02:15:00+01:00"]);
}

#[test]
fn a_rhythm_goes_on_through_both_nights() {
    assert_eq!(
        due("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 5),
        [
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00",
            "2026-10-25T03:30:00+01:00"
        ]
    );
    assert_eq!(
        due("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3),
        ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]
    );
}

#[test]
fn a_relative_interval_begins_with_its_unit() {
    let zone = Zone::named("Europe/Berlin").expect("a zone");
    let daily = Schedule::from(Interval::new(Duration::from_secs(86_400)).relative());
    let seen: Vec<String> =
        daily.due_times(at("2026-10-23T15:12:07Z"), &zone).take(3).map(|at| zone.show(at)).collect();
    assert_eq!(seen, ["2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"]);
}

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Pacific/Apia",
];

/// Fields as people write them, wrap-around ranges included; days that every month has.
fn any_crontab() -> impl Strategy<Value = String> {
    let minute = prop_oneof![Just("*"), Just("*/15"), Just("30"), Just("0,59"), Just("50-10/5"), Just("7")];
    let hour = prop_oneof![Just("*"), Just("2"), Just("1-3"), Just("*/6"), Just("22-4"), Just("0"), Just("23")];
    let day = prop_oneof![4 => Just("*"), 1 => Just("28-3"), 1 => Just("29")];
    let month = prop_oneof![4 => Just("*"), 1 => Just("mar,oct"), 1 => Just("nov-feb")];
    let weekday = prop_oneof![4 => Just("*"), 1 => Just("sun"), 1 => Just("fri-mon")];
    (minute, hour, day, month, weekday).prop_map(|(m, h, d, mo, w)| format!("{m} {h} {d} {mo} {w}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every matching local time of some days is hit once, on the spot or after its gap; nothing else is.
    #[test]
    fn each_local_time_comes_exactly_once(
        text in any_crontab(), (zone, start) in nights(), days in 1_i64..6,
    ) {
        let zone = Zone::named(zone).expect("a zone");
        let crontab = Crontab::from_string(&text).expect("a crontab");
        let every_hour = crontab.values(Field::Hour).len() == 24;
        let start = start.div_euclid(60) * 60;
        let mut wanted = Vec::new();
        let mut seen_local = std::collections::BTreeSet::new();
        let mut pending_gap = false;
        let mut before = jiff_local(&zone, start - 60 - 90_000);
        for second in ((start - 90_000)..start + days * 86_400).step_by(60) {
            let local = jiff_local(&zone, second);
            let step = before.checked_add(jiff::SignedDuration::from_secs(60)).expect("in range");
            let mut skipped = step;
            while skipped < local {
                pending_gap |= matches(&crontab, skipped);
                skipped = skipped.checked_add(jiff::SignedDuration::from_secs(60)).expect("in range");
            }
            let matched = matches(&crontab, local);
            let is_new = seen_local.insert(local);
            let comes = if every_hour { matched } else { (matched && is_new) || pending_gap };
            pending_gap = false;
            if comes && second > start {
                wanted.push(second * 1_000_000);
            }
            before = local;
        }
        let end = (start + days * 86_400) * 1_000_000;
        let schedule = Schedule::from(crontab);
        let from = Timestamp::from_micros(start * 1_000_000);
        let seen: Vec<i64> =
            schedule.due_times(from, &zone).map(Timestamp::as_micros).take_while(|at| *at < end).collect();
        prop_assert_eq!(&seen, &wanted, "{} in {}", text, zone);
        let last = Timestamp::from_micros(end - 1);
        let missed = schedule.latest_due(from, last, &zone, 10);
        prop_assert_eq!(missed.map(|missed| missed.latest.as_micros()), wanted.last().copied(), "{} in {}", text, zone);
        prop_assert_eq!(missed.map_or(0, |missed| missed.count), (wanted.len() as u64).min(10));
    }

    /// Asking Celery's algorithm never goes round in circles, and what it says is due lies in the past.
    #[test]
    fn celerys_answers_move_on(
        text in any_crontab(), zone in prop::sample::select(&ZONES[..]), last in 1_300_000_000_i64..1_900_000_000,
        after in 0_i64..4_000_000, deadline in prop::option::of(0_u64..100_000),
    ) {
        let zone = Zone::named(zone).expect("a zone");
        let schedule = Schedule::from(Crontab::from_string(&text).expect("a crontab"));
        let (last, now) = (Timestamp::from_micros(last * 1_000_000), Timestamp::from_micros((last + after) * 1_000_000));
        let free = schedule.is_due(last, now, &zone, None);
        let bound = schedule.is_due(last, now, &zone, deadline.map(Duration::from_secs));
        prop_assert!(free.is_due || !bound.is_due);
        prop_assert!(!(free.is_due && after == 0), "due again at the moment of its last run");
    }
}

/// A zone, and a second within three days before one of its clock changes.
fn nights() -> impl Strategy<Value = (&'static str, i64)> {
    let moment = (prop::sample::select(&ZONES[..]), 1_300_000_000_i64..1_900_000_000, 0_i64..3 * 86_400);
    moment.prop_map(|(name, second, before)| {
        let zone = jiff::tz::TimeZone::get(name).expect("a zone");
        let instant = jiff::Timestamp::from_second(second).expect("in range");
        let change = zone.following(instant).next().map_or(second, |change| change.timestamp().as_second());
        (name, change - before)
    })
}

fn jiff_local(zone: &Zone, second: i64) -> jiff::civil::DateTime {
    let zone = jiff::tz::TimeZone::get(zone.name()).expect("a zone");
    zone.to_datetime(jiff::Timestamp::from_second(second).expect("in range"))
}

fn matches(crontab: &Crontab, local: jiff::civil::DateTime) -> bool {
    let has = |field, value: i8| crontab.contains(field, value as u8);
    has(Field::Minute, local.minute())
        && has(Field::Hour, local.hour())
        && has(Field::DayOfMonth, local.day())
        && has(Field::MonthOfYear, local.month())
        && has(Field::DayOfWeek, local.weekday().to_sunday_zero_offset())
}

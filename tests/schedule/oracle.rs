//! Another implementation as a witness: croner, in UTC and with both day fields required, where the two mean the same.

use super::*;
use proptest::prelude::*;

/// A field in the syntax that both read alike.
fn text(low: u8, high: u8) -> impl Strategy<Value = String> {
    let number = move || low..=high;
    let part = prop_oneof![
        4 => number().prop_map(|a| a.to_string()),
        2 => (number(), number()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        2 => (number(), number(), 1_u8..20).prop_map(|(a, b, n)| format!("{}-{}/{n}", a.min(b), a.max(b))),
        1 => (1_u8..20).prop_map(|n| format!("*/{n}")),
    ];
    prop_oneof![2 => Just("*".to_owned()), 3 => prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(","))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn croner_names_the_same_times(
        minute in text(0, 59), hour in text(0, 23), day in text(1, 28), month in text(1, 12), weekday in text(0, 6),
        start in 1_600_000_000_i64..2_000_000_000,
    ) {
        let whole = format!("{minute} {hour} {day} {month} {weekday}");
        let schedule = Schedule::from(Crontab::from_string(&whole).map_err(|bad| TestCaseError::fail(bad.to_string()))?);
        let parser = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Disallowed)
            .dom_and_dow(true)
            .build();
        let oracle = parser.parse(&whole).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let from = jiff::Timestamp::from_second(start).expect("in range").to_zoned(jiff::tz::TimeZone::UTC);
        let theirs: Vec<i64> =
            oracle.iter_after(from).take(5).map(|at| at.timestamp().as_microsecond()).collect();
        let ours = schedule.due_times(Timestamp::from_micros(start * 1_000_000), &Zone::utc());
        let ours: Vec<i64> = ours.take(theirs.len()).map(|at| at.as_micros()).collect();
        prop_assert!(!theirs.is_empty(), "{}", whole);
        prop_assert_eq!(ours, theirs, "{}", whole);
    }
}

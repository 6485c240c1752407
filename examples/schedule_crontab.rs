//! Crontabs in a time zone, in virtual time, through the night in which the clocks change.
//!
//! ```text
//! nightly: 2026-03-29T03:00:00+02:00
//! nightly: 2026-03-29T04:30:00+02:00
//! nightly: 2026-03-30T02:30:00+02:00
//! nightly: 2026-03-30T04:30:00+02:00
//! a day: 2 runs, 0 lost
//! ```

use simq::schedule::{Crontab, Zone};
use simq::testkit::Cluster;
use simq::{App, Entry, TaskContext, Timestamp};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn app() -> Result<App, Box<dyn std::error::Error>> {
    let app = App::new("shop");
    let report = app.task("shop.report", |_: TaskContext, (about,): (String,)| async move { Ok(about) });
    // In Berlin there is no half past two on 29 March 2026.
    let entry = report.entry("nightly", Crontab::from_string("30 2,4 * * *")?, ("the day".into(),))?;
    app.schedule(Entry { timezone: Some(Zone::named("Europe/Berlin")?), ..entry })?;
    Ok(app)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Timestamp::parse("2026-03-28T12:00:00Z")?;
    // What is due, without running anything. For a file: `simq beat --dry-run`.
    let berlin = Zone::named("Europe/Berlin")?;
    for entry in app()?.schedule_entries()? {
        for due in entry.schedule.due_times(start, &berlin).take(4) {
            println!("{}: {}", entry.name, berlin.show(due));
        }
    }
    // And a day of it in the simulated cluster.
    let cluster = Cluster::new(|| app().expect("a schedule")).starts_at(start).beat();
    let summary = cluster.limit(DAY).run(|_| async {});
    println!("a day: {} runs, {} lost", summary.succeeded, summary.lost);
    Ok(())
}

//! A schedule from code and from settings: `App::start` runs it.
//!
//! ```text
//! cleanup: <crontab: 0 4 * * mon-fri (m/h/dM/MY/d)>
//! greet: every 300ms
//! greet from code: every 200ms
//! greetings from code and settings
//! ```

use simq::schedule::Interval;
use simq::{App, Profile, Settings, TaskContext};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::new(Profile::Safe);
    settings.set_all(&toml::from_str(
        "[beat_schedule.greet]
         task = 'shop.greet'
         schedule = 0.3
         args = ['settings']

         [beat_schedule.cleanup]
         task = 'shop.greet'
         schedule = '0 4 * * mon-fri'
         args = ['four in the morning']",
    )?)?;
    let app = App::with_settings("shop", settings);
    let (told, greetings) = channel();
    let greet = app.task("shop.greet", move |_: TaskContext, (who,): (String,)| {
        let told: Sender<String> = told.clone();
        async move {
            // Nobody listens any more when the program ends.
            let _ = told.send(who);
            Ok(())
        }
    });
    app.schedule(greet.entry("greet from code", Interval::new(Duration::from_millis(200)), ("code".into(),))?)?;
    for entry in app.schedule_entries()? {
        println!("{}: {}", entry.name, entry.schedule);
    }

    let running = app.start()?;
    let mut seen: Vec<String> = Vec::new();
    while !["code", "settings"].iter().all(|from| seen.iter().filter(|who| who == from).count() >= 2) {
        seen.push(greetings.recv_timeout(Duration::from_secs(10))?);
    }
    seen.sort();
    seen.dedup();
    println!("greetings from {}", seen.join(" and "));
    drop(running);
    Ok(())
}

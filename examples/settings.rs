//! Settings under Celery's names: two profiles, from code, from TOML, and one by one.
//!
//! ```text
//! Safe: acks late true, prefetch multiplier 1, delivery limit Some(20)
//! Celery: acks late false, prefetch multiplier 4, delivery limit None
//! results are kept for 3600 s
//! "shop", Some(30.0) s
//! prefetch multiplier 4
//! there is no setting "task_ack_late"; did you mean "task_acks_late"?
//! setting "CELERY_ACKS_LATE" is called "task_acks_late" now
//! setting "task_acks_late" must be true or false
//! ```

use simq::{App, Profile, Settings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two sets of defaults.
    for profile in [Profile::Safe, Profile::Celery] {
        let settings = Settings::new(profile);
        println!(
            "{profile:?}: acks late {}, prefetch multiplier {}, delivery limit {:?}",
            settings.task_acks_late, settings.worker_prefetch_multiplier, settings.task_delivery_limit
        );
    }

    // From code: each setting is a field.
    let settings = Settings { result_expires: 3600.0, task_track_started: true, ..Settings::new(Profile::Safe) };
    let app = App::with_settings("shop", settings);
    println!("results are kept for {} s", app.settings().result_expires);

    // From TOML.
    let mut settings = Settings::new(Profile::Safe);
    settings.set_all(&toml::from_str(
        "task_default_queue = 'shop'
         broker_transport_options = { confirm_publish = false }
         task_soft_time_limit = 30",
    )?)?;
    println!("{:?}, {:?} s", settings.task_default_queue, settings.task_soft_time_limit);

    // One by one, from a flag for example.
    settings.set_text("worker_prefetch_multiplier", "4")?;
    println!("prefetch multiplier {}", settings.worker_prefetch_multiplier);
    for (name, value) in [("task_ack_late", "true"), ("CELERY_ACKS_LATE", "true"), ("task_acks_late", "perhaps")] {
        if let Err(error) = settings.set_text(name, value) {
            println!("{error}");
        }
    }
    Ok(())
}

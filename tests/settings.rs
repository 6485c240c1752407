//! Settings as a Celery user meets them: all names are known, old ones lead to the new ones, and what has no effect is
//! told.

use simq::settings::{BadSetting, Profile, Settings, Status};
use std::collections::BTreeSet;
use toml::Value;

/// Every name of Celery 5.7.
const CELERY: &str = include_str!("settings/celery_names.txt");
/// Old names and new ones.
const OLD: &str = include_str!("settings/old_names.txt");

fn celery_has(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    CELERY.lines().any(|known| known == family)
}

#[test]
fn every_name_of_celery_is_a_setting_or_a_family_of_them() {
    let families: BTreeSet<&str> = Settings::names().filter_map(|name| name.split('.').next()).collect();
    let missing: Vec<&str> = CELERY.lines().filter(|name| !families.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_celery_does_not_have_says_so() {
    for setting in Settings::documentation() {
        let own = setting.about().starts_with("simq: ");
        // Celery's tables of options may hold more of simq's own.
        if !setting.name().contains('.') || !celery_has(setting.name()) {
            assert_eq!(own, !celery_has(setting.name()), "{}", setting.name());
        }
        assert!(setting.about().ends_with('.'), "{}: {}", setting.name(), setting.about());
    }
}

/// So that a value that simq shows can be written back.
#[test]
fn every_default_is_a_value_that_its_setting_takes() {
    for profile in [Profile::Safe, Profile::Celery] {
        for setting in Settings::documentation() {
            let mut settings = Settings::new(profile);
            let default = setting.default(profile);
            assert!(default.is_some() || setting.is_optional(), "{} is unset and can't be", setting.name());
            let value = default.clone().unwrap_or_else(|| "none".into());
            settings.set(setting.name(), &value).unwrap_or_else(|bad| panic!("{bad}: {value}"));
            assert_eq!(settings.get(setting.name()), default, "{}", setting.name());
            let text = default.as_ref().map_or("none".to_owned(), |value| match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            });
            settings.set_text(setting.name(), &text).unwrap_or_else(|bad| panic!("{bad}: {text:?}"));
            assert_eq!(settings.get(setting.name()), default, "{} from {text:?}", setting.name());
        }
    }
}

#[test]
fn old_names_lead_to_the_new_ones() {
    for line in OLD.lines() {
        let (old, new) = line.split_once(' ').expect("an old name and a new one");
        let bad = Settings::new(Profile::Safe).set(old, &Value::Boolean(true)).expect_err(old);
        assert_eq!(bad, BadSetting::Renamed { name: old.to_owned(), new: new.to_owned() });
    }
    for (old, new) in [("CELERY_TASK_ACKS_LATE", "task_acks_late"), ("CELERY_BROKER_URL", "broker_url")] {
        let bad = Settings::new(Profile::Safe).set(old, &Value::Boolean(true)).expect_err(old);
        assert_eq!(bad.to_string(), format!("setting {old:?} is called {new:?} now"));
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let bad = Settings::new(Profile::Safe).set("worker_prefetch_multiplyer", &Value::Integer(1)).expect_err("a typo");
    assert_eq!(
        bad.to_string(),
        "there is no setting \"worker_prefetch_multiplyer\"; did you mean \"worker_prefetch_multiplier\"?"
    );
    let table: toml::Table = "[broker_transport_option]\nconfirm_publish = true".parse().expect("TOML");
    let bad = Settings::new(Profile::Safe).set_all(&table).expect_err("a typo");
    assert!(bad.to_string().contains("did you mean \"broker_transport_options\"?"), "{bad}");
}

#[test]
fn what_was_set_without_effect_is_told_once_and_kept() {
    let mut settings = Settings::new(Profile::Safe);
    assert_eq!(settings.noted.warnings().count(), 0);
    let configuration: toml::Table = "
        worker_pool_putlocks = false
        worker_prefetch_multiplier = 8
        broker_heartbeat_checkrate = 2
    "
    .parse()
    .expect("TOML");
    settings.set_all(&configuration).expect("settings of Celery");
    let warnings: Vec<String> = settings.noted.warnings().collect();
    assert_eq!(
        warnings,
        [
            "broker_heartbeat_checkrate has no effect in simq yet: it comes with RabbitMQ",
            "worker_pool_putlocks has no effect in simq: billiard",
        ]
    );
    assert_eq!(settings.worker_prefetch_multiplier, 8);
    assert_eq!(settings.get("broker_heartbeat_checkrate"), Some(Value::Float(2.0)));
    // Though it has no effect it has a type.
    let bad = settings.set("broker_heartbeat_checkrate", &"soon".into()).expect_err("a text");
    assert!(bad.to_string().contains("must be a number of seconds"), "{bad}");
}

#[test]
fn one_setting_stands_for_failure_and_timeout_where_they_are_unset() {
    let acks = |profile, pairs: &[(&str, bool)]| {
        let mut settings = Settings::new(profile);
        pairs.iter().for_each(|(name, value)| settings.set(name, &Value::Boolean(*value)).expect("a setting"));
        (settings.acks_on_failure(), settings.acks_on_timeout())
    };
    let (both, failure) = ("task_acks_on_failure_or_timeout", "task_acks_on_failure");
    assert_eq!(acks(Profile::Safe, &[]), (true, false));
    assert_eq!(acks(Profile::Celery, &[]), (true, true));
    for profile in [Profile::Safe, Profile::Celery] {
        assert_eq!(acks(profile, &[(both, false)]), (false, false));
        assert_eq!(acks(profile, &[(both, true)]), (true, true));
        assert_eq!(acks(profile, &[(both, false), (failure, true)]), (true, false));
    }
}

#[test]
fn each_reason_for_having_no_effect_is_a_few_words() {
    for setting in Settings::documentation() {
        if let Status::Later(why) | Status::Never(why) = setting.status() {
            assert!(!why.is_empty() && why.len() < 60, "{}: {why}", setting.name());
        }
    }
}

/// What an application's code sets gives way to every other source, and stays when one of them chooses a profile.
#[test]
fn other_sources_are_laid_over_an_application_s_settings() {
    use simq::settings::{Origin, Sources};
    let code = Settings { task_acks_late: false, worker_prefetch_multiplier: 7, ..Settings::new(Profile::Safe) };
    let sources = Sources::new().application(code).flag("--late", "task_acks_late", "true");
    let loaded = sources.clone().load().expect("settings");
    assert!(loaded.settings.task_acks_late);
    assert_eq!(loaded.origin("task_acks_late"), Origin::Flag("--late".to_owned()));
    assert_eq!(loaded.settings.worker_prefetch_multiplier, 7);
    assert_eq!(loaded.origin("worker_prefetch_multiplier"), Origin::Application);
    let loaded = sources.profile(Profile::Celery).load().expect("settings");
    assert_eq!((loaded.settings.worker_prefetch_multiplier, loaded.settings.task_publish_timeout), (7, None));
}

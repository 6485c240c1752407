//! Variables of the environment: simq's own, and those of Celery.

use super::draft::Draft;
use super::{BadSource, CONFIG_VARIABLE, Origin};
use crate::settings::{BadSetting, Profile, Setting, unknown};
use std::ffi::{OsStr, OsString};

const PREFIX: &str = "SIMQ_";
const PROFILE: &str = "SIMQ_PROFILE";

/// Celery's own, which give way to those with the prefix. It ignores them when they are empty.
const CELERY: [(&str, &str); 4] = [
    ("CELERY_BROKER_URL", "broker_url"),
    ("CELERY_BROKER_READ_URL", "broker_read_url"),
    ("CELERY_BROKER_WRITE_URL", "broker_write_url"),
    ("CELERY_RESULT_BACKEND", "result_backend"),
];

/// The variable of a setting.
pub(super) fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.replace('.', "__").to_ascii_uppercase())
}

fn bad(name: &str, message: impl Into<String>) -> BadSource {
    BadSource::Variable { name: name.to_owned(), message: message.into() }
}

fn text<'a>(name: &str, value: &'a OsStr) -> Result<&'a str, BadSource> {
    value.to_str().ok_or_else(|| bad(name, "its value is not UTF-8"))
}

/// The profile that `SIMQ_PROFILE` names.
pub(super) fn profile(environment: &[(OsString, OsString)]) -> Result<Option<(Profile, Origin)>, BadSource> {
    let Some((_, value)) = environment.iter().find(|(name, _)| name == PROFILE) else { return Ok(None) };
    match value.to_str().and_then(Profile::named) {
        Some(profile) => Ok(Some((profile, Origin::Variable(PROFILE.to_owned())))),
        None => Err(bad(PROFILE, "must be \"safe\" or \"celery\"")),
    }
}

/// Lays what the variables say over the draft.
pub(super) fn apply(environment: &[(OsString, OsString)], draft: &mut Draft) -> Result<(), BadSource> {
    let mut set = |variable: &str, setting: &str, value: &str| {
        draft
            .set_text(setting, value, Origin::Variable(variable.to_owned()))
            .map_err(|error| bad(variable, told(setting, error)))
    };
    let value_of = |wanted: &str| environment.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    for (variable, setting) in CELERY {
        if let Some(value) = value_of(variable).filter(|value| !value.is_empty()) {
            set(variable, setting, text(variable, value)?)?;
        }
    }
    if value_of("REMAP_SIGTERM").is_some_and(|signal| signal == "SIGQUIT") {
        set("REMAP_SIGTERM", "worker_remap_sigterm", "true")?;
    }
    for (name, value) in environment {
        let shown = name.to_string_lossy();
        let Some(rest) = shown.strip_prefix(PREFIX) else { continue };
        if [PROFILE, CONFIG_VARIABLE].contains(&&*shown) || is_of_a_service(rest, value) {
            continue;
        }
        let setting = rest.to_ascii_lowercase().replace("__", ".");
        if variable(&setting) != shown {
            return Err(bad(&shown, told(&setting, unknown(&setting))));
        }
        set(&shown, &setting, text(&shown, value)?)?;
    }
    Ok(())
}

/// What is wrong, in terms of variables.
fn told(setting: &str, error: BadSetting) -> String {
    let nearest = match error {
        BadSetting::Unknown { nearest, .. } => match unknown(&setting.to_ascii_uppercase()) {
            BadSetting::Renamed { new, .. } => Some(new),
            _ => nearest,
        },
        BadSetting::Renamed { new, .. } => Some(new),
        error => return error.to_string(),
    };
    let nearest = nearest.map(|name| format!("; did you mean {}?", variable(&name))).unwrap_or_default();
    format!("there is no such setting{nearest}")
}

/// Whether Kubernetes gives a container this variable, without the prefix, because there is a service called `simq`, or
/// one whose name begins with `simq-`: `SIMQ_PORT_80_TCP_ADDR`, `SIMQ_BROKER_SERVICE_HOST`, `SIMQ_BROKER_PORT`, whose
/// value is an address and so no port.
fn is_of_a_service(rest: &str, value: &OsStr) -> bool {
    let words: Vec<&str> = rest.split('_').collect();
    let number = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let has = |pair: &dyn Fn(&str, &str) -> bool| words.windows(2).any(|two| pair(two[0], two[1]));
    words[0] == "PORT"
        || words[0] == "SERVICE"
        || has(&|first, second| first == "SERVICE" && ["HOST", "PORT"].contains(&second))
        || has(&|first, second| first == "PORT" && number(&second))
        || words.last() == Some(&"PORT") && value.to_string_lossy().contains("://")
}

impl Setting {
    /// The variable of the environment that sets it: `SIMQ_TASK_ACKS_LATE`.
    pub fn variable(&self) -> String {
        variable(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Loaded, Settings, Sources};

    fn load(pairs: &[(&str, &str)]) -> Result<Loaded, String> {
        let variables = pairs.iter().map(|(name, value)| (name.into(), value.into()));
        Sources::new().environment(variables).load().map_err(|error| error.to_string())
    }

    #[test]
    fn each_setting_has_a_variable_of_its_own_that_leads_back_to_it() {
        let mut variables = std::collections::BTreeSet::new();
        for setting in Settings::documentation() {
            let variable = setting.variable();
            let rest = variable.strip_prefix(PREFIX).unwrap();
            assert_eq!(rest.to_ascii_lowercase().replace("__", "."), setting.name());
            assert!(!is_of_a_service(rest, OsStr::new("x")), "{variable}");
            assert!(variables.insert(variable));
        }
    }

    #[test]
    fn celery_s_variables_give_way_to_simq_s_and_are_ignored_when_they_are_empty() {
        let url = |pairs| load(pairs).unwrap().settings.broker_url.map(|urls| urls[0].expose().to_owned());
        assert_eq!(url(&[("CELERY_BROKER_URL", "redis://a")]).as_deref(), Some("redis://a"));
        assert_eq!(url(&[("CELERY_BROKER_URL", "")]), None);
        let both = [("SIMQ_BROKER_URL", "redis://b"), ("CELERY_BROKER_URL", "redis://a")];
        assert_eq!(url(&both).as_deref(), Some("redis://b"));
        let remap = |value| load(&[("REMAP_SIGTERM", value)]).unwrap().settings.worker_remap_sigterm;
        assert_eq!((remap("SIGQUIT"), remap("SIGTERM"), remap("")), (true, false, false));
    }

    #[test]
    fn a_typo_is_refused_with_the_nearest_variable() {
        for (typo, nearest) in [
            ("SIMQ_TASK_ACK_LATE", "SIMQ_TASK_ACKS_LATE"),
            ("SIMQ_task_acks_late", "SIMQ_TASK_ACKS_LATE"),
            ("SIMQ_CELERYD_CONCURRENCY", "SIMQ_WORKER_CONCURRENCY"),
            ("SIMQ_BROKER_TRANSPORT_OPTIONS_CONFIRM_PUBLISH", "SIMQ_BROKER_TRANSPORT_OPTIONS__CONFIRM_PUBLISH"),
        ] {
            let told = load(&[(typo, "1")]).unwrap_err();
            assert_eq!(told, format!("variable {typo}: there is no such setting; did you mean {nearest}?"));
        }
    }

    #[test]
    fn what_kubernetes_says_of_services_is_left_alone() {
        let loaded = load(&[
            ("SIMQ_PORT", "tcp://10.0.0.1:80"),
            ("SIMQ_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("SIMQ_SERVICE_HOST", "10.0.0.1"),
            ("SIMQ_SERVICE_PORT_HTTP", "80"),
            ("SIMQ_BROKER_SERVICE_HOST", "10.0.0.2"),
            ("SIMQ_BROKER_PORT", "tcp://10.0.0.2:5672"),
            ("SIMQ_BROKER_PORT_5672_TCP", "tcp://10.0.0.2:5672"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(loaded.unwrap().settings, Settings::new(Profile::Safe));
        let broker_port = load(&[("SIMQ_BROKER_PORT", "5672")]).unwrap().settings.get("broker_port");
        assert_eq!(broker_port, Some(5672.into()));
    }
}

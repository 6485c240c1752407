//! A TOML file of settings.

use super::draft::Draft;
use super::{BadSource, Origin};
use crate::settings::value::is_secret;
use crate::settings::{Profile, Settings};
use crate::text::{Places, Problem};
use std::fmt;
use std::path::PathBuf;
use toml::Table;

/// The key of the profile.
const PROFILE: &str = "profile";

/// A file's path and text.
#[derive(Clone)]
pub(super) struct File {
    path: PathBuf,
    text: String,
}

/// The text may hold passwords.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.path)
    }
}

impl File {
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        File { path, text }
    }

    pub(super) fn parse(&self) -> Result<Table, BadSource> {
        let table = toml::from_str(&self.text).map_err(|error| {
            let place = error.span().unwrap_or_default();
            self.without_secrets(Problem::at(&self.path, &self.text, place, error.message()))
        });
        Ok(table?)
    }

    /// The profile that the file names.
    pub(super) fn profile(&self, table: &Table) -> Result<Option<(Profile, Origin)>, BadSource> {
        let Some(name) = table.get(PROFILE) else { return Ok(None) };
        let profile = name.as_str().and_then(Profile::named);
        let wrong = || self.problem(&[PROFILE], false, "profile must be \"safe\" or \"celery\"");
        let profile = profile.ok_or_else(wrong)?;
        Ok(Some((profile, Lines::of(self).origin(&[PROFILE]))))
    }

    /// Lays the file's settings over those of the draft.
    pub(super) fn apply(&self, table: &Table, draft: &mut Draft) -> Result<(), BadSource> {
        let lines = Lines::of(self);
        let settings = table.iter().filter(|(name, _)| *name != PROFILE);
        let settings: Table = settings.map(|(name, value)| (name.clone(), value.clone())).collect();
        draft.set_all(&settings, |keys| lines.origin(keys)).map_err(|(keys, bad)| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            self.problem(&keys, bad.is_name(), bad.to_string()).into()
        })
    }

    /// Something wrong with the value at the end of some keys, or with the last key.
    pub(super) fn problem(&self, keys: &[&str], is_key: bool, message: impl Into<String>) -> Problem {
        let places = Places::read(&self.text);
        let found =
            places.and_then(|places| if is_key { places.key(keys) } else { places.value(keys).or(places.key(keys)) });
        self.without_secrets(Problem::at(&self.path, &self.text, found.unwrap_or_default(), message))
    }

    /// The line of a problem is not shown where it looks like one with a password, or an address that may have one, nor
    /// where a secret's name may have been meant.
    fn without_secrets(&self, problem: Problem) -> Problem {
        let line = problem.place.and_then(|(line, _)| self.text.lines().nth(line - 1)).unwrap_or_default();
        let secret = |name: &str| {
            let key = name.rsplit('.').next().unwrap_or_default();
            line.contains(key) || problem.message.contains(key)
        };
        let mut secrets = Settings::documentation().filter(|setting| setting.is_secret());
        if line.contains("://") || is_secret(line) || secrets.any(|setting| secret(setting.name())) {
            problem.without_snippet()
        } else {
            problem
        }
    }
}

/// Where keys stand.
struct Lines<'a> {
    file: &'a File,
    places: Option<Places<'a>>,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(file: &'a File) -> Self {
        let breaks = file.text.match_indices('\n').map(|(at, _)| at + 1);
        Lines { file, places: Places::read(&file.text), starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn origin(&self, keys: &[&str]) -> Origin {
        let place = self.places.as_ref().and_then(|places| places.key(keys)).unwrap_or_default();
        Origin::File { path: self.file.path.clone(), line: self.starts.partition_point(|start| *start <= place.start) }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Sources;

    fn told(text: &str) -> String {
        Sources::new().file("f.toml", text).load().map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_problem_has_its_line_and_never_a_password() {
        let typo = told("timezone = 'UTC'\ntask_ack_late = true\n");
        assert!(
            typo.starts_with("f.toml:2:1: there is no setting \"task_ack_late\"; did you mean \"task_acks_late\"?")
        );
        assert!(typo.contains("2 | task_ack_late = true"));
        for text in [
            "redis_password = ['hunter2']",
            "redis_pasword = 'hunter2'",
            "broker_url = 'amqp://ada:hunter2@rabbit//",
            "broker_read_url = ['amqp://ada:hunter2@rabbit//', 1]",
            "[broker_transport_options]\nsentinel_kwargs = 'hunter2'",
            "s3_access_key_id = ['hunter2']",
        ] {
            let told = told(text);
            assert!(!told.contains("hunter2"), "{told}");
            assert!(told.starts_with("f.toml:"), "{told}");
        }
    }
}

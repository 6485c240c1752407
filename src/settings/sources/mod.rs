//! Where settings come from. A later source wins: the profile, a file, variables of the environment, flags.
//!
//! All of it is pure: whoever has read the file and the environment hands them in. A process's own are read by
//! [`Settings::load`](crate::settings::Settings::load).

mod draft;
mod error;
mod file;
mod flags;
mod origin;
mod variables;

pub use error::BadSource;
pub use origin::Origin;

use super::{Profile, Settings};
use draft::Draft;
use file::File;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The variable that names the file, where no flag does.
pub(crate) const CONFIG_VARIABLE: &str = "SIMQ_CONFIG";

/// A file, variables and flags that settings are made of.
///
/// ```
/// use simq::settings::{Origin, Profile, Sources};
///
/// let loaded = Sources::new()
///     .file("simq.toml", "profile = 'celery'\ntask_acks_late = true\nworker_prefetch_multiplier = 8")
///     .environment([("SIMQ_WORKER_PREFETCH_MULTIPLIER".into(), "2".into())])
///     .load()?;
/// assert_eq!(loaded.profile, Profile::Celery);
/// assert_eq!(loaded.settings.worker_prefetch_multiplier, 2);
/// assert_eq!(loaded.origin("task_acks_late"), Origin::File { path: "simq.toml".into(), line: 2 });
/// # Ok::<(), simq::settings::BadSource>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sources {
    file: Option<File>,
    environment: Vec<(OsString, OsString)>,
    profile: Option<Profile>,
    assignments: Vec<Assignment>,
    application: Option<Settings>,
}

/// What a flag says: the flag, and the name and value that it gives.
#[derive(Clone)]
struct Assignment {
    flag: String,
    text: String,
}

/// The value may be a password.
impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.flag)
    }
}

impl Sources {
    /// None: the defaults of profile `safe`.
    pub fn new() -> Self {
        Sources::default()
    }

    /// A file's path, for messages, and its text: TOML, settings under their names, and `profile`.
    pub fn file(self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Sources { file: Some(File::new(path.into(), text.into())), ..self }
    }

    /// Variables of the environment: `SIMQ_` and a name in upper case, `__` for the dot; `SIMQ_PROFILE`; and those of
    /// Celery, `CELERY_BROKER_URL`, `CELERY_BROKER_READ_URL`, `CELERY_BROKER_WRITE_URL`, `CELERY_RESULT_BACKEND` and
    /// `REMAP_SIGTERM`. Others are left alone.
    pub fn environment(self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment: Vec<_> = variables.into_iter().collect();
        environment.sort();
        Sources { environment, ..self }
    }

    /// The flag `--profile`: instead of the one that the file or a variable names.
    pub fn profile(self, profile: Profile) -> Self {
        Sources { profile: Some(profile), ..self }
    }

    /// A flag `--set NAME=VALUE`. Of several for one name the last wins.
    pub fn set(mut self, assignment: impl Into<String>) -> Self {
        self.assignments.push(Assignment { flag: "--set".to_owned(), text: assignment.into() });
        self
    }

    /// A flag of its own for one setting: `--broker URL` for `broker_url`. Counts as a `--set` in its place.
    pub fn flag(mut self, flag: &str, name: &str, value: &str) -> Self {
        self.assignments.push(Assignment { flag: flag.to_owned(), text: format!("{name}={value}") });
        self
    }

    /// The settings of an application's own code, over which the other sources are laid. Where one of them names a profile,
    /// what the application has as profile `safe` has it comes from that profile.
    pub fn application(self, settings: Settings) -> Self {
        Sources { application: Some(settings), ..self }
    }

    /// Makes settings of all of them.
    ///
    /// # Errors
    ///
    /// The first [`BadSource`]: an unknown name with the nearest valid one, or a value that its setting does not take.
    pub fn load(self) -> Result<Loaded, BadSource> {
        let table = self.file.as_ref().map(File::parse).transpose()?;
        let of_file = match (&self.file, &table) {
            (Some(file), Some(table)) => file.profile(table)?,
            _ => None,
        };
        let of_variable = variables::profile(&self.environment)?;
        let of_flag = self.profile.map(|profile| (profile, Origin::Flag("--profile".to_owned())));
        let (profile, profile_origin) = match of_flag.or(of_variable).or(of_file) {
            Some((profile, origin)) => (profile, Some(origin)),
            None => (Profile::default(), None),
        };
        let mut draft = match &self.application {
            None => Draft::new(profile),
            Some(settings) if profile_origin.is_none() => Draft::of(settings.clone()),
            Some(settings) => Draft::new(profile).with_application(settings),
        };
        if let (Some(file), Some(table)) = (&self.file, &table) {
            file.apply(table, &mut draft)?;
        }
        variables::apply(&self.environment, &mut draft)?;
        flags::apply(&self.assignments, &mut draft)?;
        let Draft { settings, origins } = draft;
        Ok(Loaded { settings, profile, profile_origin, origins, file: self.file })
    }
}

/// Settings, and where each value came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The effective settings.
    pub settings: Settings,
    /// The profile that they start from.
    pub profile: Profile,
    /// Where the profile was chosen; `None` where it is the default one.
    pub profile_origin: Option<Origin>,
    origins: BTreeMap<&'static str, Origin>,
    file: Option<File>,
}

impl Loaded {
    /// Where the value of a setting came from.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or(Origin::Profile(self.profile))
    }

    /// Whether the value of a setting is another than the profile's.
    pub fn is_changed(&self, name: &str) -> bool {
        Settings::setting(name).is_some_and(|setting| setting.get(&self.settings) != setting.default(self.profile))
    }

    /// An error about a setting's value, or about what is at the end of `keys` below it, where it came from.
    pub(crate) fn bad(&self, name: &str, keys: &[&str], is_key: bool, message: impl Into<String>) -> BadSource {
        let message = message.into();
        let below = || [&[name], keys].concat().join(".");
        match (self.origin(name), &self.file) {
            (Origin::File { .. }, Some(file)) => {
                let steps: Vec<&str> = name.split('.').chain(keys.iter().copied()).collect();
                file.problem(&steps, is_key, message).into()
            }
            (Origin::Variable(variable), _) => {
                BadSource::Variable { name: variable, message: format!("{}: {message}", below()) }
            }
            (Origin::Flag(flag), _) => BadSource::Flag { flag, message: format!("{}: {message}", below()) },
            (origin, _) => BadSource::Flag { flag: origin.to_string(), message: format!("{}: {message}", below()) },
        }
    }
}

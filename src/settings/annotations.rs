//! `task_annotations`: options of tasks by their names, from the configuration, over those of the code.

use super::rate_limit::RateLimit;
use super::value::{Expected, Seconds, SettingValue, Words};
use crate::message::{Compression, Serializer};
use crate::text::nearest;
use std::collections::BTreeMap;

/// Most annotations of one table.
const MAX_ANNOTATIONS: usize = 10_000;
/// Stands for every task.
const ANY: &str = "*";

/// Annotations by the names of tasks; `*` is every task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations(Vec<BTreeMap<String, Annotation>>);

/// `retry_backoff`: true is a factor of one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackoffFactor(pub f64);

macro_rules! annotation {
    ($( $(#[doc = $doc:literal])* $name:ident: $type:ty; )*) => {
        /// Options that one annotation names, under the names of [`TaskOptions`](crate::TaskOptions).
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Annotation {
            $( $(#[doc = $doc])* pub $name: Option<$type>, )*
        }

        const NAMES: &[&str] = &[$( stringify!($name), )*];

        impl Annotation {
            fn set(&mut self, name: &str, value: &toml::Value) -> Result<(), Expected> {
                match name {
                    $( stringify!($name) => self.$name = Some(<$type as SettingValue>::from_toml(value)?), )*
                    _ => {}
                }
                Ok(())
            }
        }
    };
}

annotation! {
    /// Ack after the task has run.
    acks_late: bool;
    /// Requeue when its pool child is lost.
    reject_on_worker_lost: bool;
    /// Send again, as a retry, when its pool child is lost.
    retry_on_worker_lost: bool;
    /// Ack when it raised.
    acks_on_failure: bool;
    /// Ack when it ran into its hard time limit.
    acks_on_timeout: bool;
    /// Seconds after which its child is killed.
    time_limit: Seconds;
    /// Seconds after which it is interrupted.
    soft_time_limit: Seconds;
    /// Retries before it fails for good; `"none"` is unlimited.
    max_retries: Option<u32>;
    /// Seconds before a retry that names none.
    default_retry_delay: Seconds;
    /// Exception types that are retried by themselves.
    autoretry_for: Words;
    /// Exception types that are not.
    dont_autoretry_for: Words;
    /// Growing waits for those: a number of seconds, or true for one.
    retry_backoff: BackoffFactor;
    /// Longest of those waits, seconds.
    retry_backoff_max: Seconds;
    /// Draw each wait at random up to the computed one.
    retry_jitter: bool;
    /// Store no result.
    ignore_result: bool;
    /// Store a FAILURE even so.
    store_errors_even_if_ignored: bool;
    /// How often each worker process begins it.
    rate_limit: RateLimit;
    /// Seconds after which a call is not begun any more.
    expires: Seconds;
    /// Store STARTED.
    track_started: bool;
    /// Queue of its calls.
    queue: String;
    /// Form of the bodies of its calls.
    serializer: Serializer;
    /// Compression of the bodies of its calls.
    compression: Compression;
    /// Priority of its calls, 0 to 255.
    priority: u32;
}

impl Annotations {
    /// What is said of a task, the later over the earlier: of each table first `*`, then the task itself.
    pub(crate) fn of(&self, task: &str) -> impl Iterator<Item = &Annotation> {
        self.0.iter().flat_map(move |table| [table.get(ANY), table.get(task)]).flatten()
    }

    /// Reads a table of annotations, or a list of such tables.
    pub(super) fn from_toml(value: &toml::Value) -> Result<Annotations, Expected> {
        let table = |value: &toml::Value| match value.as_table() {
            Some(table) if table.len() <= MAX_ANNOTATIONS => table.iter().map(annotation).collect(),
            Some(_) => Err(format!("at most {MAX_ANNOTATIONS} tasks").into()),
            None => Err("a table, or a list of tables".into()),
        };
        match value {
            toml::Value::Array(tables) => tables.iter().map(table).collect::<Result<_, _>>().map(Annotations),
            value => Ok(Annotations(vec![table(value)?])),
        }
    }
}

fn annotation((task, options): (&String, &toml::Value)) -> Result<(String, Annotation), Expected> {
    let options = options.as_table().ok_or_else(|| format!("{task}: a table of options"))?;
    let mut annotation = Annotation::default();
    for (name, value) in options {
        if !NAMES.contains(&name.as_str()) {
            let meant = nearest(name, NAMES.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
            return Err(format!("{task}: there is no option {name:?}{}", meant.unwrap_or_default()).into());
        }
        let bad = |expected: Expected| format!("{task}: {name} must be {expected}");
        annotation.set(name, value).map_err(bad)?;
        if annotation.priority.is_some_and(|priority| priority > 255) {
            return Err(bad("a whole number, 0 to 255".into()).into());
        }
    }
    Ok((task.clone(), annotation))
}

impl SettingValue for BackoffFactor {
    const EXPECTED: &'static str = "true, false or a number of seconds";
    const FALSE_UNSETS: bool = false;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        match value.as_bool() {
            Some(grows) => Ok(BackoffFactor(f64::from(u8::from(grows)))),
            None => Seconds::from_toml(value).map(BackoffFactor).map_err(|_| Self::EXPECTED.into()),
        }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        self.0.to_toml()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Annotations, Expected> {
        let table: toml::Table = text.parse().expect("TOML");
        Annotations::from_toml(&table["a"])
    }

    #[test]
    fn the_later_one_wins_and_a_name_wins_over_all() {
        let annotations = read(
            "a = [{ 'mail.send' = { rate_limit = '10/m', max_retries = 'none' }, '*' = { rate_limit = '1/s', \
             acks_late = false } }, { 'mail.send' = { retry_backoff = true } }]",
        )
        .expect("annotations");
        let found: Vec<&Annotation> = annotations.of("mail.send").collect();
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].acks_late, found[0].rate_limit), (Some(false), RateLimit::parse("1/s").ok()));
        assert_eq!((found[1].max_retries, found[1].rate_limit), (Some(None), RateLimit::parse("10/m").ok()));
        assert_eq!(found[2].retry_backoff, Some(BackoffFactor(1.0)));
        assert_eq!(annotations.of("other").count(), 1);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_task() {
        for (text, says) in [
            ("a = { t = { rate_limt = '1/s' } }", "t: there is no option \"rate_limt\"; did you mean \"rate_limit\"?"),
            ("a = { t = { acks_late = 'soon' } }", "t: acks_late must be true or false"),
            ("a = { t = { priority = 256 } }", "t: priority must be a whole number, 0 to 255"),
            ("a = { t = { retry_backoff = 'x' } }", "t: retry_backoff must be true, false or a number of seconds"),
            ("a = { t = 1 }", "t: a table of options"),
            ("a = 1", "a table, or a list of tables"),
        ] {
            assert_eq!(read(text), Err(says.into()), "{text}");
        }
    }
}

//! Command tasks from TOML: the setting `command_tasks`, a table of tasks by name.

use super::Command;
use crate::app::TaskOptions;
use crate::settings::RateLimit;
use std::time::Duration;
use toml::{Table, Value};

const KEYS: [&str; 13] = [
    "program",
    "args",
    "env",
    "directory",
    "max_output",
    "time_limit",
    "soft_time_limit",
    "acks_late",
    "ignore_result",
    "rate_limit",
    "queue",
    "max_retries",
    "retry_delay",
];
/// Most command tasks.
const MAX_TASKS: usize = 10_000;
/// Bytes of output that are kept, where nothing is set.
const OUTPUT: usize = 8 << 20;
/// Longest time that is taken for one, seconds: a century.
const LONGEST: f64 = 3_155_760_000.0;

/// A command task that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", path.join("."))]
pub(crate) struct BadCommand {
    /// The task's name and the keys below it.
    pub(crate) path: Vec<String>,
    /// What is wrong, and what was expected.
    pub(crate) message: String,
    /// It is about the last key of the path, and not about its value.
    pub(crate) is_key: bool,
}

impl Command {
    /// Reads a table of command tasks by name.
    ///
    /// # Errors
    ///
    /// The first [`BadCommand`]: an unknown key with the nearest valid one, or a value that can't be used.
    pub(crate) fn all_from_toml(tasks: &Table) -> Result<Vec<Command>, BadCommand> {
        if tasks.len() > MAX_TASKS {
            let message = format!("more than {MAX_TASKS} command tasks");
            return Err(BadCommand { path: Vec::new(), message, is_key: false });
        }
        tasks.iter().map(|(name, value)| Reader::new(name, value)?.command()).collect()
    }
}

struct Reader<'a> {
    name: &'a str,
    table: &'a Table,
}

impl<'a> Reader<'a> {
    fn new(name: &'a str, value: &'a Value) -> Result<Self, BadCommand> {
        let bad = |path: &[&str], message: String, is_key| {
            let path = path.iter().map(|step| (*step).to_owned()).collect();
            BadCommand { path, message, is_key }
        };
        if name.is_empty() {
            return Err(bad(&[name], "a task has a name".to_owned(), true));
        }
        let Some(table) = value.as_table() else {
            return Err(bad(&[name], "must be a table with `program`".to_owned(), false));
        };
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let nearest = crate::text::nearest(unknown, KEYS);
            let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"));
            let message = format!("there is no key {unknown:?}{nearest}\nexpected one of: {}", KEYS.join(", "));
            return Err(bad(&[name, unknown], message, true));
        }
        Ok(Reader { name, table })
    }

    fn bad(&self, key: &str, message: impl Into<String>) -> BadCommand {
        BadCommand { path: vec![self.name.to_owned(), key.to_owned()], message: message.into(), is_key: false }
    }

    /// The value under a key, if there is one, as `read` takes it.
    fn get<T>(&self, key: &str, wants: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, BadCommand> {
        let value =
            self.table.get(key).map(|value| read(value).ok_or_else(|| self.bad(key, format!("must be {wants}"))));
        value.transpose()
    }

    fn text(&self, key: &str) -> Result<Option<String>, BadCommand> {
        self.get(key, "a text", |value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
    }

    fn truth(&self, key: &str) -> Result<Option<bool>, BadCommand> {
        self.get(key, "true or false", Value::as_bool)
    }

    fn seconds(&self, key: &str) -> Result<Option<Duration>, BadCommand> {
        let seconds = |value: &Value| value.as_float().or(value.as_integer().map(|seconds| seconds as f64));
        let in_range = |seconds: &f64| *seconds > 0.0 && *seconds <= LONGEST;
        let read = |value: &Value| seconds(value).filter(in_range).map(Duration::from_secs_f64);
        self.get(key, "a number of seconds above 0", read)
    }

    fn command(&self) -> Result<Command, BadCommand> {
        let missing = || BadCommand {
            path: vec![self.name.to_owned()],
            message: "`program` is missing".to_owned(),
            is_key: false,
        };
        let texts = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|arg| arg.as_str().map(str::to_owned)).collect()
        };
        let variables = |value: &Value| -> Option<Vec<(String, String)>> {
            value.as_table()?.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        };
        let size = |value: &Value| usize::try_from(value.as_integer()?).ok().filter(|size| *size <= 1 << 30);
        Ok(Command {
            name: self.name.into(),
            program: self.text("program")?.ok_or_else(missing)?,
            args: self.get("args", "a list of texts", texts)?.unwrap_or_default(),
            variables: self.get("env", "a table of texts", variables)?.unwrap_or_default(),
            directory: self.text("directory")?,
            max_output: self.get("max_output", "a number of bytes, up to 1 GiB", size)?.unwrap_or(OUTPUT),
            options: self.options()?,
        })
    }

    fn options(&self) -> Result<TaskOptions, BadCommand> {
        let (soft, hard) = (self.seconds("soft_time_limit")?, self.seconds("time_limit")?);
        if soft.zip(hard).is_some_and(|(soft, hard)| soft > hard) {
            return Err(self.bad("soft_time_limit", "must be no more than time_limit"));
        }
        let rate = |value: &Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            RateLimit::parse(&text).ok()
        };
        let retries = self.get("max_retries", "a whole number", |value| u32::try_from(value.as_integer()?).ok())?;
        Ok(TaskOptions {
            time_limit: hard,
            soft_time_limit: soft,
            acks_late: self.truth("acks_late")?,
            ignore_result: self.truth("ignore_result")?,
            rate_limit: self.get("rate_limit", "a rate such as \"10/m\"", rate)?,
            queue: self.text("queue")?,
            autoretry_for: retries.iter().map(|_| "Exception".to_owned()).collect(),
            max_retries: retries.map(Some),
            default_retry_delay: self.seconds("retry_delay")?,
            ..TaskOptions::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Command>, String> {
        Command::all_from_toml(&text.parse().unwrap()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_task_is_a_program_and_whatever_else_is_said_of_it() {
        let tasks =
            read("['reports.build']\nprogram = 'python3'\nargs = ['-m', 'x']\nenv = { A = 'b' }\ntime_limit = 2");
        let tasks = tasks.unwrap();
        assert_eq!((&*tasks[0].name, tasks[0].program.as_str()), ("reports.build", "python3"));
        assert_eq!(tasks[0].args, ["-m", "x"]);
        assert_eq!(tasks[0].options.time_limit, Some(Duration::from_secs(2)));
        assert!(tasks[0].options.autoretry_for.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, says) in [
            ("a = 1", "a: must be a table with `program`"),
            ("[a]\nargs = []", "a: `program` is missing"),
            ("[a]\nprogam = 'x'", "did you mean \"program\"?"),
            ("[a]\nprogram = ''", "a.program: must be a text"),
            ("[a]\nprogram = 'x'\nargs = [1]", "a.args: must be a list of texts"),
            ("[a]\nprogram = 'x'\nenv = { B = 1 }", "a.env: must be a table of texts"),
            ("[a]\nprogram = 'x'\ntime_limit = -1", "a.time_limit: must be a number of seconds above 0"),
            ("[a]\nprogram = 'x'\ntime_limit = 1\nsoft_time_limit = 2", "a.soft_time_limit: must be no more"),
            ("[a]\nprogram = 'x'\nrate_limit = 'often'", "a.rate_limit: must be a rate such as"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

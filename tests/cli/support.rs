//! A directory of its own for each test, and the command in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is gone after the test.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Dir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Dir(path)
    }

    /// A directory with one scenario, `s.toml`.
    pub(crate) fn with(text: &str) -> Dir {
        let dir = Dir::new();
        dir.write("s.toml", text);
        dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a text file")
    }

    /// The command, ready to run in this directory, with no settings from outside. A backtrace would be seen.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simq"));
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command.env_remove("RUST_LOG").env_remove("NO_COLOR").env_remove("REMAP_SIGTERM").env("RUST_BACKTRACE", "1");
        let settings = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("SIMQ_") || name.starts_with("CELERY_")
        });
        for name in settings {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn simq(&self, arguments: &[&str]) -> Said {
        self.simq_with(&[], arguments)
    }

    /// With these variables in its environment.
    pub(crate) fn simq_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        Said::of(command.envs(variables.iter().copied()).output().expect("simq runs"))
    }

    /// The first line of what the command prints; then nobody reads any more. Its exit status, and what it said on
    /// standard error.
    pub(crate) fn first_line(&self, arguments: &[&str]) -> (String, Option<i32>, String) {
        let mut child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("simq runs");
        let mut line = String::new();
        let mut out = BufReader::with_capacity(16, child.stdout.take().expect("standard output"));
        out.read_line(&mut line).expect("a line");
        drop(out);
        let rest = child.wait_with_output().expect("it ends");
        (line, rest.status.code(), String::from_utf8(rest.stderr).expect("simq speaks UTF-8"))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A test may have taken the right to write away.
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.0).output();
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("simq speaks UTF-8");
        Said { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Exit status 2 and one message, which begins with `start`, has all of `parts`, and is no panic.
    #[track_caller]
    pub(crate) fn assert_bad_input(&self, start: &str, parts: &[&str]) {
        assert_eq!(self.status, Some(2), "{self:#?}");
        assert_eq!(self.out, "", "nothing but the message is said");
        assert!(self.err.starts_with(&format!("simq: {start}")), "it should begin with {start:?}\n{}", self.err);
        assert_eq!(self.err.matches("simq: ").count(), 1, "one message\n{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "it should say {part:?}\n{}", self.err);
        }
        for part in ["panicked", "stack backtrace", "RUST_BACKTRACE", "\u{1b}"] {
            assert!(!self.err.contains(part), "{}", self.err);
        }
        assert!(self.err.len() < 4_000, "a message, not {} bytes", self.err.len());
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) -> &Said {
        assert_eq!(self.status, Some(status), "{self:#?}");
        self
    }

    /// Reports as JSON, one a line.
    #[track_caller]
    pub(crate) fn reports(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// A scenario that passes.
pub(crate) const GOOD: &str = r#"
[workers.w]
count = 2
concurrency = 2

[tasks.t]
takes = "1s..3s"

[[workload]]
task = "t"
count = 8
every = "200ms"

[[fault]]
do = "kill"
process = "w1"
at = "1s"
restart_after = "1s"

[expect]
lost = 0
succeeded = 8
"#;

/// One that fails: nothing of it is wrong but what it expects.
pub(crate) fn failing() -> String {
    GOOD.replace("lost = 0", "lost = 3")
}

pub(crate) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

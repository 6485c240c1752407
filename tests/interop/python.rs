//! Python processes: a driver that runs expressions, and Celery workers. They end with the value that stands for them.

use crate::site::Site;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A process that says nothing for so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What `proj.py` is told: the servers, and these settings.
pub(crate) fn settings(site: &Site, more: Value) -> Value {
    let mut settings = json!({
        "broker_url": site.broker(), "result_backend": site.results(), "broker_connection_retry_on_startup": true,
        "worker_hijack_root_logger": false,
    });
    for (name, value) in more.as_object().expect("settings") {
        settings[name] = value.clone();
    }
    settings
}

struct Process {
    child: Child,
    name: String,
    said: Arc<Said>,
}

/// All that a process has written.
#[derive(Default)]
struct Said {
    text: Mutex<String>,
    more: Condvar,
}

impl Said {
    fn keep(self: Arc<Self>, from: impl Read + Send + 'static) {
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let mut text = self.text.lock().expect("no panic");
                text.push_str(&line);
                text.push('\n');
                self.more.notify_all();
            }
        });
    }
}

impl Process {
    fn start(name: &str, settings: &Value, args: &[&str]) -> (Process, ChildStdin, std::process::ChildStdout) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join(".venv/bin/python");
        assert!(python.exists(), "{} is missing: run scripts/setup", python.display());
        let mut command = Command::new(python);
        command.args(args).current_dir(root.join("tests/interop"));
        command.env("PROJ", settings.to_string()).env("C_FORCE_ROOT", "1").env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("python starts");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let said = Arc::new(Said::default());
        said.clone().keep(child.stderr.take().expect("a pipe"));
        (Process { child, name: name.to_owned(), said }, input, output)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let text = self.said.text.lock().map(|text| text.clone()).unwrap_or_default();
            eprintln!("-- {} said:\n{text}", self.name);
        }
    }
}

/// A Python program with the application.
pub(crate) struct Driver {
    _process: Process,
    input: ChildStdin,
    answers: Receiver<String>,
}

/// What a Python expression raised.
#[derive(Debug)]
pub(crate) struct Raised(pub(crate) Value);

impl Driver {
    pub(crate) fn start(settings: &Value) -> Driver {
        let (process, input, output) = Process::start("the driver", settings, &["-u", "driver.py"]);
        let (told, answers) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| told.send(line))
        });
        Driver { _process: process, input, answers }
    }

    /// The value of an expression, or what it raised.
    pub(crate) fn ask(&mut self, expression: &str) -> Result<Value, Raised> {
        writeln!(self.input, "{}", Value::from(expression)).expect("the driver reads");
        let answer = self.answers.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
        match answer.get_mut("raised") {
            Some(raised) => Err(Raised(raised.take())),
            None => Ok(answer["value"].take()),
        }
    }

    /// The value of an expression that raises nothing.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        self.ask(expression).unwrap_or_else(|Raised(raised)| panic!("{expression}: {}", raised["text"]))
    }
}

/// A Celery worker.
pub(crate) struct Worker {
    process: Process,
}

impl Worker {
    /// One that is ready, with the solo pool.
    pub(crate) fn start(settings: &Value, queues: &str) -> Worker {
        Worker::start_with(settings, queues, &["-P", "solo"])
    }

    /// All that it has written.
    pub(crate) fn said(&self) -> String {
        self.process.said.text.lock().expect("no panic").clone()
    }

    pub(crate) fn start_with(settings: &Value, queues: &str, options: &[&str]) -> Worker {
        let mut args = vec!["-u", "-m", "celery", "-A", "proj", "worker", "-l", "INFO", "-n", "py@%h", "-Q", queues];
        args.extend(["--without-mingle", "--without-gossip"]);
        args.extend(options);
        let (process, _, output) = Process::start("the Python worker", settings, &args);
        process.said.clone().keep(output);
        let worker = Worker { process };
        worker.wait_for(" ready.");
        worker
    }

    /// Waits until it has written this.
    pub(crate) fn wait_for(&self, what: &str) {
        let text = self.process.said.text.lock().expect("no panic");
        let (text, waited) =
            self.process.said.more.wait_timeout_while(text, PATIENCE, |text| !text.contains(what)).expect("no panic");
        let late = waited.timed_out();
        drop(text);
        assert!(!late, "the Python worker has not said {what:?}");
    }

    pub(crate) fn kill(mut self) {
        self.process.child.kill().expect("it lives");
        self.process.child.wait().expect("it ends");
    }
}

//! The commands that work on a real Redis: processes that run beside the test, and what is seen of them.

use super::servers::Redis;
use super::support::{Dir, Said};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing here takes longer, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it takes too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server, and a directory to work in.
pub(crate) struct Shop {
    pub(crate) redis: Redis,
    pub(crate) dir: Dir,
}

impl Shop {
    pub(crate) fn new() -> Shop {
        Shop::with_server(&[])
    }

    pub(crate) fn with_server(options: &[&str]) -> Shop {
        Shop { redis: Redis::start_with(options), dir: Dir::new() }
    }

    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        [("CELERY_BROKER_URL", self.redis.url(0)), ("CELERY_RESULT_BACKEND", self.redis.url(1))]
    }

    /// A command that is done by itself.
    pub(crate) fn simq(&self, arguments: &[&str]) -> Said {
        let mut command = self.dir.command(arguments);
        Said::of(command.envs(self.variables()).output().expect("simq runs"))
    }

    /// Sends a call and returns its id.
    #[track_caller]
    pub(crate) fn call(&self, arguments: &[&str]) -> String {
        let said = self.simq(&[&["call"], arguments].concat());
        said.assert_status(0).out.trim().to_owned()
    }

    /// Starts a process that is told to end, and waits until it says that it is connected.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        let process = self.start_at_once(arguments);
        until("it connects", || process.log().contains("connected broker=redis://"));
        process
    }

    pub(crate) fn start_at_once(&self, arguments: &[&str]) -> Process {
        let mut command = self.dir.command(arguments);
        command.envs(self.variables()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("simq runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (written, stderr) = (log.clone(), child.stderr.take().expect("standard error"));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                *written.lock().expect("a log") += &format!("{line}\n");
            }
        });
        Process { child, log, reader: Some(reader) }
    }

    /// The state of a task.
    pub(crate) fn state(&self, id: &str) -> String {
        let said = self.simq(&["result", id]);
        let state = said.out.lines().find_map(|line| line.strip_prefix("state "));
        state.map(|state| state.trim().to_owned()).unwrap_or_default()
    }
}

/// A process that lives until it is told to end.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("a log").clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let done = std::process::Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }

    /// Its exit status, what it printed, and its log.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Said {
        let mut status = None;
        until("it ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        let mut out = String::new();
        self.child.stdout.take().expect("standard output").read_to_string(&mut out).expect("simq speaks UTF-8");
        self.reader.take().into_iter().for_each(|reader| reader.join().expect("a log"));
        Said { status: status.and_then(|status| status.code()), out, err: self.log() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Real servers for tests: private, on a free port of the loopback, stopped with the value that stands for them.
#![allow(dead_code, unused_imports, reason = "each test uses some of it")]

mod rabbit;

pub(crate) use rabbit::Rabbit;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A `redis-server` of this test's own.
pub(crate) struct Redis {
    /// `None`: another process has started it.
    child: Option<(Child, TempDir)>,
    pub(crate) port: u16,
}

impl Redis {
    pub(crate) fn start() -> Redis {
        Redis::start_with(&[])
    }

    /// With more options, as `redis-server` takes them.
    pub(crate) fn start_with(options: &[&str]) -> Redis {
        for _ in 0..20 {
            let port = free_port();
            let directory = TempDir::new().expect("a directory");
            let mut command = Command::new("redis-server");
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
            command.arg("--dir").arg(directory.path()).args(options);
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let child = child.expect("redis-server is needed: scripts/test installs it (apt-get install redis-server)");
            let mut redis = Redis { child: Some((child, directory)), port };
            if redis.answers() {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// One that another process has started, and stops.
    pub(crate) fn at(port: u16) -> Redis {
        Redis { child: None, port }
    }

    fn is_up(&mut self) -> bool {
        self.child.as_mut().is_some_and(|(child, _)| matches!(child.try_wait(), Ok(None)))
    }

    fn answers(&mut self) -> bool {
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                // Somebody else's, if ours has ended because the port was taken.
                std::thread::sleep(Duration::from_millis(20));
                return self.is_up();
            }
            if !self.is_up() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub(crate) fn url(&self, database: u32) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    /// A connection of the test's own.
    pub(crate) fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(self.url(0)).expect("a URL");
        client.get_connection().expect("redis answers")
    }

    /// Stops answering, as a machine that hangs.
    pub(crate) fn signal(&self, signal: &str) {
        let (child, _) = self.child.as_ref().expect("this test's own");
        let done = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

//! A real `redis-server` of our own, and raw connections to it.

use crate::redis_real::resp::parse;
use simq_sim::redis::Value;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a reply may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct RealRedis {
    child: Child,
    folder: tempfile::TempDir,
}

impl RealRedis {
    /// Listens on a socket in a folder of its own, and on no port.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("socket");
        let child = Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--enable-debug-command",
                "local",
                "--unixsocket",
            ])
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is not installed: apt-get install redis-server (scripts/test does it)");
        let server = RealRedis { child, folder };
        let begin = Instant::now();
        while UnixStream::connect(server.socket()).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        // Else it removes expired keys at times of its own.
        server.connect().ask(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        server
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub(crate) fn connect(&self) -> Connection {
        let stream = UnixStream::connect(self.socket()).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Connection { stream, buffer: Vec::new(), parsed: VecDeque::new() }
    }
}

impl Drop for RealRedis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Connection {
    stream: UnixStream,
    buffer: Vec<u8>,
    parsed: VecDeque<Value>,
}

impl Connection {
    pub(crate) fn send(&mut self, args: &[Vec<u8>]) {
        let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
        for arg in args {
            bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
            bytes.extend_from_slice(arg);
            bytes.extend_from_slice(b"\r\n");
        }
        self.stream.write_all(&bytes).expect("the server takes commands");
    }

    /// The next reply, unless none comes.
    pub(crate) fn receive(&mut self) -> Option<Value> {
        loop {
            if !self.parsed.is_empty() {
                return self.parsed.pop_front();
            }
            if let Some((values, used)) = parse(&self.buffer) {
                self.buffer.drain(..used);
                self.parsed.extend(values);
                continue;
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }

    pub(crate) fn ask(&mut self, words: &[&str]) -> Value {
        self.send(&words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        self.receive().expect("a reply")
    }

    /// A reply that nobody expects, if one is here already.
    pub(crate) fn stray(&mut self) -> Option<Value> {
        self.stream.set_nonblocking(true).expect("a socket");
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        self.stream.set_nonblocking(false).expect("a socket");
        self.parsed.front().cloned().or_else(|| parse(&self.buffer)?.0.into_iter().next())
    }
}

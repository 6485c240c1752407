//! A real `redis-server` of our own, and raw connections to it.

use simq_sim::redis::{Value, error_value};
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
        Connection { stream, buffer: Vec::new() }
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
            if let Some((value, used)) = parse(&self.buffer) {
                self.buffer.drain(..used);
                return Some(value);
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
        parse(&self.buffer).map(|(value, _)| value)
    }
}

/// A value of RESP2 at the beginning of `bytes`, if all of it is there, and its length.
fn parse(bytes: &[u8]) -> Option<(Value, usize)> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let line = String::from_utf8_lossy(&bytes[1..end]).into_owned();
    let mut used = end + 2;
    let number = || line.parse::<i64>().expect("a number");
    let value = match bytes[0] {
        b'+' if line == "OK" => Value::Okay,
        b'+' => Value::SimpleString(line),
        b'-' => error_value(&line),
        b':' => Value::Int(number()),
        b'$' | b'*' if number() < 0 => Value::Nil,
        b'$' => {
            let len = usize::try_from(number()).expect("a length");
            let text = bytes.get(used..used + len)?.to_vec();
            bytes.get(used + len + 1)?;
            used += len + 2;
            Value::BulkString(text)
        }
        b'*' => {
            let mut items = Vec::new();
            for _ in 0..number() {
                let (item, more) = parse(&bytes[used..])?;
                items.push(item);
                used += more;
            }
            Value::Array(items)
        }
        other => panic!("not RESP2: {other}"),
    };
    Some((value, used))
}

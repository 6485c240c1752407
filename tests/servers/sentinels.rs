//! A master, its replica, and three Sentinels that watch them.

use super::servers::{Redis, free_port};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The name that the Sentinels know the master under.
pub(crate) const NAME: &str = "tasks";
/// Longest wait for servers to find each other.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Watched {
    master: Option<Redis>,
    _replica: Redis,
    ports: Vec<u16>,
    children: Vec<Child>,
    _directory: TempDir,
}

impl Watched {
    /// Sentinels with this password.
    pub(crate) fn start(password: &str) -> Watched {
        let master = Redis::start();
        let replica = Redis::start_with(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
        until("the replica is there", || said(master.port, None, &["INFO", "replication"]).contains("state=online"));
        let directory = TempDir::new().expect("a directory");
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let children = ports.iter().map(|port| {
            let file = directory.path().join(format!("{port}.conf"));
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nrequirepass {password}\nsentinel sentinel-pass {password}\n\
                 sentinel monitor {NAME} 127.0.0.1 {} 2\nsentinel down-after-milliseconds {NAME} 700\n\
                 sentinel failover-timeout {NAME} 3000\n",
                directory.path().display(),
                master.port,
            );
            std::fs::write(&file, text).expect("written");
            let mut command = Command::new("redis-server");
            command.arg(&file).arg("--sentinel").stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("redis-server runs")
        });
        let children = children.collect();
        let watched = Watched { master: Some(master), _replica: replica, ports, children, _directory: directory };
        for port in &watched.ports {
            until("the Sentinels know each other and the replica", || {
                let known = said(*port, Some(password), &["SENTINEL", "MASTER", NAME]);
                known.contains("num-other-sentinels: 2") && known.contains("num-slaves: 1")
            });
        }
        watched
    }

    pub(crate) fn url(&self, database: u32) -> String {
        let sentinels: Vec<String> = self.ports.iter().map(|port| format!("sentinel://127.0.0.1:{port}")).collect();
        format!("{}/{database}", sentinels.join(";"))
    }

    /// Waits until the replica has what the master has.
    pub(crate) fn replicate(&self) {
        let port = self.master.as_ref().expect("it lives").port;
        assert_eq!(said(port, None, &["WAIT", "1", "5000"]), "1");
    }

    pub(crate) fn kill_master(&mut self) {
        self.master = None;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < PATIENCE, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What a server answers, as text; nothing where it does not.
fn said(port: u16, password: Option<&str>, command: &[&str]) -> String {
    let login = password.map(|password| format!(":{password}@")).unwrap_or_default();
    let client = redis::Client::open(format!("redis://{login}127.0.0.1:{port}/")).expect("a URL");
    let Ok(mut connection) = client.get_connection() else { return String::new() };
    let mut asked = redis::cmd(command[0]);
    asked.arg(&command[1..]);
    match asked.query::<redis::Value>(&mut connection) {
        Ok(redis::Value::Array(fields)) => {
            let fields: Vec<String> =
                fields.iter().map(|field| redis::from_redis_value_ref(field).unwrap_or_default()).collect();
            fields.chunks(2).map(|pair| pair.join(": ")).collect::<Vec<_>>().join("\n")
        }
        Ok(redis::Value::Int(number)) => number.to_string(),
        Ok(other) => redis::from_redis_value_ref(&other).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

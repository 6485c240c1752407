//! A RabbitMQ node with its own name, ports, directories and port mapper.

use super::free_port;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Where the package puts the programs that its wrappers start as another user.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// A node of this test's own.
pub(crate) struct Rabbit {
    child: Child,
    mapper: Child,
    pub(crate) port: u16,
    environment: Vec<(&'static str, String)>,
    _directory: TempDir,
}

impl Rabbit {
    pub(crate) fn start() -> Rabbit {
        for _ in 0..5 {
            let directory = TempDir::new().expect("a directory");
            let (port, distribution, mapping) = (free_port(), free_port(), free_port());
            let path = |name: &str| directory.path().join(name).display().to_string();
            let environment = vec![
                ("RABBITMQ_NODENAME", format!("simq-{port}@localhost")),
                ("RABBITMQ_NODE_PORT", port.to_string()),
                ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
                ("RABBITMQ_DIST_PORT", distribution.to_string()),
                ("RABBITMQ_MNESIA_BASE", path("mnesia")),
                ("RABBITMQ_LOG_BASE", path("log")),
                ("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins")),
                ("RABBITMQ_CONF_ENV_FILE", path("none")),
                ("RABBITMQ_CONFIG_FILE", path("rabbitmq")),
                ("RABBITMQ_PID_FILE", path("pid")),
                ("RABBITMQ_SERVER_START_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}".to_owned()),
                ("ERL_EPMD_PORT", mapping.to_string()),
                ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
                ("HOME", directory.path().display().to_string()),
            ];
            let mapper = Command::new("epmd").args(["-port", &mapping.to_string(), "-address", "127.0.0.1"]).spawn();
            let mapper = mapper.expect("epmd comes with rabbitmq-server: scripts/test installs it");
            let child = Command::new(program("rabbitmq-server"))
                .envs(environment.iter().cloned())
                .process_group(0)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("rabbitmq-server is needed: scripts/test installs it (apt-get install rabbitmq-server)");
            let mut rabbit = Rabbit { child, mapper, port, environment, _directory: directory };
            if rabbit.answers() {
                return rabbit;
            }
        }
        panic!("rabbitmq-server does not start");
    }

    /// A node listens when it is done with starting.
    fn answers(&mut self) -> bool {
        for _ in 0..600 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return matches!(self.child.try_wait(), Ok(None));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}//", self.port)
    }

    /// What `rabbitmqctl` says to a command.
    pub(crate) fn control(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("rabbitmqctl"));
        let output = command.arg("-q").args(arguments).envs(self.environment.iter().cloned()).output();
        let output = output.expect("rabbitmqctl runs");
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Columns of `list_queues`, sorted by name.
    pub(crate) fn queues(&self, columns: &[&str]) -> Vec<Vec<String>> {
        let listed = self.control(&[&["list_queues", "--no-table-headers", "name"], columns].concat());
        let mut queues: Vec<Vec<String>> =
            listed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
        queues.sort();
        queues
    }
}

fn program(name: &str) -> PathBuf {
    let packaged = PathBuf::from(PROGRAMS).join(name);
    if packaged.exists() { packaged } else { name.into() }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        // The start script and the node are one group.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
        let _ = self.mapper.kill();
        let _ = self.mapper.wait();
    }
}

//! A RabbitMQ node with its own name, ports, directories and port mapper.

use super::free_port;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Where the package puts the programs that its wrappers start as another user.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// Becomes a node, after its port mapper. Both are killed, and what they wrote is removed, once nobody holds the other end
/// of its input: the process that started it has ended, however it did.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
setsid sh -c 'cat <&3 >/dev/null; kill -KILL "-$1"; rm -rf "$HOME"' cleaner $$ &
exec 3<&-
epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 &
exec "$1"
"#;

/// A node of this test's own.
pub(crate) struct Rabbit {
    child: Child,
    pub(crate) port: u16,
    environment: Vec<(&'static str, String)>,
}

impl Rabbit {
    pub(crate) fn start() -> Rabbit {
        Rabbit::start_with("", "")
    }

    /// With lines of `rabbitmq.conf`, and with plugins, their names separated by commas.
    pub(crate) fn start_with(config: &str, plugins: &str) -> Rabbit {
        for _ in 0..5 {
            let directory = TempDir::new().expect("a directory").keep();
            let (port, distribution, mapping) = (free_port(), free_port(), free_port());
            let path = |name: &str| directory.join(name).display().to_string();
            std::fs::write(directory.join("rabbitmq.conf"), config).expect("written");
            std::fs::write(directory.join("plugins"), format!("[{plugins}].")).expect("written");
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
                ("HOME", directory.display().to_string()),
            ];
            let child = Command::new("sh")
                .args(["-c", SCRIPT, "node"])
                .arg(program("rabbitmq-server"))
                .envs(environment.iter().cloned())
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("sh runs");
            let mut rabbit = Rabbit { child, port, environment };
            if rabbit.answers() {
                return rabbit;
            }
        }
        panic!("rabbitmq-server does not start; scripts/test installs it (apt-get install rabbitmq-server)");
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

    /// Of the node, whose processes are below it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}//", self.port)
    }

    /// The address of another virtual host.
    pub(crate) fn url_of(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.port)
    }

    /// Makes virtual hosts, with all rights for everybody.
    pub(crate) fn make_vhosts(&self, vhosts: &[String]) {
        let names: Vec<String> = vhosts.iter().map(|name| format!("<<{name:?}>>")).collect();
        let all = "<<\".*\">>";
        self.control(&[
            "eval",
            &format!(
                "[begin rabbit_vhost:add(V, <<\"tests\">>), rabbit_auth_backend_internal:set_permissions(\
                 <<\"guest\">>, V, {all}, {all}, {all}, <<\"tests\">>) end || V <- [{}]].",
                names.join(",")
            ),
        ]);
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
        self.list("list_queues", "/", &[&["name"], columns].concat())
    }

    /// Columns of what a command lists in a virtual host, sorted.
    pub(crate) fn list(&self, command: &str, vhost: &str, columns: &[&str]) -> Vec<Vec<String>> {
        let listed = self.control(&[&[command, "--no-table-headers", "-p", vhost], columns].concat());
        let mut rows: Vec<Vec<String>> =
            listed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
        rows.sort();
        rows
    }
}

fn program(name: &str) -> PathBuf {
    let packaged = PathBuf::from(PROGRAMS).join(name);
    if packaged.exists() { packaged } else { name.into() }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

//! Python's Celery, from the project's virtual environment.

use super::simq_arms::Site;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Python with Celery is, and how its worker is run.
pub(super) struct Celery(PathBuf);

/// Celery's pools, and processes of each.
pub(super) const POOLS: [(&str, &[&str], usize); 4] = [
    ("solo", &["-P", "solo"], 1),
    ("two solo", &["-P", "solo"], 2),
    ("prefork 2", &["-P", "prefork", "-c", "2"], 1),
    ("threads 2", &["-P", "threads", "-c", "2"], 1),
];

impl Celery {
    /// `CELERY_PYTHON`, or the one that scripts/setup makes.
    pub(super) fn find() -> Option<Celery> {
        let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
        let python = std::env::var_os("CELERY_PYTHON").map_or_else(own, PathBuf::from);
        let mut probe = Command::new(&python);
        let probe = probe.args(["-c", "import celery, redis"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success()).then_some(Celery(python))
    }

    /// Worker processes with a pool each.
    pub(super) fn workers(&self, site: &Site, pool: &[&str], processes: usize) -> Vec<Command> {
        let worker = |number: usize| {
            let mut command = self.python(site);
            command.args(["-m", "celery", "-A", "celery_app", "worker", "-l", "ERROR", "-n"]);
            command.arg(format!("w{number}@%h")).args(pool);
            command
        };
        (0..processes).map(worker).collect()
    }

    /// celery_app.py as a program: `publish`, `publish-one-producer`, `call`.
    pub(super) fn program(&self, site: &Site, what: &str, tasks: usize) -> Command {
        let mut command = self.python(site);
        command.args(["celery_app.py", what, &tasks.to_string()]);
        command
    }

    fn python(&self, site: &Site) -> Command {
        let mut command = Command::new(&self.0);
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/queues"));
        command.env("BENCH_URL", &site.broker).env("BENCH_RESULTS", &site.results).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("C_FORCE_ROOT", "1");
        command
    }
}

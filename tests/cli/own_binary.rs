//! A binary of somebody's own has the same command line, with its own tasks and over its own settings.

use super::queue::{Shop, until};
use super::support::Said;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program of `examples/command_line.rs`.
fn program() -> PathBuf {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--example", "command_line"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.expect("cargo runs").success());
    let folder = Path::new(env!("CARGO_BIN_EXE_simq")).parent().expect("a folder");
    folder.join("examples/command_line")
}

#[test]
fn it_runs_its_tasks_from_the_queue_that_its_code_names() {
    let (shop, program) = (Shop::new(), program());
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).envs(shop.variables()).current_dir(shop.dir.path("")).stdin(Stdio::null());
        command
    };
    let said = |arguments: &[&str]| Said::of(command(arguments).output().expect("it runs"));
    shop.dir.write("simq.toml", "[command_tasks.own]\nprogram = 'cat'\n");
    let mut worker = command(&["worker", "--config", "simq.toml"]);
    let mut worker = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let total = said(&["call", "shop.total", "--args", "[[1.5, 2]]", "--wait"]);
    assert_eq!(total.assert_status(0).out, "3.5\n");
    let own = said(&["call", "own", "--config", "simq.toml", "--wait"]);
    assert_eq!(own.assert_status(0).out, "{\"args\":[],\"kwargs\":{}}\n");
    let config = said(&["config", "--changed", "task_default_queue"]);
    assert_eq!(config.assert_status(0).out, "task_default_queue = \"shop\"  # the application\n");
    let config = said(&["config", "task_default_queue", "task_acks_late", "--set", "task_default_queue=x"]);
    assert!(config.out.contains("\"x\"") && config.out.contains("# flag --set"), "{}", config.out);
    assert!(said(&["--help"]).out.contains("Usage: command_line <COMMAND>"));
    let stopped = Command::new("kill").arg(worker.id().to_string()).status();
    assert!(stopped.expect("kill runs").success());
    until("it ends", || worker.try_wait().expect("a child").is_some_and(|status| status.success()));
}

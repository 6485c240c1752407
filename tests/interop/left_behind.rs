//! A worker is killed with a message in its hands; the other kind takes it up.

use crate::node::{Node, app, settings, settings_at};
use crate::python::{self, Driver, Worker};
use crate::site::{Arm, Site, on_both};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, TaskContext};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

on_both! {
    simq_takes_up_what_a_killed_python_worker_held,
    python_takes_up_what_a_killed_simq_worker_held,
}

const BROKER: &str = "SIMQ_INTEROP_BROKER";
const RESULTS: &str = "SIMQ_INTEROP_RESULTS";
const PROFILE: &str = "SIMQ_INTEROP_PROFILE";
/// Seconds after which a message of a killed worker is delivered again.
const VISIBILITY: f64 = 2.0;

fn options() -> [(&'static str, &'static str); 4] {
    [
        ("broker_transport_options.visibility_timeout", "2"),
        ("broker_transport_options.lease", "2"),
        ("broker_transport_options.unacked_restore_interval", "0.5"),
        ("broker_transport_options.unacked_restore_throttle", "1"),
    ]
}

fn told(site: &Site) -> Value {
    let options =
        json!({ "visibility_timeout": VISIBILITY, "unacked_restore_interval": 0.5, "unacked_restore_throttle": 1 });
    python::settings(site, json!({ "task_acks_late": true, "broker_transport_options": options }))
}

fn simq_takes_up_what_a_killed_python_worker_held(on: Arm) {
    for profile in [Profile::Safe, Profile::Celery] {
        let site = on.site();
        let told = told(&site);
        let worker = Worker::start(&told, "celery");
        let mut python = Driver::start(&told);
        let id = python.eval("hang.delay().id");
        worker.wait_for("received");
        worker.kill();
        let node = Node::start(settings(&site, profile, &options()));
        let call = node.app.result::<Value>(id.as_str().expect("an id")).expect("it runs");
        assert_eq!(node.get(&call), Ok(json!("simq")), "{profile:?}");
    }
}

/// What is killed: a worker of simq with a task that never ends.
#[test]
#[ignore = "the process that the next test starts"]
fn the_process() {
    let (Ok(broker), Ok(results)) = (std::env::var(BROKER), std::env::var(RESULTS)) else { return };
    let profile = if std::env::var(PROFILE).as_deref() == Ok("celery") { Profile::Celery } else { Profile::Safe };
    let mut settings = settings_at(&broker, &results, profile, &options());
    settings.task_acks_late = true;
    let app = app(settings);
    app.task("proj.hang", |ctx: TaskContext, (): ()| async move {
        ctx.update_state("HANGING", ()).await?;
        ctx.sleep(Duration::from_secs(600)).await;
        Ok(())
    });
    let node = Node::run(app);
    node.block_on(std::future::pending::<()>());
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python_takes_up_what_a_killed_simq_worker_held(on: Arm) {
    for profile in ["safe", "celery"] {
        let site = on.site();
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--exact", "left_behind::the_process", "--ignored", "--nocapture"]);
        child.env(BROKER, site.broker()).env(RESULTS, site.results()).env(PROFILE, profile);
        let child = Killed(child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
        let mut python = Driver::start(&told(&site));
        let call = python.eval("hang.apply_async(task_id='held').id");
        assert_eq!(call, "held");
        let held =
            "next((True for _ in range(400) if AsyncResult('held').state == 'HANGING' or time.sleep(0.05)), False)";
        assert_eq!(python.eval(held), json!(true));
        drop(child);
        let worker = Worker::start(&told(&site), "celery");
        worker.wait_for("proj.hang[held] received");
    }
}

/// Celery's own sweep leaves alone what a live worker of simq holds for longer than the visibility timeout.
#[test]
fn what_a_live_simq_worker_holds_is_left_alone() {
    let site = Arm::Redis.site();
    let _worker = Worker::start(&told(&site), "other");
    let node = Node::start(settings(&site, Profile::Safe, &options()));
    let later = CallOptions { countdown: Some(Duration::from_secs(6)), ..CallOptions::default() };
    let call = node.call("proj.retry_once", json!([0.0]), later);
    assert_eq!(node.get(&call), Ok(json!(1)));
    let left: Vec<String> = redis::cmd("KEYS").arg("celery*").query(&mut site.redis.connection()).expect("keys");
    assert!(left.is_empty(), "{left:?}");
}

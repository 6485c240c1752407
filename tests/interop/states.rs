//! States on the way, revokes, and results that are forgotten.

use crate::node::{Node, SOON, settings, to_python};
use crate::python::{self, Driver, Raised, Worker};
use crate::site::{Arm, on_both};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, Error, State};
use std::time::Duration;

on_both! {
    python_sees_the_states_of_a_task_in_simq,
    simq_sees_the_states_of_a_task_in_python,
    python_revokes_a_task_that_waits_in_simq,
    simq_revokes_a_task_that_waits_in_python,
}

/// Waits until an expression is true in Python.
fn eventually(python: &mut Driver, expression: &str) {
    let wait = format!("next((True for _ in range(400) if ({expression}) or time.sleep(0.05)), False)");
    assert_eq!(python.eval(&wait), json!(true), "never: {expression}");
}

fn python_sees_the_states_of_a_task_in_simq(on: Arm) {
    let site = on.site();
    let node = Node::start(settings(&site, Profile::Safe, &[("task_track_started", "true")]));
    let mut python = Driver::start(&python::settings(&site, json!({})));
    let call = |python: &mut Driver, task: &str| {
        let id = python.eval(&format!("{task}.id"));
        let id = id.as_str().expect("an id").to_owned();
        (format!("AsyncResult({id:?})"), id)
    };
    let (started, _) = call(&mut python, "who.delay()");
    let (progress, _) = call(&mut python, "progress.delay()");
    let (retry, _) = call(&mut python, "retry_once.delay(1.5)");
    let (spawn, spawned) = call(&mut python, "spawn.delay(4)");
    eventually(
        &mut python,
        &format!("{progress}.state == 'PROGRESS' and {progress}.info == {{'done': 3, 'total': 10}}"),
    );
    eventually(&mut python, &format!("{retry}.state == 'RETRY'"));
    assert_eq!(python.eval(&format!("repr({retry}.result)")), json!("KeyError('k')"));
    assert_eq!(python.eval(&format!("{retry}.get(timeout=20)")), json!(1));
    assert_eq!(python.eval(&format!("{started}.get(timeout=20)[0]")), json!("simq"));
    assert_eq!(python.eval(&format!("{progress}.get(timeout=20)")), json!("done"));
    assert_eq!(python.eval(&format!("{spawn}.get(timeout=20)")), json!(4));
    assert_eq!(python.eval(&format!("[child.get(timeout=20) for child in {spawn}.children]")), json!([8]));
    assert_eq!(python.eval(&format!("({spawn}.forget(), {spawn}.state)[1]")), json!("PENDING"));
    assert_eq!(node.block_on(node.app.result::<Value>(&spawned).expect("it runs").meta()), Ok(None));
}

fn simq_sees_the_states_of_a_task_in_python(on: Arm) {
    let site = on.site();
    let _worker = Worker::start(&python::settings(&site, json!({ "task_track_started": true })), "py");
    let node = Node::start(settings(&site, Profile::Safe, &[]));
    let states = |task: &str, args: Value| {
        let id = format!("followed {task}");
        let call = node.app.result::<Value>(&id).expect("it runs");
        let mut changes = call.changes();
        // What is asked later is answered later: it is being followed.
        assert_eq!(node.block_on(call.state()), Ok(State::Pending));
        node.call(task, args, CallOptions { task_id: Some(id.as_str().into()), ..to_python() });
        node.block_on(async {
            let (mut names, mut results) = (Vec::new(), Vec::new());
            while let Some(meta) = changes.next().await {
                names.push(meta.status());
                results.push(serde_json::from_str::<Value>(meta.result().expect("a meta").get()).expect("JSON"));
            }
            (names, results)
        })
    };
    let (names, results) = states("proj.progress", json!([]));
    assert_eq!(names, ["STARTED", "PROGRESS", "SUCCESS"]);
    assert!(results[0]["pid"].is_u64() && results[0]["hostname"].is_string(), "{results:?}");
    assert_eq!(results[1..], [json!({ "done": 3, "total": 10 }), json!("done")]);
    let (names, results) = states("proj.retry_once", json!([0.2]));
    assert_eq!(names, ["STARTED", "RETRY", "STARTED", "SUCCESS"]);
    assert_eq!(results[1]["exc_type"], "KeyError");
    let (names, results) = states("proj.fail", json!([]));
    assert_eq!(
        (names, &results[1]["exc_message"]),
        (vec!["STARTED".to_owned(), "FAILURE".to_owned()], &json!(["boom", 42]))
    );
}

fn python_revokes_a_task_that_waits_in_simq(on: Arm) {
    for profile in [Profile::Safe, Profile::Celery] {
        let site = on.site();
        let node = Node::start(settings(&site, profile, &[]));
        let mut python = Driver::start(&python::settings(&site, json!({})));
        // It listens when it has run something.
        assert_eq!(python.eval("add.delay(1, 1).get(timeout=20)"), json!(2));
        let id = python.eval("add.apply_async((1, 1), countdown=600).id");
        let id = id.as_str().expect("an id");
        python.eval(&format!("app.control.revoke({id:?})"));
        let Raised(error) = python.ask(&format!("AsyncResult({id:?}).get(timeout=20)")).expect_err("it is revoked");
        assert_eq!(error["type"], "TaskRevokedError", "{profile:?} {error}");
        let seen = node.block_on(node.app.result::<Value>(id).expect("it runs").state());
        assert_eq!(seen, Ok(State::Revoked));
    }
}

fn simq_revokes_a_task_that_waits_in_python(on: Arm) {
    let site = on.site();
    let worker = Worker::start(&python::settings(&site, json!({})), "py");
    let node = Node::start(settings(&site, Profile::Celery, &[]));
    let later = CallOptions { countdown: Some(Duration::from_secs(3)), ..to_python() };
    let call = node.call("proj.note", json!(["python", "ran"]), later);
    worker.wait_for(&format!("proj.note[{}] received", call.id()));
    node.block_on(call.revoke(false)).expect("it is sent");
    assert!(matches!(node.block_on(call.get(SOON)), Err(Error::Revoked(_))));
    worker.wait_for(&format!("Discarding revoked task: proj.note[{}]", call.id()));
    let notes: Vec<String> = redis::cmd("KEYS").arg("notes").query(&mut site.redis.connection()).expect("keys");
    assert!(notes.is_empty());
}

//! Each calls the other's workers, and waits for their results.

use crate::node::{Node, boom, failure, now, settings, to_python};
use crate::python::{self, Driver, Raised, Worker};
use crate::site::{Arm, on_both};
use serde_json::json;
use simq::settings::Profile;
use simq::{CallOptions, Error};
use std::collections::BTreeSet;
use std::time::Duration;

on_both! {
    a_python_program_calls_a_simq_worker,
    simq_calls_a_python_worker,
    simq_calls_a_python_worker_with_processes,
    both_kinds_of_workers_share_a_queue,
    a_result_wakes_its_waiter_at_once,
}

/// A waiter that heard of a result wakes within this, seconds; one that polled would sleep longer.
const AT_ONCE: f64 = 0.5;

fn a_python_program_calls_a_simq_worker(on: Arm) {
    for profile in [Profile::Safe, Profile::Celery] {
        let site = on.site();
        let _node = Node::start(settings(&site, profile, &[]));
        let mut python = Driver::start(&python::settings(&site, json!({})));
        assert_eq!(python.eval("add.delay(2, 3).get(timeout=20)"), json!(5));
        let echoed = python.eval(r#"echo.delay(1, "é", [None, 1.5, float("inf")][:2], k={"a": True}).get(timeout=20)"#);
        assert_eq!(echoed, json!([[1, "é", [null, 1.5]], { "k": { "a": true } }]));
        assert_eq!(python.eval("retry_once.delay(0.1).get(timeout=20)"), json!(1));
        assert_eq!(python.eval("add.apply_async((1, 1), countdown=0.5).get(timeout=20)"), json!(2));
        assert_eq!(python.eval("app.send_task('proj.add', (4, 6)).get(timeout=20)"), json!(10));

        let Raised(error) = python.ask("fail.delay().get(timeout=20)").expect_err("it fails");
        assert_eq!((&error["type"], &error["module"]), (&json!("ValueError"), &json!("builtins")), "{error}");
        assert_eq!(error["args"], json!(["boom", "42"]));
        let traceback = "(lambda call: (call.get(timeout=20, propagate=False), call.traceback)[1])(fail.delay())";
        let traceback = python.eval(traceback);
        assert!(
            traceback.as_str().is_some_and(|text| text.starts_with("Traceback (most recent call last)")),
            "{traceback}"
        );

        let Raised(error) = python.ask("add.apply_async((1, 1), expires=-1).get(timeout=20)").expect_err("too late");
        assert_eq!(error["type"], "TaskRevokedError", "{error}");
        let Raised(error) = python.ask("app.send_task('no.such').get(timeout=20)").expect_err("nobody knows it");
        assert_eq!(error["type"], "NotRegistered", "{profile:?} {error}");
    }
}

fn simq_calls_a_python_worker(on: Arm) {
    let site = on.site();
    let _worker = Worker::start(&python::settings(&site, json!({})), "py");
    let node = Node::start(settings(&site, Profile::Safe, &[]));
    let get = |task: &str, args, options| node.get(&node.call(task, args, options));
    assert_eq!(get("proj.add", json!([2, 3]), to_python()), Ok(json!(5)));
    assert_eq!(get("proj.retry_once", json!([0.1]), to_python()), Ok(json!(1)));
    let later = CallOptions { countdown: Some(Duration::from_millis(500)), ..to_python() };
    assert_eq!(get("proj.add", json!([1, 1]), later), Ok(json!(2)));

    let failed = failure(get("proj.fail", json!([]), to_python()));
    assert_eq!(
        (&failed.exc_type, &failed.message, &failed.module),
        (&boom().exc_type, &boom().message, &boom().module)
    );
    assert!(failed.traceback.is_some_and(|text| text.contains("proj.py")));
    assert_eq!(failure(get("no.such", json!([]), to_python())).exc_type, "NotRegistered");

    let late = CallOptions { expires: Some(Duration::ZERO), ..to_python() };
    assert!(matches!(get("proj.add", json!([1, 1]), late), Err(Error::Revoked(_))));

    let spawned = node.call("proj.spawn", json!([3]), to_python());
    assert_eq!(node.get(&spawned), Ok(json!(3)));
    let meta = node.block_on(spawned.meta()).expect("it is answered").expect("it is stored");
    let [child] = &*meta.children() else { panic!("one child: {:?}", meta.children()) };
    let child = node.app.result::<i64>(child).expect("it runs");
    // Python's task has sent it to the default queue, which simq's worker consumes.
    assert_eq!(node.block_on(child.get(crate::node::SOON)), Ok(6));
    node.block_on(spawned.forget()).expect("it is answered");
    assert_eq!(node.block_on(spawned.meta()), Ok(None));
}

fn simq_calls_a_python_worker_with_processes(on: Arm) {
    let site = on.site();
    let _worker = Worker::start_with(&python::settings(&site, json!({})), "py", &["-P", "prefork", "-c", "2"]);
    let node = Node::start(settings(&site, Profile::Safe, &[]));
    let calls: Vec<_> = (0..20).map(|number| node.call("proj.add", json!([number, 1]), to_python())).collect();
    for (number, call) in calls.iter().enumerate() {
        assert_eq!(node.get(call), Ok(json!(number + 1)));
    }
}

fn both_kinds_of_workers_share_a_queue(on: Arm) {
    let site = on.site();
    let told = python::settings(&site, json!({ "worker_prefetch_multiplier": 1 }));
    let _worker = Worker::start(&told, "celery");
    let node = Node::start(settings(&site, Profile::Safe, &[("worker_prefetch_multiplier", "1")]));
    let mut python = Driver::start(&told);
    let theirs = python.eval("[who.delay().id for _ in range(8)]");
    let ours: Vec<_> = (0..8).map(|_| node.call("proj.who", json!([]), CallOptions::default())).collect();
    let theirs = theirs.as_array().expect("ids").iter().map(|id| node.app.result(id.as_str().expect("an id")));
    let workers: BTreeSet<String> = theirs
        .map(|call| call.expect("it runs"))
        .chain(ours)
        .map(|call| node.get(&call).expect("it is done")[0].to_string())
        .collect();
    assert_eq!(workers.len(), 2, "{workers:?}");
    // A result is stored before its message is acked.
    let acked = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        site.unacked() == 0
    });
    assert!(acked, "{} are unacked", site.unacked());
}

/// Whoever waits is told, and does not look.
fn a_result_wakes_its_waiter_at_once(on: Arm) {
    let site = on.site();
    let told = python::settings(&site, json!({}));
    let _worker = Worker::start(&told, "py");
    let node = Node::start(settings(&site, Profile::Safe, &[]));
    let mut python = Driver::start(&told);
    // The first of each finds cold caches and no connections.
    for warm in [false, true] {
        let late = python.eval("(lambda done: [done[0], time.time() - done[1]])(who.delay().get(timeout=20))");
        assert_eq!(late[0], "simq");
        assert!(!warm || late[1].as_f64().is_some_and(|late| late < AT_ONCE), "{late}");
        let done = node.get(&node.call("proj.who", json!([]), to_python())).expect("it is done");
        let late = now() - done[1].as_f64().expect("a time");
        assert!(!warm || late < AT_ONCE, "{late} s");
    }
}

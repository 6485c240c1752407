//! `rpc://`: results go over the broker, to whoever made the call.

use crate::node::{Node, SOON, boom, failure, now, settings, to_python};
use crate::python::{self, Driver, Raised, Worker};
use crate::site::{Arm, Site, on_both};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, Error, Settings, State};
use std::time::Duration;

on_both! {
    python_hears_from_a_simq_worker,
    simq_hears_from_a_python_worker,
    a_result_is_for_its_caller_only,
}

const RPC: (&str, &str) = ("result_backend", "rpc://");

fn told(site: &Site) -> Value {
    python::settings(site, json!({ "result_backend": "rpc://", "task_track_started": true }))
}

fn ours(site: &Site, profile: Profile) -> Settings {
    settings(site, profile, &[RPC, ("task_track_started", "true")])
}

fn python_hears_from_a_simq_worker(on: Arm) {
    for profile in [Profile::Safe, Profile::Celery] {
        let site = on.site();
        let _node = Node::start(ours(&site, profile));
        let mut python = Driver::start(&told(&site));
        assert_eq!(python.eval("add.delay(2, 3).get(timeout=20)"), json!(5));
        let sums = "(lambda calls: [call.get(timeout=20) for call in calls])([add.delay(n, 1) for n in range(50)])";
        assert_eq!(python.eval(sums), json!((1..=50).collect::<Vec<_>>()));
        assert_eq!(python.eval("retry_once.delay(0.1).get(timeout=20)"), json!(1));
        let Raised(error) = python.ask("fail.delay().get(timeout=20)").expect_err("it fails");
        assert_eq!((&error["type"], &error["args"]), (&json!("ValueError"), &json!(["boom", "42"])), "{error}");
        let Raised(error) = python.ask("app.send_task('no.such').get(timeout=20)").expect_err("nobody knows it");
        assert_eq!(error["type"], "NotRegistered", "{profile:?} {error}");
    }
}

fn simq_hears_from_a_python_worker(on: Arm) {
    let site = on.site();
    let _worker = Worker::start(&told(&site), "py");
    for profile in [Profile::Safe, Profile::Celery] {
        let node = Node::start(ours(&site, profile));
        let calls: Vec<_> = (0..20).map(|number| node.call("proj.add", json!([number, 1]), to_python())).collect();
        for (number, call) in calls.iter().enumerate() {
            assert_eq!(node.get(call), Ok(json!(number + 1)), "{profile:?}");
        }
        assert_eq!(node.get(&node.call("proj.retry_once", json!([0.1]), to_python())), Ok(json!(1)));
        let failed = failure(node.get(&node.call("proj.fail", json!([]), to_python())));
        assert_eq!((failed.exc_type, failed.message), (boom().exc_type, boom().message));
        // Whoever waits is told, and does not look.
        let done = node.get(&node.call("proj.who", json!([]), to_python())).expect("it is done");
        let late = now() - done[1].as_f64().expect("a time");
        assert!(late < 0.5, "{late} s");
        // Python's task calls a task of simq's, and is told by it.
        assert_eq!(node.get(&node.call("proj.spawn", json!([4]), to_python())), Ok(json!(4)));
        let own = node.call("proj.progress", json!([]), to_python());
        let mut states = own.changes();
        let names = node.block_on(async {
            let mut names = Vec::new();
            while let Some(meta) = states.next().await {
                names.push(meta.status());
            }
            names
        });
        assert_eq!(names.last().map(String::as_str), Some("SUCCESS"), "{names:?}");
        node.block_on(own.forget()).expect("it is answered");
        assert_eq!(node.block_on(own.state()), Ok(State::Pending));
    }
}

fn a_result_is_for_its_caller_only(on: Arm) {
    let site = on.site();
    let node = Node::start(ours(&site, Profile::Safe));
    let other = Node::start(ours(&site, Profile::Safe));
    let call = node.call("proj.add", json!([1, 1]), CallOptions::default());
    assert_eq!(node.get(&call), Ok(json!(2)));
    let elsewhere = other.app.result::<Value>(call.id()).expect("it runs");
    assert!(matches!(other.block_on(elsewhere.get(Duration::from_secs(1))), Err(Error::Timeout(_))));
}

/// In Celery's profile the queue of results is what Celery declares.
#[test]
fn the_queue_of_results_is_as_celery_declares_it() {
    let site = Arm::Rabbit.site();
    let queue = |site: &Site, what: &str| {
        let queues = site.list("list_queues", &["name", "durable", "auto_delete", "exclusive", "arguments"]);
        let own: Vec<_> = queues.iter().filter(|queue| queue[0].len() == 36).map(|queue| queue[1..].to_vec()).collect();
        let [own] = &*own else { panic!("{what}: one queue of results: {queues:?}") };
        own.clone()
    };
    let theirs = {
        let _worker = Worker::start(&told(&site), "py");
        let mut python = Driver::start(&told(&site));
        assert_eq!(python.eval("add.apply_async((1, 1), queue='py').get(timeout=20)"), json!(2));
        queue(&site, "Celery")
    };
    let other = Arm::Rabbit.site();
    let node = Node::start(ours(&other, Profile::Celery));
    let call = node.call("proj.add", json!([1, 1]), CallOptions::default());
    assert_eq!(node.block_on(call.get(SOON)), Ok(json!(2)));
    assert_eq!(queue(&other, "simq"), theirs);
}

//! Every serializer and every compression, of messages and of stored results, in both directions.

use crate::node::{Any, Node, SOON, boom, failure, settings, to_python};
use crate::python::{self, Driver, Raised, Worker};
use crate::site::{Arm, on_both};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, Compression, Serializer, State};

on_both! {
    messages_in_every_form_from_python,
    messages_in_every_form_to_python,
}

const ALL: &str = "json,msgpack,yaml,pickle";

fn accept_all() -> Value {
    json!({ "accept_content": ["json", "msgpack", "yaml", "pickle"] })
}

fn combinations() -> impl Iterator<Item = (Serializer, Option<Compression>)> {
    let compressions = Compression::ALL.into_iter().map(Some).chain([None]);
    compressions.flat_map(|compression| Serializer::ALL.map(|serializer| (serializer, compression)))
}

fn name(compression: Option<Compression>) -> Option<String> {
    compression.map(|compression| compression.to_string())
}

fn messages_in_every_form_from_python(on: Arm) {
    let site = on.site();
    let _node = Node::start(settings(&site, Profile::Safe, &[("accept_content", ALL)]));
    let mut python = Driver::start(&python::settings(&site, accept_all()));
    for (serializer, compression) in combinations() {
        let compression = name(compression).map_or("None".to_owned(), |name| format!("{name:?}"));
        let options = format!("serializer='{serializer}', compression={compression}");
        let call = format!(r#"echo.apply_async((1, "é", [None, -1.5, True]), {{"k": {{"a": 2**40}}}}, {options})"#);
        let echoed = python.eval(&format!("{call}.get(timeout=20)"));
        assert_eq!(echoed, json!([[1, "é", [null, -1.5, true]], { "k": { "a": 1_u64 << 40 } }]), "{options}");
    }
}

fn messages_in_every_form_to_python(on: Arm) {
    let site = on.site();
    let _worker = Worker::start(&python::settings(&site, accept_all()), "py");
    let node = Node::start(settings(&site, Profile::Safe, &[]));
    let task = node.app.remote::<Any, Value>("proj.echo");
    for (serializer, compression) in combinations() {
        let (args, kwargs) = (json!([1, "é", [null, -1.5, true]]), json!({ "k": { "a": 1_u64 << 40 } }));
        let options = CallOptions { serializer: Some(serializer), compression, ..to_python() };
        let call =
            node.block_on(task.apply_async(Any(args.clone(), kwargs.clone()), options)).expect("it is published");
        assert_eq!(node.get(&call), Ok(json!([args, kwargs])), "{serializer} {compression:?}");
    }
}

/// Python's side of a form: an application of its own with these settings.
fn other_app(serializer: Serializer, compression: Option<Compression>) -> String {
    let compression = name(compression).map_or("None".to_owned(), |name| format!("{name:?}"));
    format!(
        "globals().update(other=Celery('other', changes=dict(app.conf.changes, result_serializer='{serializer}', \
         result_compression={compression})))"
    )
}

/// Each serializer and each compression once: a process has one form of results.
fn forms_of_results() -> impl Iterator<Item = (Serializer, Option<Compression>)> {
    let compressions = [None].into_iter().chain(Compression::ALL.map(Some));
    Serializer::ALL.into_iter().cycle().zip(compressions)
}

#[test]
fn results_in_every_form() {
    let site = Arm::Redis.site();
    let mut python = Driver::start(&python::settings(&site, accept_all()));
    for (serializer, compression) in forms_of_results() {
        let form = format!("{serializer} {compression:?}");
        let (serializer_name, compression_name) = (serializer.to_string(), name(compression));
        let mut set = vec![("accept_content", ALL), ("result_serializer", &*serializer_name)];
        set.extend(compression_name.as_deref().map(|name| ("result_compression", name)));
        let node = Node::start(settings(&site, Profile::Safe, &set));
        python.eval(&other_app(serializer, compression));

        // Written by simq, read by Python.
        let value = json!(["é", { "a": [1.5, null, true] }]);
        let call = node.call("proj.echo", value.clone(), CallOptions::default());
        assert_eq!(node.get(&call), Ok(json!([value, {}])), "{form}");
        let read = |id: &str| format!("AsyncResult({id:?}, app=other).get(timeout=20)");
        assert_eq!(python.eval(&read(call.id())), json!([value, {}]), "{form}");
        let call = node.call("proj.fail", json!([]), CallOptions::default());
        let Raised(error) = python.ask(&read(call.id())).expect_err("it fails");
        assert_eq!((&error["type"], &error["args"]), (&json!("ValueError"), &json!(["boom", "42"])), "{form}");

        // Written by Python, read by simq.
        python.eval(&format!("other.backend.store_result('{form}', ['é', {{'a': [1.5, None]}}], 'SUCCESS')"));
        let stored = node.app.result::<Value>(&form).expect("it runs");
        assert_eq!(node.get(&stored), Ok(json!(["é", { "a": [1.5, null] }])), "{form}");
        // A success stays, whoever stores less.
        let options = CallOptions { task_id: Some(form.as_str().into()), ..CallOptions::default() };
        let again = node.call("proj.fail", json!([]), options);
        let ran = node.call("proj.add", json!([1, 1]), CallOptions::default());
        assert_eq!((node.get(&ran), node.block_on(again.state())), (Ok(json!(2)), Ok(State::Success)), "{form}");
    }
}

#[test]
fn failures_of_python_in_every_form() {
    let site = Arm::Redis.site();
    let mut python = Driver::start(&python::settings(&site, accept_all()));
    // Set to none of them: each form is known by how it begins.
    let node = Node::start(settings(&site, Profile::Safe, &[("result_accept_content", ALL)]));
    for (serializer, compression) in combinations() {
        let form = format!("failure {serializer} {compression:?}");
        python.eval(&other_app(serializer, compression));
        python.eval(&format!("other.backend.mark_as_failure('{form}', ValueError('boom', 42), traceback='Traceback')"));
        let failed = failure(node.get(&node.app.result::<Value>(&form).expect("it runs")));
        assert_eq!((failed.exc_type, failed.message), (boom().exc_type, boom().message), "{form}");
    }
}

#[test]
fn a_form_that_is_not_accepted_is_an_error_and_no_wait() {
    let site = Arm::Redis.site();
    let mut python = Driver::start(&python::settings(&site, accept_all()));
    let node = Node::start(settings(&site, Profile::Safe, &[]));
    python.eval(&other_app(Serializer::Pickle, None));
    python.eval("other.backend.store_result('pickled', 1, 'SUCCESS')");
    let failed = failure(node.block_on(node.app.result::<Value>("pickled").expect("it runs").get(SOON)));
    assert_eq!((&*failed.exc_type, &*failed.module), ("ContentDisallowed", "kombu.exceptions"));
}

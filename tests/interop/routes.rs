//! Where messages go: priorities, exchanges, broadcasts, prefixes, databases.

use crate::node::{Any, Node, SOON, app, settings, to_python};
use crate::python::{self, Driver, Worker};
use crate::site::{Arm, Site, on_both};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, Settings, TaskContext};
use std::sync::{Arc, Mutex};
use std::time::Duration;

on_both! {
    the_most_urgent_comes_first_whoever_sends_it,
    exchanges_lead_where_the_other_has_bound_them,
    a_broadcast_reaches_the_workers_of_both,
}

/// What tasks have noted, in their order.
fn notes(site: &Site, database: i64, count: usize) -> Vec<String> {
    let mut connection = site.redis.connection();
    redis::cmd("SELECT").arg(database).exec(&mut connection).expect("a database");
    for _ in 0..600 {
        let notes: Vec<String> =
            redis::cmd("LRANGE").arg("notes").arg(0).arg(-1).query(&mut connection).expect("notes");
        if notes.len() >= count {
            return notes;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not noted");
}

/// A node whose `proj.note` keeps its notes here.
fn noting(settings: Settings) -> (Node, Arc<Mutex<Vec<String>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let app = app(settings);
    let kept = notes.clone();
    app.task("proj.note", move |_: TaskContext, Any(args, _): Any| {
        let kept = kept.clone();
        async move {
            kept.lock().expect("no panic").push(format!("simq {}", args[1].as_str().unwrap_or_default()));
            Ok(Value::Null)
        }
    });
    (Node::run(app), notes)
}

fn the_most_urgent_comes_first_whoever_sends_it(on: Arm) {
    let site = on.site();
    // Redis takes 0 for the most urgent and has four steps; RabbitMQ takes the highest, on queues declared for it.
    let (ours, theirs, order): (&[_], _, _) = match on {
        Arm::Redis => (&[], json!({}), [0, 5, 3, 6, 9]),
        Arm::Rabbit => (&[("task_queue_max_priority", "9")], json!({ "task_queue_max_priority": 9 }), [9, 6, 5, 3, 0]),
    };
    let order = |who: &str| order.map(|priority| format!("{who} {priority}"));
    let theirs = python::settings(&site, theirs);
    let mut python = Driver::start(&theirs);
    let sent = "[note.apply_async(('', str(p)), priority=p).id for p in (9, 5, 0, 3, 6)]";
    let ids = python.eval(sent);
    let (node, notes) = noting(settings(&site, Profile::Safe, ours));
    for id in ids.as_array().expect("ids") {
        let call = node.app.result::<Value>(id.as_str().expect("an id")).expect("it runs");
        assert_eq!(node.get(&call), Ok(Value::Null));
    }
    assert_eq!(*notes.lock().expect("no panic"), order("simq"));

    for priority in [9, 5, 0, 3, 6] {
        let options = CallOptions { priority: Some(priority), ..to_python() };
        node.call("proj.note", json!(["python", priority.to_string()]), options);
    }
    let _worker = Worker::start(&theirs, "py");
    assert_eq!(self::notes(&site, 1, 5), order("python"));
}

fn queues(settings: &mut Settings, toml: &str) {
    let table: toml::Table = toml.parse().expect("TOML");
    settings.set_all(&table).expect("settings");
}

fn exchanges_lead_where_the_other_has_bound_them(on: Arm) {
    let site = on.site();
    let told = json!({ "queues": [["films", "media", "topic", "film.*"], ["py", "desk", "direct", "letter"]] });
    let _worker = Worker::start(&python::settings(&site, told), "films,py");
    let mut ours = settings(&site, Profile::Safe, &[]);
    let table = r##"
        [task_queues.songs]
        exchange = "media"
        exchange_type = "topic"
        routing_key = "song.#"
        [task_queues.mail]
        exchange = "desk"
        routing_key = "parcel"
    "##;
    queues(&mut ours, table);
    let node = Node::start(ours);
    let told = json!({ "queues": [["x", "media", "topic", "none"], ["y", "desk", "direct", "none"]] });
    let mut python = Driver::start(&python::settings(&site, told));
    // Bound when it is consumed from.
    let own = CallOptions { queue: Some("mail".to_owned()), ..CallOptions::default() };
    assert_eq!(node.get(&node.call("proj.who", json!([]), own)).expect("it is done")[0], "simq");
    for (exchange, key, who) in [
        ("media", "film.noir", "python"),
        ("media", "song.of.joy", "simq"),
        ("desk", "letter", "python"),
        ("desk", "parcel", "simq"),
    ] {
        // Python takes an exchange for a direct one unless it has declared it itself.
        let declared = "declare=[queue.exchange for queue in app.conf.task_queues]";
        let call =
            format!("who.apply_async(exchange='{exchange}', routing_key='{key}', {declared}).get(timeout=20)[0]");
        assert_eq!(python.eval(&call), json!(who), "{exchange} {key}");
        let options =
            CallOptions { exchange: Some(exchange.into()), routing_key: Some(key.into()), ..CallOptions::default() };
        assert_eq!(
            node.get(&node.call("proj.who", json!([]), options)).expect("it is done")[0],
            who,
            "{exchange} {key}"
        );
    }
}

fn a_broadcast_reaches_the_workers_of_both(on: Arm) {
    let site = on.site();
    let told = python::settings(&site, json!({ "broadcast": "news" }));
    let _worker = Worker::start(&told, "news");
    let mut ours = settings(&site, Profile::Safe, &[]);
    queues(&mut ours, "[task_queues.news]\nbroadcast = true\n[task_queues.celery]");
    let (node, notes) = noting(ours);
    let call = node.call(
        "proj.add",
        json!([1, 1]),
        CallOptions { queue: Some("celery".to_owned()), ..CallOptions::default() },
    );
    assert_eq!(node.get(&call), Ok(json!(2)));
    let options = CallOptions { queue: Some("news".to_owned()), ..CallOptions::default() };
    node.call("proj.note", json!(["python", "told by simq"]), options);
    assert_eq!(self::notes(&site, 1, 1), ["python told by simq"]);
    for _ in 0..600 {
        if !notes.lock().expect("no panic").is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(*notes.lock().expect("no panic"), ["simq told by simq"]);
}

#[test]
fn prefixes_separators_and_databases_are_shared() {
    let site = Arm::Redis.site();
    let (broker, store) = (site.redis.url(3), site.redis.url(7));
    let ours = [
        ("broker_url", &*broker),
        ("result_backend", &*store),
        ("broker_transport_options.global_keyprefix", "shop:"),
        ("broker_transport_options.sep", ":"),
        ("result_backend_transport_options.global_keyprefix", "shop"),
    ];
    let told = json!({
        "broker_url": broker, "result_backend": store,
        "broker_transport_options": { "global_keyprefix": "shop:", "sep": ":" },
        "result_backend_transport_options": { "global_keyprefix": "shop" },
    });
    let told = python::settings(&site, told);
    let _worker = Worker::start(&told, "py");
    let mut python = Driver::start(&told);
    let node = Node::start(settings(&site, Profile::Safe, &ours));
    assert_eq!(python.eval("who.apply_async(priority=6).get(timeout=20)[0]"), json!("simq"));
    let urgent = CallOptions { priority: Some(6), ..to_python() };
    assert_eq!(node.get(&node.call("proj.who", json!([]), urgent)).expect("it is done")[0], "python");
    let call =
        node.call("proj.add", json!([1, 1]), CallOptions { countdown: Some(Duration::from_secs(600)), ..to_python() });
    python.eval(&format!("app.control.revoke({:?})", call.id()));
    assert!(matches!(node.block_on(call.get(SOON)), Err(simq::Error::Revoked(_))));
    for (database, prefix) in [(3, "shop:"), (7, "shop_celery-task-meta-")] {
        let mut connection = site.redis.connection();
        redis::cmd("SELECT").arg(database).exec(&mut connection).expect("a database");
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys");
        assert!(!keys.is_empty() && keys.iter().all(|key| key.starts_with(prefix)), "{keys:?}");
    }
}

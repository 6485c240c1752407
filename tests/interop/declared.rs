//! Declarations on RabbitMQ: whoever comes first, simq or Celery, declares the same, and lets the other in.

use crate::delayed::in_order;
use crate::node::{Node, settings, to_python};
use crate::python::{self, Driver, Worker};
use crate::site::{Arm, Site};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, Settings};

/// One way to declare queues, in both languages.
struct Way {
    name: &'static str,
    set: &'static [(&'static str, &'static str)],
    /// `task_queues` of simq, and of Celery: name, exchange, its type, key, options.
    ours: &'static str,
    theirs: fn() -> Value,
    /// What is consumed from, and published to.
    queues: &'static [&'static str],
}

fn none() -> Value {
    Value::Null
}

const WAYS: [Way; 6] = [
    Way { name: "as it comes", set: &[], ours: "", theirs: none, queues: &["celery"] },
    Way {
        name: "priorities",
        set: &[("task_queue_max_priority", "9"), ("task_default_priority", "3")],
        ours: "",
        theirs: none,
        queues: &["celery", "made-up"],
    },
    Way {
        name: "quorum queues",
        set: &[("task_default_queue_type", "quorum"), ("task_create_missing_queue_type", "quorum")],
        ours: "",
        theirs: none,
        queues: &["celery", "made-up"],
    },
    Way {
        name: "a quorum queue beside a classic one",
        set: &[("task_default_queue_type", "quorum"), ("task_default_exchange_type", "topic")],
        ours: "",
        theirs: none,
        queues: &["celery", "made-up"],
    },
    Way {
        name: "other names and a topic",
        set: &[
            ("task_default_queue", "jobs"),
            ("task_default_exchange", "work"),
            ("task_default_exchange_type", "topic"),
            ("task_default_routing_key", "jobs.all"),
        ],
        ours: "",
        theirs: none,
        queues: &["jobs"],
    },
    Way {
        name: "queues of all kinds",
        set: &[("task_default_queue", "desk")],
        ours: r##"
            desk = { exchange = "office", routing_key = "desk" }
            songs = { exchange = "media", exchange_type = "topic", routing_key = "song.#" }
            alarms = { exchange = "bells", exchange_type = "fanout", routing_key = "ring" }
            ranked = { max_priority = 5 }
            short = { max_length = 100, message_ttl = 600, expires = 3600 }
            passing = { durable = false }
            gone = { auto_delete = true }
        "##,
        theirs: || {
            json!([
                ["desk", "office", "direct", "desk"],
                ["songs", "media", "topic", "song.#"],
                ["alarms", "bells", "fanout", "ring"],
                ["ranked", "ranked", "direct", "ranked", { "max_priority": 5 }],
                ["short", "short", "direct", "short", { "max_length": 100, "message_ttl": 600, "expires": 3600 }],
                ["passing", "passing", "direct", "passing", { "durable": false }],
                ["gone", "gone", "direct", "gone", { "auto_delete": true }],
            ])
        },
        queues: &["desk", "songs", "alarms", "ranked", "short", "passing", "gone"],
    },
];

impl Way {
    fn ours(&self, site: &Site) -> Settings {
        let mut settings = settings(site, Profile::Safe, self.set);
        if !self.ours.is_empty() {
            let table: toml::Table = format!("[task_queues]\n{}", self.ours).parse().expect("TOML");
            settings.set_all(&table).expect("settings");
        }
        settings
    }

    fn theirs(&self, site: &Site) -> Value {
        let number = |text: &str| text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
        let mut set: serde_json::Map<String, Value> =
            self.set.iter().map(|(name, value)| ((*name).to_owned(), number(value))).collect();
        set.insert("queues".to_owned(), (self.theirs)());
        python::settings(site, set.into())
    }

    /// What RabbitMQ has of its queues, and of the exchanges that both declare.
    fn declared(&self, site: &Site) -> Vec<Vec<String>> {
        let mut rows = site.list("list_queues", &["name", "type", "durable", "auto_delete", "exclusive", "arguments"]);
        rows.retain(|row| self.queues.contains(&row[0].as_str()));
        rows.into_iter().map(|row| row.iter().map(|cell| in_order(cell)).collect()).collect()
    }
}

/// Exchanges of a site by their names.
fn exchanges(site: &Site) -> Vec<Vec<String>> {
    let mut rows = site.list("list_exchanges", &["name", "type", "durable", "auto_delete", "arguments"]);
    rows.retain(|row| !row[0].is_empty() && !row[0].starts_with("amq."));
    rows
}

/// All calls come back, whoever makes them and whoever runs them.
fn work(way: &Way, node: &Node, python: &mut Driver) {
    for queue in way.queues {
        let ours = CallOptions { queue: Some((*queue).to_owned()), ..to_python() };
        assert_eq!(node.get(&node.call("proj.add", json!([2, 3]), ours)), Ok(json!(5)), "{}: {queue}", way.name);
        let theirs = format!("add.apply_async((4, 5), queue={queue:?}).get(timeout=30)");
        assert_eq!(python.eval(&theirs), json!(9), "{}: {queue}", way.name);
    }
}

fn whoever_comes_first(way: &Way) {
    let queues = way.queues.join(",");
    let celery_first = Arm::Rabbit.site();
    let worker = Worker::start(&way.theirs(&celery_first), &queues);
    let theirs = (way.declared(&celery_first), exchanges(&celery_first));
    assert_eq!(theirs.0.len(), way.queues.len(), "{}: {theirs:?}", way.name);
    let node = Node::start(way.ours(&celery_first));
    let mut python = Driver::start(&way.theirs(&celery_first));
    work(way, &node, &mut python);
    drop((worker, node, python));

    let simq_first = Arm::Rabbit.site();
    let node = Node::start(way.ours(&simq_first));
    let to = |queue: &&str| CallOptions { queue: Some((*queue).to_owned()), ..to_python() };
    let calls: Vec<_> = way.queues.iter().map(|queue| node.call("proj.add", json!([1, 1]), to(queue))).collect();
    assert_eq!(way.declared(&simq_first), theirs.0, "{}", way.name);
    for exchange in exchanges(&simq_first) {
        let same = theirs.1.iter().find(|other| other[0] == exchange[0]);
        assert!(same.is_none_or(|same| *same == exchange), "{}: {exchange:?}, Celery's is {same:?}", way.name);
    }
    let worker = Worker::start(&way.theirs(&simq_first), &queues);
    for call in calls {
        assert_eq!(node.get(&call), Ok(json!(2)), "{}", way.name);
    }
    let mut python = Driver::start(&way.theirs(&simq_first));
    work(way, &node, &mut python);
    assert!(!worker.said().contains("PRECONDITION"), "{}: {}", way.name, worker.said());
}

#[test]
fn declared_alike_by_default() {
    WAYS[..2].iter().for_each(whoever_comes_first);
}

#[test]
fn declared_alike_with_quorum_queues() {
    WAYS[2..4].iter().for_each(whoever_comes_first);
}

#[test]
fn declared_alike_with_queues_of_all_kinds() {
    WAYS[4..].iter().for_each(whoever_comes_first);
}

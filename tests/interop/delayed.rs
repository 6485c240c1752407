//! Messages that wait for their ETA at RabbitMQ, in kombu's queues, where task queues are quorum queues.

use crate::node::{Node, SOON, settings, to_python};
use crate::python::{self, Driver, Worker};
use crate::site::{Arm, Site};
use serde_json::{Value, json};
use simq::settings::Profile;
use simq::{CallOptions, Settings};
use std::time::{Duration, Instant};

const QUORUM: [(&str, &str); 4] = [
    ("task_default_queue_type", "quorum"),
    ("task_default_exchange_type", "topic"),
    ("task_create_missing_queue_type", "quorum"),
    ("task_create_missing_queue_exchange_type", "topic"),
];
/// Two levels: two seconds in the second queue, one in the first.
const DELAY: Duration = Duration::from_secs(3);

fn ours(site: &Site, profile: Profile) -> Settings {
    settings(site, profile, &QUORUM)
}

fn told(site: &Site) -> Value {
    let quorum: serde_json::Map<String, Value> =
        QUORUM.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    python::settings(site, quorum.into())
}

/// Everything that is declared, as RabbitMQ lists it.
fn layout(site: &Site) -> Vec<Vec<String>> {
    let mut rows = site.list("list_queues", &["name", "type", "durable", "auto_delete", "arguments"]);
    rows.extend(site.list("list_exchanges", &["name", "type", "durable", "auto_delete"]));
    rows.extend(site.list("list_bindings", &["source_name", "destination_name", "destination_kind", "routing_key"]));
    rows.retain(|row| row.iter().any(|cell| cell.contains("delayed")));
    rows.into_iter().map(|row| row.iter().map(|cell| in_order(cell)).collect()).collect()
}

/// Arguments have no order.
pub(crate) fn in_order(cell: &str) -> String {
    let Some(arguments) = cell.strip_prefix("[{").and_then(|rest| rest.strip_suffix("}]")) else {
        return cell.to_owned();
    };
    let mut arguments: Vec<&str> = arguments.split("},{").collect();
    arguments.sort_unstable();
    arguments.join(", ")
}

/// Waits until something is in a queue.
async fn until_ready(site: &Site, channel: &lapin::Channel, queue: &str) {
    for _ in 0..200 {
        if site.ready(channel, queue).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing waits in {queue}");
}

#[test]
fn a_message_with_an_eta_waits_at_the_broker() {
    let site = Arm::Rabbit.site();
    let theirs = {
        let _worker = Worker::start(&told(&site), "celery");
        layout(&site)
    };
    assert!(theirs.len() > 100, "{theirs:?}");
    let site = Arm::Rabbit.site();
    let node = Node::start(ours(&site, Profile::Safe));
    assert_eq!(node.get(&node.call("proj.add", json!([1, 1]), CallOptions::default())), Ok(json!(2)));
    // The same, and in a layout that simq has made Python's workers and producers find themselves at home.
    assert_eq!(layout(&site), theirs);
    let _worker = Worker::start(&told(&site), "py");
    let mut python = Driver::start(&told(&site));
    let (_connection, channel) = node.block_on(site.channel());
    let waits = || node.block_on(until_ready(&site, &channel, "celery_delayed_1"));
    for who in ["simq", "python"] {
        let start = Instant::now();
        let done = if who == "simq" {
            let id = python.eval("add.apply_async((2, 3), countdown=3).id");
            waits();
            node.app.result::<Value>(id.as_str().expect("an id")).expect("it runs")
        } else {
            let call = node.call("proj.add", json!([2, 3]), CallOptions { countdown: Some(DELAY), ..to_python() });
            waits();
            call
        };
        assert_eq!(node.block_on(done.get(SOON)), Ok(json!(5)), "{who}");
        let took = start.elapsed();
        assert!(took >= DELAY - Duration::from_millis(50) && took < DELAY * 4, "{who}: {took:?}");
    }
    // What comes again after a delay has had one before.
    let id = python.eval("retry_once.apply_async((1.5,), countdown=1).id");
    let call = node.app.result::<Value>(id.as_str().expect("an id")).expect("it runs");
    assert_eq!(node.get(&call), Ok(json!(1)));
    let again = CallOptions { countdown: Some(Duration::from_secs(1)), ..to_python() };
    assert_eq!(node.get(&node.call("proj.retry_once", json!([1.5]), again)), Ok(json!(1)));
}

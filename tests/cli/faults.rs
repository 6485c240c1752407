//! Servers that are not there, not what they should be, or not for us: a clear message, in bounded time.

use super::queue::{Shop, until};
use super::servers::{Redis, free_port};
use super::support::Dir;

#[test]
fn a_url_that_is_none_is_told_with_where_it_came_from() {
    let dir = Dir::new();
    for command in [&["call", "t"][..], &["worker"], &["beat"], &["status"], &["purge", "-f"]] {
        let with = |more: &[&'static str]| dir.simq(&[command, more].concat());
        with(&["-b", "redsi://h/0"])
            .assert_bad_input("--broker: broker_url: redsi://h/0 names no server", &["redis://?"]);
        with(&["-b", "redis://h/x"]).assert_bad_input("--broker: ", &["redis://h/x", "database"]);
        with(&[]).assert_bad_input("broker_url is not set", &["--broker", "SIMQ_BROKER_URL"]);
    }
    dir.write("simq.toml", "broker_url = 'redis://h'\nresult_backend = 'rediss:/h'\n");
    dir.simq(&["worker", "--config", "simq.toml"]).assert_bad_input("simq.toml:2:18: ", &["rediss:/h"]);
    let said = dir.simq_with(&[("CELERY_BROKER_URL", "sqs://u:secret@h//")], &["worker"]);
    said.assert_bad_input("variable CELERY_BROKER_URL: ", &["sqs://u:********@h//"]);
    dir.simq(&["result", "x"]).assert_bad_input("result_backend is not set", &["--backend"]);
    let said = dir.simq(&["call", "t", "-w", "-b", "redis://127.0.0.1:1"]);
    said.assert_bad_input("result_backend is not set", &["--backend"]);
}

#[test]
fn without_a_server_callers_hear_of_it_and_a_worker_tries_again() {
    let dir = Dir::new();
    let url = format!("redis://:secret@127.0.0.1:{}/0", free_port());
    for profile in ["safe", "celery"] {
        let said = dir.simq(&["call", "simq.add", "-b", &url, "--profile", profile]);
        assert!(said.assert_status(4).err.contains("Connection refused"), "{said:#?}");
        assert!(said.err.contains("redis://:********@127.0.0.1") && !said.err.contains("secret"), "{said:#?}");
    }
    for command in [&["status"][..], &["purge", "-f"]] {
        let said = dir.simq(&[command, &["-b", &url]].concat());
        assert!(said.assert_status(4).err.contains("Connection refused"), "{said:#?}");
    }
    let said = dir.simq(&["result", "x", "--backend", &url]);
    assert!(said.assert_status(4).err.contains("Connection refused"), "{said:#?}");
    let said = dir.simq(&["worker", "-b", &url, "--set", "broker_connection_max_retries=1"]);
    for part in ["no connection to the broker; will try again", "Connection refused", "wait=2s", "giving up"] {
        assert!(said.assert_status(1).err.contains(part), "{part}\n{}", said.err);
    }
}

#[test]
fn a_wrong_password_is_told_and_never_shown() {
    let shop = Shop::with_server(&["--requirepass", "right"]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/0", shop.redis.port);
    let said = shop.dir.simq(&["call", "simq.add", "-b", &url("wrong")]);
    assert!(said.assert_status(4).err.contains("WRONGPASS") && !said.err.contains("wrong@"), "{said:#?}");
    let said = shop.dir.simq(&["status", "-b", &shop.redis.url(0)]);
    assert!(said.assert_status(4).err.contains("NOAUTH"), "{said:#?}");
    shop.dir.simq(&["call", "simq.add", "-b", &url("right")]).assert_status(0);
}

#[test]
fn a_replica_is_told_from_a_master() {
    let shop = Shop::new();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &shop.redis.port.to_string()]);
    let url = replica.url(0);
    for command in [&["call", "simq.add"][..], &["purge", "-f"]] {
        let said = shop.dir.simq(&[command, &["-b", &url]].concat());
        assert!(said.assert_status(4).err.contains("the server is a replica"), "{said:#?}");
    }
    shop.dir.simq(&["status", "-b", &url]).assert_status(0);
    let worker = shop.start_at_once(&["worker", "-b", &url]);
    until("it says so", || worker.log().contains("the server is a replica") && worker.log().contains("will try again"));
    worker.signal("-TERM");
    worker.ended().assert_status(0);
}

#[test]
fn a_key_that_is_no_queue_is_left_alone() {
    let shop = Shop::new();
    let mut connection = shop.redis.connection();
    redis::cmd("HSET").arg("odd").arg(&["a", "b"]).exec(&mut connection).expect("a key");
    for command in [&["call", "simq.add", "--queue", "odd"][..], &["purge", "-f", "odd"]] {
        let said = shop.simq(command);
        assert!(said.assert_status(4).err.contains("WRONGTYPE"), "{said:#?}");
    }
    assert!(shop.simq(&["status", "odd"]).assert_status(0).out.contains("odd        no queue: WRONGTYPE"));
    let worker = shop.start_at_once(&["worker", "-Q", "odd"]);
    until("it says so", || worker.log().contains("where this queue should be"));
    worker.signal("-INT");
    worker.ended().assert_status(1);
    let kept: u32 = redis::cmd("HLEN").arg("odd").query(&mut connection).expect("a length");
    assert_eq!(kept, 1);
}

#[test]
fn a_worker_takes_nothing_that_is_wrong() {
    let dir = Dir::new();
    let worker = |arguments: &[&str]| dir.simq(&[&["worker", "-b", "redis://127.0.0.1:1"], arguments].concat());
    worker(&["-Q", "a,,b"]).assert_bad_input("--queues: ", &["commas"]);
    worker(&["-n", "a b"]).assert_bad_input("--hostname ", &["w1@%h"]);
    worker(&["-l", "loud"]).assert_bad_input("--loglevel ", &["no such level"]);
    worker(&["-c", "0"]).assert_status(2);
    dir.write("c.toml", "[command_tasks.'a.b']\nprogam = 'x'\n");
    worker(&["--config", "c.toml"]).assert_bad_input("c.toml:2:1: ", &["did you mean \"program\"?"]);
    dir.simq(&["config", "--config", "c.toml"]).assert_bad_input("c.toml:2:1: ", &["\"program\"?"]);
}

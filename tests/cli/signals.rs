//! How a worker ends: warm, cold, at once, and in the middle of a task.

use super::queue::{Process, Shop, until};

/// A worker in the middle of a task, and the task's id.
fn busy(shop: &Shop, seconds: &str) -> (Process, String) {
    let worker = shop.start(&["worker", "-c", "1", "--set", "task_track_started=true"]);
    let id = shop.call(&["simq.sleep", "-a", &format!("[{seconds}]")]);
    until("it begins", || shop.state(&id) == "STARTED");
    (worker, id)
}

#[test]
fn sigterm_lets_the_running_task_finish() {
    let shop = Shop::new();
    let (worker, id) = busy(&shop, "2");
    let waits = shop.call(&["simq.echo"]);
    worker.signal("-TERM");
    let ended = worker.ended();
    ended.assert_status(0);
    assert_eq!((shop.state(&id).as_str(), shop.state(&waits).as_str()), ("SUCCESS", "PENDING"), "{}", ended.err);
    assert!(shop.simq(&["status"]).out.contains("celery       1 waiting"), "what had not begun is back");
}

#[test]
fn one_ctrl_c_waits_and_a_second_one_does_not() {
    let shop = Shop::new();
    let (worker, id) = busy(&shop, "2");
    worker.signal("-INT");
    worker.ended().assert_status(1);
    assert_eq!(shop.state(&id), "SUCCESS");

    let (worker, id) = busy(&shop, "600");
    worker.signal("-INT");
    until("it is told", || worker.log().contains("StopConsuming"));
    worker.signal("-INT");
    worker.ended().assert_status(0);
    let said = shop.simq(&["status"]);
    assert!(said.out.contains("celery       1 waiting"), "cut off, it is to be delivered again: {}", said.out);
    assert_ne!(shop.state(&id), "SUCCESS");
}

#[test]
fn sigquit_is_cold_at_once() {
    let shop = Shop::new();
    let (worker, _) = busy(&shop, "600");
    worker.signal("-QUIT");
    worker.ended().assert_status(0);
    assert!(shop.simq(&["status"]).out.contains("celery       1 waiting"));
}

/// With a result that can't be stored not even a cold shutdown comes to an end.
#[test]
fn a_third_ctrl_c_ends_it_whatever_it_waits_for() {
    let shop = Shop::new();
    let (worker, _) = busy(&shop, "1");
    shop.redis.signal("-STOP");
    worker.signal("-INT");
    until("it is told", || worker.log().contains("StopConsuming"));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    for _ in 0..2 {
        worker.signal("-INT");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let ended = worker.ended();
    assert!(ended.err.contains("ended at once"), "{}", ended.err);
    ended.assert_status(130);
    shop.redis.signal("-CONT");
}

#[test]
fn a_worker_that_is_killed_leaves_its_task_to_the_next() {
    let shop = Shop::new();
    let lease = ["--set", "broker_transport_options.lease=1"];
    let worker = shop.start(&[&["worker", "-c", "1", "--set", "task_track_started=true"], &lease[..]].concat());
    let id = shop.call(&["simq.sleep", "-a", "[2]"]);
    until("it begins", || shop.state(&id) == "STARTED");
    worker.signal("-KILL");
    assert_eq!(worker.ended().status, None);
    let next = shop.start(&[&["worker", "-c", "1"], &lease[..]].concat());
    until("it is done", || shop.state(&id) == "SUCCESS");
    next.signal("-TERM");
    next.ended().assert_status(0);
}

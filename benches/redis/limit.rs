//! The limit: a loop that knows nothing but the commands that kombu's protocol needs.

use super::processes::own_cpu_micros;
use super::rounds::Limit;
use super::server::{Observer, Wire};
use super::servers::Redis;
use super::table::Measured;
use std::time::Instant;

const TAG: &str = "bench";

/// What this process and Redis do meanwhile.
fn measured(redis: &Redis, tasks: usize, work: impl FnOnce()) -> Measured {
    let mut observer = Observer::new(redis, Wire::Kombu);
    let before = observer.reset();
    let (started, cpu) = (Instant::now(), own_cpu_micros());
    work();
    let (seconds, cpu_micros) = (started.elapsed().as_secs_f64(), own_cpu_micros() - cpu);
    let served = observer.served();
    Measured {
        tasks: tasks as f64,
        seconds,
        cpu_micros,
        server_micros: served.cpu_micros - before.cpu_micros,
        commands: served.commands,
        mib: None,
    }
}

/// In batches of two sizes.
pub(super) fn drains(ignore_result: bool) -> Vec<Limit> {
    let drain = |batch| Limit {
        name: format!("bare loop, batches of {batch}"),
        slow: false,
        run: Box::new(move |redis, tasks| {
            fill(redis, tasks);
            measured(redis, tasks, || empty(redis, batch, ignore_result))
        }),
    };
    [100, 500].map(drain).into()
}

/// A thousand at a time.
pub(super) fn publishes() -> Vec<Limit> {
    vec![Limit {
        name: "bare loop, 1,000 at a time".into(),
        slow: false,
        run: Box::new(|redis, tasks| measured(redis, tasks, || fill(redis, tasks))),
    }]
}

/// Puts messages of a task's size into the queue.
fn fill(redis: &Redis, tasks: usize) {
    let mut connection = redis.connection();
    let body = "A".repeat(1_000);
    for batch in (0..tasks).collect::<Vec<_>>().chunks(1_000) {
        let mut pipe = redis::pipe();
        for number in batch {
            pipe.cmd("LPUSH").arg("celery").arg(format!(r#"{{"body": "{body}", "n": {number}}}"#)).ignore();
        }
        pipe.exec(&mut connection).expect("redis answers");
    }
}

/// Pops, records, stores results, publishes them, acks: in batches, two trips each.
fn empty(redis: &Redis, batch: usize, ignore_result: bool) {
    let mut connection = redis.connection();
    let mut number = 0;
    loop {
        let popped: Option<(String, Vec<Vec<u8>>)> = redis::cmd("BLMPOP")
            .arg(1)
            .arg(1)
            .arg("celery")
            .arg("RIGHT")
            .arg("COUNT")
            .arg(batch)
            .query(&mut connection)
            .expect("redis answers");
        let Some((_, messages)) = popped else { return };
        let mut records = redis::pipe();
        let mut done = redis::pipe();
        for message in &messages {
            number += 1;
            let (tag, id) = (format!("{TAG}{number}"), format!("celery-task-meta-{number}"));
            let result = format!(r#"{{"status": "SUCCESS", "result": 3, "task_id": "{number}"}}"#);
            records.cmd("ZADD").arg("unacked_index").arg(1).arg(&tag).ignore();
            records.cmd("HSET").arg("unacked").arg(&tag).arg(message).ignore();
            if !ignore_result {
                done.cmd("SETEX").arg(&id).arg(86_400).arg(&result).ignore();
                done.cmd("PUBLISH").arg(&id).arg(&result).ignore();
            }
            done.cmd("ZREM").arg("unacked_index").arg(&tag).ignore();
            done.cmd("HDEL").arg("unacked").arg(&tag).ignore();
        }
        records.exec(&mut connection).expect("redis answers");
        done.exec(&mut connection).expect("redis answers");
        let waiting: usize = redis::cmd("LLEN").arg("celery").query(&mut connection).expect("redis answers");
        if waiting == 0 {
            return;
        }
    }
}

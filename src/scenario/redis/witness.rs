//! What the changes of a server mean for tasks: the broker's and the store's events, read off the stream of changes that a
//! replica would be told.
//!
//! A copy of a message is in a list, or in the hash of what is unacked, or, popped and not yet recorded, in the hands of
//! one connection: if that goes, so does the copy.

use crate::backend::state_of;
use crate::broker::amqp::DropReason;
use crate::env::Env;
use crate::events::{Event, What};
use redis::Value;
use simq_sim::redis::{ClientId, Redis, Unit};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

type Id = Arc<str>;

/// A mirror of what concerns tasks: ids only.
#[derive(Default)]
pub(in crate::scenario) struct Witness {
    lists: BTreeMap<Vec<u8>, VecDeque<Id>>,
    unacked: BTreeMap<Vec<u8>, (Id, String)>,
    /// Popped by a connection, and not recorded yet.
    in_hand: Vec<(ClientId, Id, String)>,
}

impl Witness {
    /// What a restarted server still has.
    pub(super) fn recover(redis: &mut Redis, env: &Env) -> Witness {
        let mut witness = Witness::default();
        let emit = |id: &str, queue: &str| env.emit(&Event { id, what: What::Recovered { queue } });
        let mut ask = |words: &[&[u8]]| one_reply(redis, words, env.wall().as_micros());
        for key in texts(ask(&[b"KEYS", b"*"])) {
            let items = texts(ask(&[b"LRANGE", &key, b"0", b"-1"]));
            let ids: VecDeque<Id> = items.iter().filter_map(|item| id_of(item)).collect();
            ids.iter().for_each(|id| emit(id, &queue_of(&key)));
            if !ids.is_empty() {
                witness.lists.insert(key, ids);
                continue;
            }
            for pair in texts(ask(&[b"HGETALL", &key])).chunks_exact(2) {
                if let Some(id) = recorded_id(&pair[1]) {
                    emit(&id, "");
                    witness.unacked.insert(pair[0].clone(), (id, String::new()));
                }
            }
        }
        witness
    }

    /// The changes of one command, and what it answered.
    pub(super) fn see(&mut self, changes: &[Unit], out: &[(ClientId, Value)], env: &Env) {
        for unit in changes {
            self.see_unit(unit, out, env);
        }
    }

    fn see_unit(&mut self, unit: &Unit, out: &[(ClientId, Value)], env: &Env) {
        let (mut pushed, mut popped, mut recorded, mut settled) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for write in unit.iter() {
            let args = &write.args;
            let name = args.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
            match (&*name, &args[1..]) {
                (b"LPUSH", [key, values @ ..]) => {
                    for value in values {
                        let Some(id) = id_of(value) else { continue };
                        self.lists.entry(key.clone()).or_default().push_front(id.clone());
                        pushed.push((id, queue_of(key)));
                    }
                }
                (b"RPUSH", [key, values @ ..]) => {
                    for value in values {
                        let Some(id) = id_of(value) else { continue };
                        self.lists.entry(key.clone()).or_default().push_back(id.clone());
                        pushed.push((id, queue_of(key)));
                    }
                }
                (b"RPOP", [key, ..]) => {
                    if let Some(id) = self.lists.get_mut(key).and_then(VecDeque::pop_back) {
                        popped.push((id, queue_of(key)));
                    }
                }
                (b"LTRIM", [key, _, stop]) => {
                    let keep = std::str::from_utf8(stop).ok().and_then(|stop| stop.parse::<i64>().ok()).unwrap_or(-1);
                    for _ in 0..(-1 - keep) {
                        if let Some(id) = self.lists.get_mut(key).and_then(VecDeque::pop_back) {
                            popped.push((id, queue_of(key)));
                        }
                    }
                }
                (b"HSET", [_, pairs @ ..]) => {
                    for pair in pairs.chunks_exact(2) {
                        if let Some(id) = recorded_id(&pair[1]) {
                            recorded.push((pair[0].clone(), id));
                        }
                    }
                }
                (b"HDEL", [_, tags @ ..]) => {
                    settled.extend(tags.iter().filter_map(|tag| self.unacked.remove(tag)));
                }
                (b"DEL", keys) => {
                    for key in keys {
                        for id in self.lists.remove(key).into_iter().flatten() {
                            let what = What::Dropped { queue: &queue_of(key), why: DropReason::Purged };
                            env.emit(&Event { id: &id, what });
                        }
                    }
                }
                (b"SETEX", [key, _, value]) | (b"SET", [key, value, ..]) => stored(key, value, env),
                _ => {}
            }
        }
        self.report(pushed, popped, recorded, settled, out, env);
    }

    fn report(
        &mut self,
        pushed: Vec<(Id, String)>,
        mut popped: Vec<(Id, String)>,
        recorded: Vec<(Vec<u8>, Id)>,
        mut settled: Vec<(Id, String)>,
        out: &[(ClientId, Value)],
        env: &Env,
    ) {
        let emit = |id: &str, what: What<'_>| env.emit(&Event { id, what });
        for (tag, id) in recorded {
            let taken = popped.iter().position(|(popped, _)| *popped == id).map(|at| popped.remove(at));
            let taken = match taken {
                Some((_, queue)) => {
                    emit(&id, What::Delivered { queue: &queue });
                    Some(queue)
                }
                None => {
                    let at = self.in_hand.iter().position(|(_, held, _)| *held == id);
                    let queue = at.map(|at| self.in_hand.remove(at).2);
                    if queue.is_none() && !self.unacked.contains_key(&tag) {
                        // The pop's connection went first, and the copy was believed lost with it.
                        emit(&id, What::Queued { queue: "" });
                        emit(&id, What::Delivered { queue: "" });
                    }
                    queue
                }
            };
            self.unacked.insert(tag, (id, taken.unwrap_or_default()));
        }
        for (id, queue) in popped {
            emit(&id, What::Delivered { queue: &queue });
            let by = out.iter().find(|(_, value)| matches!(value, Value::Array(_))).map_or(0, |(client, _)| *client);
            self.in_hand.push((by, id, queue));
        }
        for (id, queue) in pushed {
            match settled.iter().position(|(settled, _)| *settled == id) {
                Some(at) => {
                    let (_, from) = settled.remove(at);
                    if from.is_empty() || from == queue {
                        emit(&id, What::Requeued { queue: &queue });
                    } else {
                        emit(&id, What::DeadLettered { queue: &from, why: DropReason::Rejected });
                        emit(&id, What::Queued { queue: &queue });
                    }
                }
                None => emit(&id, What::Queued { queue: &queue }),
            }
        }
        for (id, queue) in settled {
            emit(&id, What::Acked { queue: &queue });
        }
    }

    /// A connection is gone, and what it had popped with it.
    pub(super) fn gone(&mut self, client: ClientId, env: &Env) {
        for (_, id, queue) in self.in_hand.extract_if(.., |(by, ..)| *by == client) {
            env.emit(&Event { id: &id, what: What::Dropped { queue: &queue, why: DropReason::TakenAndLost } });
        }
    }
}

/// Nobody's connection.
const NOBODY: ClientId = ClientId::MAX - 1;

fn one_reply(redis: &mut Redis, words: &[&[u8]], now: i64) -> Value {
    let mut out = Vec::new();
    redis.connect(NOBODY);
    let args: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
    redis.apply(NOBODY, &args, now, &mut out);
    redis.disconnect(NOBODY);
    out.pop().map(|(_, value)| value).unwrap_or_default()
}

fn texts(value: Value) -> Vec<Vec<u8>> {
    let Value::Array(values) = value else { return Vec::new() };
    let text = |value| if let Value::BulkString(text) = value { Some(text) } else { None };
    values.into_iter().filter_map(text).collect()
}

/// The queue of a list: without the priority.
fn queue_of(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(key);
    text.split('\u{6}').next().unwrap_or_default().to_owned()
}

#[derive(serde::Deserialize)]
struct Envelope {
    properties: Properties,
}

#[derive(serde::Deserialize)]
struct Properties {
    correlation_id: Option<String>,
}

/// The task of an envelope; `None` for what is no envelope.
fn id_of(envelope: &[u8]) -> Option<Id> {
    let envelope: Envelope = serde_json::from_slice(envelope).ok()?;
    Some(envelope.properties.correlation_id.map_or_else(|| "(no id)".into(), Id::from))
}

fn recorded_id(record: &[u8]) -> Option<Id> {
    let (envelope, ..): (Envelope, Option<String>, Option<String>) = serde_json::from_slice(record).ok()?;
    Some(envelope.properties.correlation_id.map_or_else(|| "(no id)".into(), Id::from))
}

fn stored(key: &[u8], value: &[u8], env: &Env) {
    let key = String::from_utf8_lossy(key);
    if let Some((_, id)) = key.split_once("celery-task-meta-") {
        env.emit(&Event { id, what: What::Stored { state: state_of(value) } });
    }
}

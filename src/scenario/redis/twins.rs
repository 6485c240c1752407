//! What the adapters' Lua scripts do, natively. The tests beside this file run both on the same data.

use crate::broker::redis_scripts as broker_scripts;
use redis::Value;
use simq_sim::redis::{Redis, Script, Twin};
use std::rc::Rc;

type Answer = Result<Value, Value>;

/// Tells a server of all scripts.
pub(super) fn declare(redis: &mut Redis) {
    for (name, script) in broker_scripts().into_iter().chain(crate::backend::redis_scripts()) {
        let twin: fn(&mut Script<'_>) -> Answer = match name {
            "redis.take" => take,
            "redis.move" => put,
            "redis.refresh" => refresh,
            "redis.overdue" => overdue,
            "redis.swap" => swap,
            _ => keep,
        };
        let twin: Twin = Rc::new(twin);
        redis.script(script.source(), twin);
    }
}

fn bulk(text: impl Into<Vec<u8>>) -> Value {
    Value::BulkString(text.into())
}

fn text(value: &Value) -> &[u8] {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.as_bytes(),
        _ => &[],
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

fn number(bytes: &[u8]) -> f64 {
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Lua's number of an argument in a script's arithmetic, as its `string.format('%.0f')` shows it.
fn whole(bytes: &[u8]) -> i64 {
    number(bytes) as i64
}

fn now(script: &mut Script<'_>) -> Result<String, Value> {
    let time = list(script.call(&[b"TIME"])?);
    let part = |place: usize| time.get(place).map(|part| String::from_utf8_lossy(text(part)).into_owned());
    let (seconds, micros) = (part(0).unwrap_or_default(), part(1).unwrap_or_default());
    Ok(format!("{seconds}.{micros:0>6}"))
}

fn take(script: &mut Script<'_>) -> Answer {
    let (keys, argv) = (script.keys, script.argv);
    let now = now(script)?;
    let (mut room, mut next) = (whole(&argv[0]), whole(&argv[2]));
    let mut taken = Vec::new();
    for (place, key) in keys.iter().enumerate().skip(2) {
        if room <= 0 {
            break;
        }
        let messages = match script.pcall(&[b"LRANGE", key, (-room).to_string().as_bytes(), b"-1"]) {
            Ok(messages) => list(messages),
            Err(error) => {
                taken.extend([Value::Int(place as i64 - 2), bulk(said(&error))]);
                continue;
            }
        };
        if messages.is_empty() {
            continue;
        }
        let (mut records, mut times) =
            (vec![b"HSET".to_vec(), keys[0].clone()], vec![b"ZADD".to_vec(), keys[1].clone()]);
        for message in messages.iter().rev() {
            let tag = [&*argv[1], next.to_string().as_bytes()].concat();
            next += 1;
            records.push(tag.clone());
            records.push([b"[", text(message), &*argv[place + 1]].concat());
            times.push(now.clone().into_bytes());
            times.push(tag);
        }
        for command in [&records, &times] {
            let command: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            script.call(&command)?;
        }
        let count = messages.len() as i64;
        script.call(&[b"LTRIM", key, b"0", (-1 - count).to_string().as_bytes()])?;
        room -= count;
        taken.extend([Value::Int(place as i64 - 2), Value::Array(messages.into_iter().rev().collect())]);
    }
    Ok(Value::Array(taken))
}

/// An error as `.err` of `redis.pcall` has it.
fn said(error: &Value) -> String {
    match error {
        Value::ServerError(error) => crate::redis::said(error),
        _ => String::new(),
    }
}

fn put(script: &mut Script<'_>) -> Answer {
    let (keys, argv) = (script.keys, script.argv);
    let tag = &*argv[0];
    if !argv[3].is_empty() {
        let time = script.call(&[b"ZSCORE", &keys[1], tag])?;
        if time == Value::Nil || number(text(&time)) > number(&argv[3]) {
            return Ok(Value::Int(0));
        }
    }
    if script.call(&[b"HEXISTS", &keys[0], tag])? == Value::Int(0) {
        script.call(&[b"ZREM", &keys[1], tag])?;
        return Ok(Value::Int(0));
    }
    for key in &keys[2..] {
        script.call(&[&argv[2], key, &argv[1]])?;
    }
    script.call(&[b"HDEL", &keys[0], tag])?;
    script.call(&[b"ZREM", &keys[1], tag])?;
    Ok(Value::Int(1))
}

fn refresh(script: &mut Script<'_>) -> Answer {
    let (keys, argv) = (script.keys, script.argv);
    let now = now(script)?;
    let mut gone = Vec::new();
    for (place, tag) in argv.iter().enumerate() {
        if script.call(&[b"ZSCORE", &keys[0], tag])? == Value::Nil {
            gone.push(Value::Int(place as i64));
        } else {
            script.call(&[b"ZADD", &keys[0], b"XX", now.as_bytes(), tag])?;
        }
    }
    Ok(Value::Array(gone))
}

fn overdue(script: &mut Script<'_>) -> Answer {
    let (keys, argv) = (script.keys, script.argv);
    let now = now(script)?;
    let seconds = number(now.as_bytes());
    let (lease, visibility) = (seconds - number(&argv[0]), seconds - number(&argv[1]));
    let latest = format!("{:.6}", lease.max(visibility));
    let entries = list(script.call(&[
        b"ZRANGE",
        &keys[1],
        b"-inf",
        latest.as_bytes(),
        b"BYSCORE",
        b"LIMIT",
        &argv[3],
        &argv[4],
        b"WITHSCORES",
    ])?);
    let mut found = vec![Value::Int(entries.len() as i64 / 2), bulk(now)];
    for entry in entries.chunks_exact(2) {
        let (tag, since) = (text(&entry[0]), number(text(&entry[1])));
        if since <= visibility || (tag.starts_with(&argv[2]) && since <= lease) {
            let record = script.call(&[b"HGET", &keys[0], tag])?;
            found.extend([entry[0].clone(), record]);
        }
    }
    Ok(Value::Array(found))
}

fn keep(script: &mut Script<'_>) -> Answer {
    let (keys, argv) = (script.keys, script.argv);
    let there = script.pcall(&[b"GET", &keys[0]]).unwrap_or_default();
    if let Value::BulkString(text) = &there
        && *text != argv[3]
    {
        let Some(status) = status(text).filter(|_| text.first() == Some(&b'{')) else { return Ok(there) };
        let more = |known: &[Vec<u8>]| known[0] == status && number(&known[1]) > number(&argv[1]);
        if argv[4..].chunks_exact(2).any(more) {
            return Ok(Value::Int(0));
        }
    }
    if argv[2] == b"0" {
        script.call(&[b"SET", &keys[0], &argv[0]])?;
    } else {
        script.call(&[b"SETEX", &keys[0], &argv[2], &argv[0]])?;
    }
    script.call(&[b"PUBLISH", &keys[0], &argv[0]])?;
    Ok(Value::Int(1))
}

fn swap(script: &mut Script<'_>) -> Answer {
    let (keys, argv) = (script.keys, script.argv);
    if text(&script.call(&[b"GET", &keys[0]])?) != argv[0] {
        return Ok(Value::Int(0));
    }
    script.call(&[b"SET", &keys[0], &argv[1]])?;
    Ok(Value::Int(1))
}

/// `string.match(there, '"status": *"([^"]*)"')`
fn status(there: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"\"status\":";
    let mut from = 0;
    while let Some(at) = there[from..].windows(KEY.len()).position(|window| window == KEY) {
        let rest = &there[from + at + KEY.len()..];
        let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
        if let Some(b'"') = rest.get(spaces) {
            let value = &rest[spaces + 1..];
            if let Some(end) = value.iter().position(|byte| *byte == b'"') {
                return Some(&value[..end]);
            }
        }
        from += at + 1;
    }
    None
}

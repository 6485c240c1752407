//! What a server says about itself: its time, its role, its numbers, its settings.

use super::Redis;
use super::args::is;
use super::call::{Call, Reply, bulk};
use super::command::{Command, LOADING, NO_KEYS, NO_SCRIPT};
use ::redis::Value;

/// The version whose behaviour this is.
pub(super) const VERSION: &str = "7.0.15";

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("time", 1, LOADING, NO_KEYS, time),
    Command::plain("info", -1, LOADING, NO_KEYS, info),
    Command::plain("role", 1, NO_SCRIPT | LOADING, NO_KEYS, role),
    Command::plain("wait", 3, NO_SCRIPT, NO_KEYS, |_| Ok(Value::Int(0))),
];

fn time(call: &mut Call<'_>) -> Reply {
    let (seconds, micros) = (call.redis.now.div_euclid(1_000_000), call.redis.now.rem_euclid(1_000_000));
    Ok(Value::Array(vec![bulk(seconds.to_string().as_bytes()), bulk(micros.to_string().as_bytes())]))
}

fn role(call: &mut Call<'_>) -> Reply {
    Ok(match &call.redis.master {
        None => Value::Array(vec![bulk(b"master"), Value::Int(0), Value::Array(Vec::new())]),
        Some((host, port)) => Value::Array(vec![
            bulk(b"slave"),
            bulk(host.as_bytes()),
            Value::Int(i64::from(*port)),
            bulk(b"connected"),
            Value::Int(0),
        ]),
    })
}

fn info(call: &mut Call<'_>) -> Reply {
    let wanted = &call.args[1..];
    let all =
        wanted.is_empty() || wanted.iter().any(|word| is(word, "all") || is(word, "everything") || is(word, "default"));
    let mut text = String::new();
    for (name, section) in sections(call.redis) {
        if all || wanted.iter().any(|word| is(word, name)) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            text.push_str(&section);
        }
    }
    Ok(bulk(text.as_bytes()))
}

fn sections(redis: &Redis) -> Vec<(&'static str, String)> {
    let role = match &redis.master {
        None => "role:master\r\n".to_owned(),
        Some((host, port)) => format!(
            "role:slave\r\nmaster_host:{host}\r\nmaster_port:{port}\r\nmaster_link_status:up\r\nslave_read_only:1\r\n"
        ),
    };
    let mut keyspace = "# Keyspace\r\n".to_owned();
    for (db, database) in redis.databases.iter().enumerate().filter(|(_, database)| database.len() > 0) {
        let (keys, volatile) = (database.len(), database.volatile());
        keyspace.push_str(&format!("db{db}:keys={keys},expires={volatile},avg_ttl=0\r\n"));
    }
    let calls: u64 = redis.stats.calls.values().sum();
    vec![
        ("server", format!("# Server\r\nredis_version:{VERSION}\r\nredis_mode:standalone\r\n")),
        (
            "clients",
            format!(
                "# Clients\r\nconnected_clients:{}\r\nblocked_clients:{}\r\n",
                redis.clients.len(),
                redis.blocked_clients()
            ),
        ),
        (
            "memory",
            format!(
                "# Memory\r\nused_memory:{}\r\nmaxmemory:{}\r\nmaxmemory_policy:{}\r\n",
                redis.used_memory(),
                redis.config.maxmemory,
                redis.config.eviction.name()
            ),
        ),
        ("persistence", format!("# Persistence\r\nloading:{}\r\n", u8::from(redis.is_loading()))),
        (
            "stats",
            format!(
                "# Stats\r\ntotal_commands_processed:{calls}\r\nexpired_keys:{}\r\nevicted_keys:{}\r\n",
                redis.stats.expired, redis.stats.evicted
            ),
        ),
        ("replication", format!("# Replication\r\n{role}connected_slaves:{}\r\n", u8::from(redis.outbox.is_some()))),
        ("keyspace", keyspace),
    ]
}

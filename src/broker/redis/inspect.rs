//! A look at queues from outside: reads, and nothing else, so that it works on a replica too.

use super::channel::count;
use super::policy::Policy;
use crate::broker::admin::{AdminError, Queue, Status};
use crate::env::Env;
use crate::env::redis::{RedisLost, RedisUrl};
use crate::settings::Settings;
use redis::{Value, cmd};
use std::time::Duration;

/// Connects, and looks at these queues.
pub(in crate::broker) async fn inspect(
    env: &Env,
    url: &RedisUrl,
    settings: &Settings,
    limit: Duration,
    queues: &[String],
) -> Result<Status, AdminError> {
    let policy = Policy::new(settings, url.database());
    let connection = env.connect_redis(url, limit).await?;
    let mut commands = Vec::new();
    for list in queues.iter().flat_map(|queue| policy.layout.lists(queue)) {
        let mut length = cmd("LLEN");
        length.arg(list);
        commands.push(length);
    }
    let mut unacked = cmd("HLEN");
    unacked.arg(&*policy.layout.unacked);
    let mut clients = cmd("CLIENT");
    clients.arg("LIST");
    commands.extend([unacked, clients]);
    let replies = connection.send(commands).await.map_err(|RedisLost(why)| AdminError::Refused(why))?;
    connection.close();
    let (lengths, rest) = replies.split_at(replies.len().saturating_sub(2));
    let waiting = lengths.chunks(policy.layout.buckets());
    let queues = queues.iter().zip(waiting).map(|(name, lists)| Queue {
        name: name.clone(),
        ready: ready(lists),
        consumers: None,
    });
    Ok(Status {
        queues: queues.collect(),
        unacked: rest.first().filter(|reply| matches!(reply, Value::Int(_))).map(count),
        consumers: rest.get(1).and_then(|clients| consumers(clients, url.database())),
    })
}

fn ready(lists: &[Value]) -> Result<u64, String> {
    lists.iter().try_fold(0, |sum, length| match length {
        Value::ServerError(error) => Err(crate::redis::said(error)),
        length => Ok(sum + count(length)),
    })
}

/// Connections to the database that wait for messages: those of simq's workers are told of changes (`t`), those of
/// kombu's pop and wait.
fn consumers(clients: &Value, database: i64) -> Option<u64> {
    let text = match clients {
        Value::VerbatimString { text, .. } => text.as_str(),
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
        _ => return None,
    };
    let consumes = |client: &&str| {
        let field = |name: &str| client.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let here = field("db").and_then(|db| db.parse().ok()) == Some(database);
        let told = field("flags").is_some_and(|flags| flags.contains('t')) && field("cmd") != Some("client|tracking");
        here && (told || field("cmd") == Some("brpop"))
    };
    u64::try_from(text.lines().filter(consumes).count()).ok()
}

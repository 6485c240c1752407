//! Which server is the master now: Sentinels are asked anew for each connection, so that after a fail-over whoever
//! connects again finds the new one.

use super::RedisUrl;
use crate::env::redis::{RedisConnection, RedisLost};
use crate::env::{ConnectError, Env};
use redis::{Cmd, Value, cmd};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Sentinels and the name under which they watch a master.
#[derive(Debug)]
pub(crate) struct Sentinels {
    pub(super) servers: Vec<RedisUrl>,
    pub(super) master: Arc<str>,
    /// Sentinels besides the asked one that must watch it too.
    pub(super) others: u32,
}

/// Connects to the master. Each Sentinel has an equal share of the time that a connect may take, so that one that hangs
/// leaves time for the others.
pub(crate) async fn connect(
    env: &Env,
    url: &RedisUrl,
    sentinels: &Sentinels,
    limit: Duration,
) -> Result<Box<dyn RedisConnection>, ConnectError> {
    let share = limit / u32::try_from(sentinels.servers.len()).unwrap_or(u32::MAX).max(1);
    let mut failures = Vec::new();
    for sentinel in &sentinels.servers {
        match env.timeout(share, connect_by(env, url, sentinels, sentinel, share)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(why)) => failures.push(format!("{sentinel}: {why}")),
            Err(_) => failures.push(format!("{sentinel}: no answer within {share:?}")),
        }
    }
    let reason = format!("no Sentinel leads to the master {:?}: {}", sentinels.master, failures.join("; "));
    Err(ConnectError { server: url.to_string(), reason })
}

async fn connect_by(
    env: &Env,
    url: &RedisUrl,
    sentinels: &Sentinels,
    sentinel: &RedisUrl,
    limit: Duration,
) -> Result<Box<dyn RedisConnection>, String> {
    let asked = env.connect_redis_server(sentinel, limit).await.map_err(|error| error.reason)?;
    let mut question = cmd("SENTINEL");
    question.arg("MASTER").arg(&*sentinels.master);
    let answer = ask(&*asked, question).await?;
    asked.close();
    let (host, port) = master_of(&answer, sentinels)?;
    let master = url.at(&host, port);
    let found = env.connect_redis_server(&master, limit).await.map_err(|error| error.to_string())?;
    // Until it hears of its successor, a Sentinel names a master that has become a replica.
    match ask(&*found, cmd("ROLE")).await? {
        Value::Array(role) if matches!(role.first(), Some(Value::BulkString(role)) if role == b"master") => Ok(found),
        _ => Err(format!("it names {host}:{port}, which is no master any more")),
    }
}

async fn ask(connection: &dyn RedisConnection, question: Cmd) -> Result<Value, String> {
    let replies = connection.send(vec![question]).await.map_err(|RedisLost(why)| why)?;
    match replies.into_iter().next().unwrap_or_default() {
        Value::ServerError(error) => Err(super::said(&error)),
        reply => Ok(reply),
    }
}

/// Host and port of a master that its Sentinel believes to be alive.
fn master_of(answer: &Value, sentinels: &Sentinels) -> Result<(String, u16), String> {
    let fields: BTreeMap<String, String> =
        redis::from_redis_value_ref(answer).map_err(|_| format!("it says {answer:?} about its master"))?;
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("flags").split(',').any(|flag| matches!(flag, "s_down" | "o_down")) {
        return Err("it says that the master is down".to_owned());
    }
    let others = field("num-other-sentinels").parse().unwrap_or(0_u32);
    if others < sentinels.others {
        return Err(format!("{others} other Sentinels watch the master; min_other_sentinels is {}", sentinels.others));
    }
    let port = field("port").parse().map_err(|_| format!("it says that the master's port is {:?}", field("port")))?;
    Ok((field("ip").to_owned(), port))
}

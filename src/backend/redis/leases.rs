//! Leases on Redis: the same rules as in simq's own store, applied to a value that is swapped for the next one only if
//! nobody else has changed it meanwhile. The server's clock decides when a lease is over.

use crate::backend::frame::{Request, Response};
use crate::backend::lease::{Answer, Ask, Leases};
use crate::env::redis::{RedisConnection, RedisLost, RedisUrl};
use crate::env::{ConnectError, Env, Instant, Link};
use crate::redis::Script;
use redis::{Value, cmd};
use std::rc::Rc;
use std::time::Duration;

/// Before the name of a lease in its key.
const KEY: &str = "simq.lease.";
/// Swaps tried before it is left to whoever asks again.
const TRIES: usize = 10;

pub(super) fn script() -> Script {
    Script::new(include_str!("swap.lua"))
}

/// Connects, and answers questions about leases over the link that is returned.
pub(in crate::backend) async fn connect(
    env: &Env,
    url: &RedisUrl,
    limit: Duration,
) -> Result<Link<Request, Response>, ConnectError> {
    let connection: Rc<dyn RedisConnection> = env.connect_redis(url, limit).await?.into();
    let swap = script();
    let loaded = connection.send(vec![swap.load()]).await;
    loaded.map_err(|RedisLost(reason)| ConnectError { server: url.to_string(), reason })?;
    let (ours, theirs) = crate::env::pair();
    env.spawn(serve(connection, swap, Link::new(theirs)));
    Ok(Link::new(ours))
}

async fn serve(connection: Rc<dyn RedisConnection>, swap: Script, link: Link<Response, Request>) {
    while let Some(request) = link.recv().await {
        let Request::Lease(ask) = request else { break };
        match answer(&connection, &swap, &ask).await {
            Ok(answer) => link.send(Response::Lease(answer)),
            Err(why) => {
                tracing::warn!(why, "no answer about a lease");
                break;
            }
        }
    }
    link.close();
    connection.close();
}

async fn answer(connection: &Rc<dyn RedisConnection>, swap: &Script, ask: &Ask) -> Result<Answer, String> {
    let key = format!("{KEY}{}", ask.lease());
    let mut get = cmd("GET");
    get.arg(&key);
    for _ in 0..TRIES {
        let replies = connection.send(vec![cmd("TIME"), get.clone()]).await.map_err(|RedisLost(why)| why)?;
        let [time, there] = <[Value; 2]>::try_from(replies).map_err(|_| "too few replies".to_owned())?;
        let there = match there {
            Value::BulkString(text) => text,
            Value::Nil => Vec::new(),
            other => return Err(format!("{other:?} is under {key}")),
        };
        let mut leases = Leases::read(ask.lease(), &there)?;
        let answer = leases.answer(ask, now(&time)?);
        let next = leases.write(ask.lease());
        if next.as_bytes() == there {
            return Ok(answer);
        }
        let mut command = swap.run(1);
        command.arg(&key).arg(there).arg(next);
        let swapped = connection.send(vec![command]).await.map_err(|RedisLost(why)| why)?;
        match swapped.first() {
            Some(Value::Int(1)) => return Ok(answer),
            Some(Value::Int(0)) => {}
            other => return Err(format!("{other:?}")),
        }
    }
    Err("others change it all the time".to_owned())
}

/// The server's clock.
fn now(time: &Value) -> Result<Instant, String> {
    let number = |value: &Value| match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok()),
        _ => None,
    };
    let parts = match time {
        Value::Array(parts) => parts.as_slice(),
        _ => &[],
    };
    let (seconds, micros) = (parts.first().and_then(number), parts.get(1).and_then(number));
    let (Some(seconds), Some(micros)) = (seconds, micros) else { return Err(format!("TIME says {time:?}")) };
    Ok(Instant(seconds.saturating_mul(1_000_000_000).saturating_add(micros * 1_000)))
}

//! Connections as others see them: listed, unblocked, killed.

use super::call::{Call, Reply, bulk, flag, int};
use super::clients::FLAGS;
use super::command::{Command, NO_KEYS};
use super::errors::{Error, SYNTAX, UNBLOCKED};
use super::number::parse_integer;
use super::pubsub::subscriptions;
use super::{ClientId, Redis, args};

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("client|unblock", -3, FLAGS, NO_KEYS, unblock),
    Command::plain("client|kill", -3, FLAGS, NO_KEYS, kill),
    Command::plain("client|list", -2, FLAGS, NO_KEYS, list),
    Command::plain("client|info", 2, FLAGS, NO_KEYS, info),
];

fn unblock(call: &mut Call<'_>) -> Reply {
    let with_error = match call.args.get(3) {
        None => false,
        Some(word) if args::is(word, "timeout") => false,
        Some(word) if args::is(word, "error") => true,
        Some(_) => return Err(Error::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    };
    if call.args.len() > 4 {
        return Err(Error::subcommand_syntax("client", call.arg(1)));
    }
    let client = args::integer(call.arg(2))?;
    let client = u64::try_from(client).ok();
    Ok(flag(client.is_some_and(|client| match with_error {
        true => call.redis.unblock(client, UNBLOCKED.into()),
        false => call.redis.time_out(client),
    })))
}

fn kill(call: &mut Call<'_>) -> Reply {
    if let [_, _, word, kind] = call.args
        && args::is(word, "type")
    {
        return kill_all(call, kind);
    }
    let killed = match call.args {
        [_, _, word, id] if args::is(word, "id") => parse_integer(id),
        _ => return Err(SYNTAX),
    };
    let killed = killed.and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
    let killed = killed.ok_or(Error::fixed("ERR client-id should be greater than 0"))?;
    let known = call.redis.clients.contains_key(&killed);
    call.redis.close(killed);
    Ok(flag(known))
}

/// All of one kind but the one who asks.
fn kill_all(call: &mut Call<'_>, kind: &[u8]) -> Reply {
    let subscribed = match kind {
        kind if args::is(kind, "normal") => false,
        kind if args::is(kind, "pubsub") => true,
        // Links of replicas are the world's, not clients.
        kind if ["master", "slave", "replica"].iter().any(|known| args::is(kind, known)) => return Ok(flag(false)),
        kind => return Err(Error::new(format!("ERR Unknown client type '{}'", String::from_utf8_lossy(kind)))),
    };
    let others = call.redis.clients.iter().filter(|(client, _)| **client != call.client);
    let killed = others.filter(|(_, state)| (subscriptions(state) > 0) == subscribed);
    let killed: Vec<ClientId> = killed.map(|(client, _)| *client).collect();
    let count = int(killed.len());
    killed.into_iter().for_each(|client| call.redis.close(client));
    Ok(count)
}

fn describe(redis: &Redis, client: ClientId) -> String {
    let Some(state) = redis.clients.get(&client) else { return String::new() };
    let multi = state.transaction.as_ref().map_or(-1, |transaction| i64::try_from(transaction.len()).unwrap_or(-1));
    format!(
        "id={client} name={} db={} sub={} psub={} multi={multi} flags={} user={} resp={}\n",
        String::from_utf8_lossy(&state.name),
        state.db,
        state.channels.len(),
        state.patterns.len(),
        if state.wait.is_some() { "b" } else { "N" },
        state.user.as_deref().unwrap_or("(superuser)"),
        if state.resp3 { 3 } else { 2 },
    )
}

fn list(call: &mut Call<'_>) -> Reply {
    let lines: String = call.redis.clients.keys().map(|client| describe(call.redis, *client)).collect();
    Ok(bulk(lines.as_bytes()))
}

fn info(call: &mut Call<'_>) -> Reply {
    Ok(bulk(describe(call.redis, call.client).as_bytes()))
}

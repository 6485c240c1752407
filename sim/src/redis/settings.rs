//! `CONFIG` and `COMMAND`: what clients ask a server about itself before they use it.

use super::Redis;
use super::args::is;
use super::call::{Call, Reply, bulk, int};
use super::command::{self, Command, LOADING, NO_KEYS, NO_SCRIPT};
use super::config::{Eviction, Persistence};
use super::errors::Error;
use super::glob::matches;
use super::number::parse_integer;
use ::redis::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::container("config"),
    Command::plain("config|get", -3, NO_SCRIPT | LOADING, NO_KEYS, get),
    Command::plain("config|set", -4, NO_SCRIPT | LOADING, NO_KEYS, set),
    Command::plain("config|resetstat", 2, NO_SCRIPT | LOADING, NO_KEYS, |call| {
        call.redis.stats = super::Stats::default();
        Ok(Value::Okay)
    }),
    Command::plain("command", -1, LOADING, NO_KEYS, |_| Ok(describe_all())),
    Command::plain("command|count", 2, LOADING, NO_KEYS, |_| Ok(int(top_level().count()))),
    Command::plain("command|info", -2, LOADING, NO_KEYS, |call| {
        let names = &call.args[2..];
        if names.is_empty() {
            return Ok(describe_all());
        }
        let known = |name: &Vec<u8>| command::find(name).map_or(Value::Nil, describe);
        Ok(Value::Array(names.iter().map(known).collect()))
    }),
];

fn top_level() -> impl Iterator<Item = &'static Command> {
    command::all().iter().copied().filter(|command| !command.name.contains('|'))
}

fn describe_all() -> Value {
    Value::Array(top_level().map(describe).collect())
}

/// Name, arity, flags, and the places of the keys.
fn describe(command: &Command) -> Value {
    let flags = command.flag_names().map(|name| Value::SimpleString(name.into())).collect();
    let (first, last, step) = command.keys;
    let number = |number: i8| Value::Int(i64::from(number));
    let name = bulk(command.name.as_bytes());
    Value::Array(vec![name, number(command.arity), Value::Array(flags), number(first), number(last), number(step)])
}

/// The settings that can be asked for.
fn settings(redis: &Redis) -> Vec<(&'static str, String)> {
    let config = &redis.config;
    let (appends, sync) = match config.persistence {
        Persistence::None => ("no", "everysec"),
        Persistence::EverySecond => ("yes", "everysec"),
        Persistence::Always => ("yes", "always"),
    };
    vec![
        ("appendfsync", sync.into()),
        ("appendonly", appends.into()),
        ("databases", config.databases.to_string()),
        ("maxmemory", config.maxmemory.to_string()),
        ("maxmemory-policy", config.eviction.name().into()),
        ("requirepass", config.requirepass.clone().unwrap_or_default()),
        ("save", String::new()),
        ("timeout", "0".into()),
    ]
}

fn get(call: &mut Call<'_>) -> Reply {
    let patterns: Vec<Vec<u8>> = call.args[2..].iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
    let mut found = Vec::new();
    for (name, value) in settings(call.redis) {
        if patterns.iter().any(|pattern| matches(pattern, name.as_bytes())) {
            found.push(bulk(name.as_bytes()));
            found.push(bulk(value.as_bytes()));
        }
    }
    Ok(Value::Array(found))
}

/// All of them or none.
fn set(call: &mut Call<'_>) -> Reply {
    if call.args.len() % 2 == 1 {
        return Err(Error::arity("config|set"));
    }
    let mut config = call.redis.config.clone();
    for pair in call.args[2..].chunks_exact(2) {
        let (name, value) = (String::from_utf8_lossy(&pair[0]), String::from_utf8_lossy(&pair[1]));
        let failed =
            |why: &str| Error::new(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"));
        match name.to_lowercase().as_str() {
            "maxmemory" => {
                let bytes = parse_integer(&pair[1]).and_then(|bytes| usize::try_from(bytes).ok());
                config.maxmemory = bytes.ok_or_else(|| failed("argument must be a memory value"))?;
            }
            "maxmemory-policy" => {
                let named = Eviction::NAMES.iter().find(|(_, name)| is(&pair[1], name));
                config.eviction = named.ok_or_else(|| failed("argument must be one of the known policies"))?.0;
            }
            "requirepass" => config.requirepass = (!value.is_empty()).then(|| value.into_owned()),
            "appendfsync" if config.persistence != Persistence::None => {
                config.persistence = match value.as_ref() {
                    "always" => Persistence::Always,
                    "everysec" => Persistence::EverySecond,
                    _ => return Err(failed("argument must be one of the following: everysec, always")),
                };
            }
            _ => {
                return Err(Error::new(format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'")));
            }
        }
    }
    call.redis.config = config;
    Ok(Value::Okay)
}

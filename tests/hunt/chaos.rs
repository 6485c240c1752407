//! Random faults, as a scenario's table `[explore]` allows them.

use simq_sim::Prng;
use toml::{Table, Value};

fn pick<'a>(random: &mut Prng, from: &'a [String]) -> &'a str {
    &from[random.below(from.len() as u64) as usize]
}

fn texts(table: &Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Milliseconds of a range of whole seconds.
fn range(text: &str) -> (u64, u64) {
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u64>().expect("whole seconds") * 1000;
    let (low, high) = text.split_once("..").expect("a range");
    (seconds(low), seconds(high))
}

/// A scenario with up to as many faults as its table allows.
pub(crate) fn with_faults(text: &str, seed: u64) -> Table {
    let mut file: Table = text.parse().expect("TOML");
    let explore = file.remove("explore").and_then(|value| value.as_table().cloned()).expect("[explore]");
    let (kinds, processes) = (texts(&explore, "faults"), texts(&explore, "processes"));
    let most = explore.get("most").and_then(Value::as_integer).unwrap_or(2) as u64;
    let between = range(explore.get("between").and_then(Value::as_str).expect("between"));
    let is_redis = file.get("broker").and_then(Value::as_str) == Some("redis");
    let mut random = Prng::new(seed, "chaos");
    let count = random.between(0, most);
    let faults = (0..count).map(|_| Value::Table(fault(&mut random, &kinds, &processes, between, is_redis)));
    let faults: Vec<Value> = faults.collect();
    file.insert("fault".to_owned(), Value::Array(faults));
    file
}

fn fault(random: &mut Prng, kinds: &[String], processes: &[String], (from, to): (u64, u64), is_redis: bool) -> Table {
    let kind = pick(random, kinds).to_owned();
    let process = pick(random, processes).to_owned();
    let workers: Vec<String> = processes.iter().filter(|name| name.starts_with('w')).cloned().collect();
    let at = format!("{}ms", random.between(from, to));
    let lasting = format!("{}ms", random.between(200, 20_000));
    let others: Vec<String> = match &*process {
        "broker" | "backend" => processes.iter().filter(|name| !["broker", "backend"].contains(&name.as_str())).cloned().collect(),
        _ => ["broker", "backend"].map(str::to_owned).to_vec(),
    };
    let hosts = Value::Array(vec![process.clone().into(), pick(random, &others).to_owned().into()]);
    let point = ["before", "after"][random.below(2) as usize];
    let nth = random.between(1, 60) as i64;
    let mut table = Table::new();
    let mut set = |key: &str, value: Value| drop(table.insert(key.to_owned(), value));
    set("do", kind.clone().into());
    match &*kind {
        "kill" | "power_off" => {
            set("process", process.into());
            set("restart_after", lasting.into());
            match random.below(2) {
                0 => set("at", at.into()),
                _ => {
                    set(point, "any".into());
                    set("nth", nth.into());
                }
            }
        }
        "reset" | "half_open" => {
            set("hosts", hosts);
            match random.below(2) {
                0 => set("at", at.into()),
                _ => {
                    set("of", process.into());
                    set(point, "any".into());
                    set("nth", nth.into());
                }
            }
        }
        "partition" => {
            set("hosts", hosts);
            set("at", at.into());
            set("for", lasting.into());
        }
        "pause" => {
            set("process", process.into());
            set("at", at.into());
            set("for", lasting.into());
        }
        "kill_child" => {
            set("process", pick(random, &workers).to_owned().into());
            set("at", at.into());
        }
        "lose_reply" => {
            let effects = match is_redis {
                true => ["redis.take", "redis.hdel", "redis.move", "redis.publish"],
                false => ["basic.ack", "result.store", "basic.publish", "basic.nack"],
            };
            set("of", pick(random, &workers).to_owned().into());
            set("before", effects[random.below(4) as usize].into());
            set("nth", (random.between(1, 10) as i64).into());
        }
        "signal" => {
            set("process", process.into());
            set("at", at.into());
            set("restart_after", "60s".into());
        }
        "clock_step" => {
            set("process", process.into());
            set("by", ["-90s", "-7s", "+7s", "+90s"][random.below(4) as usize].into());
            set("at", at.into());
        }
        other => unreachable!("{other} is not known here"),
    }
    table
}

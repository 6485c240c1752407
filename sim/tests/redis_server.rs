//! What a simulated Redis does that can't be asked of a real one at will: losing power, lagging replicas, a full memory.

use simq_sim::redis::{
    ClientId, Crash, Eviction, Micros, Persistence, Redis, RedisConfig, Sentinel, User, Value, error_value,
};

const SECOND: Micros = 1_000_000;
const ME: ClientId = 1;

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn text(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

/// The last reply to this client.
fn ask_at(redis: &mut Redis, line: &str, now: Micros) -> Option<Value> {
    let mut out = Vec::new();
    redis.apply(ME, &words(line), now, &mut out);
    out.into_iter().rev().find(|(client, _)| *client == ME).map(|(_, value)| value)
}

fn ask(redis: &mut Redis, line: &str) -> Value {
    ask_at(redis, line, SECOND).expect("a reply")
}

fn server(config: RedisConfig) -> Redis {
    let mut redis = Redis::new(config);
    redis.connect(ME);
    redis
}

fn persistent(persistence: Persistence) -> Redis {
    server(RedisConfig { persistence, ..RedisConfig::default() })
}

fn restarted(mut redis: Redis, now: Micros, crash: Crash) -> Redis {
    redis.restart(now, crash);
    redis.connect(ME);
    redis
}

#[test]
fn without_persistence_a_restart_is_empty() {
    let mut redis = persistent(Persistence::None);
    ask(&mut redis, "SET k v");
    let mut redis = restarted(redis, 2 * SECOND, Crash::Process);
    assert_eq!(ask(&mut redis, "DBSIZE"), Value::Int(0));
}

#[test]
fn a_dead_process_loses_nothing_and_the_power_what_was_not_synced() {
    for (crash, left) in [(Crash::Process, 2), (Crash::Power, 1)] {
        let mut redis = persistent(Persistence::EverySecond);
        ask_at(&mut redis, "SET synced v", 0);
        assert_eq!(redis.next_deadline(), Some(SECOND), "the sync is due");
        redis.tick(SECOND, &mut Vec::new());
        ask_at(&mut redis, "SET fresh v", SECOND + 1);
        let mut redis = restarted(redis, 2 * SECOND, crash);
        assert_eq!(ask(&mut redis, "EXISTS synced fresh"), Value::Int(left), "{crash:?}");
    }
}

#[test]
fn synced_before_every_reply_nothing_is_lost() {
    let mut redis = persistent(Persistence::Always);
    for line in
        ["LPUSH l a b c", "RPOP l", "SETEX k 100 v", "ZADD z 1 m", "HSET h f v", "SPOP nosuch", "SADD s m", "INCR n"]
    {
        ask(&mut redis, line);
    }
    let mut redis = restarted(redis, 2 * SECOND, Crash::Power);
    assert_eq!(ask(&mut redis, "LRANGE l 0 -1"), Value::Array(vec![text("c"), text("b")]));
    assert_eq!(ask_at(&mut redis, "TTL k", 11 * SECOND), Some(Value::Int(90)), "deadlines are logged as they are");
    assert_eq!(ask(&mut redis, "DBSIZE"), Value::Int(6));
    // What was read from the log is in the next one, too.
    let mut redis = restarted(redis, 3 * SECOND, Crash::Power);
    assert_eq!(ask(&mut redis, "DBSIZE"), Value::Int(6));
}

#[test]
fn a_transaction_is_kept_whole_or_not_at_all() {
    let mut redis = persistent(Persistence::EverySecond);
    for line in ["MULTI", "LPUSH a 1", "LPUSH b 1", "EXEC"] {
        ask(&mut redis, line);
    }
    let mut lost = restarted(redis, SECOND + 10, Crash::Power);
    assert_eq!(ask(&mut lost, "EXISTS a b"), Value::Int(0));
}

#[test]
fn the_log_is_rewritten_when_it_is_long_and_says_the_same() {
    let mut redis = persistent(Persistence::EverySecond);
    for n in 0..10_000 {
        ask(&mut redis, &format!("LPUSH l {n}"));
        ask(&mut redis, "RPOP l");
    }
    ask(&mut redis, "LPUSH l last");
    let mut redis = restarted(redis, 2 * SECOND, Crash::Process);
    assert_eq!(ask(&mut redis, "LRANGE l 0 -1"), Value::Array(vec![text("last")]));
}

#[test]
fn a_blocked_client_that_is_served_is_logged_as_a_pop() {
    let mut redis = persistent(Persistence::Always);
    redis.connect(2);
    redis.apply(2, &words("BRPOP l 0"), 0, &mut Vec::new());
    ask(&mut redis, "LPUSH l a b");
    let mut redis = restarted(redis, 2 * SECOND, Crash::Power);
    assert_eq!(ask(&mut redis, "LRANGE l 0 -1"), Value::Array(vec![text("b")]));
}

#[test]
fn scripts_and_connections_are_forgotten() {
    let mut redis = persistent(Persistence::Always);
    redis.script("return 1", std::rc::Rc::new(|_| Ok(Value::Int(1))));
    assert_eq!(
        ask(&mut redis, "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0"),
        error_value("NOSCRIPT No matching script. Please use EVAL.")
    );
    let mut out = Vec::new();
    let load = [b"SCRIPT".to_vec(), b"LOAD".to_vec(), b"return 1".to_vec()];
    redis.apply(ME, &load, 0, &mut out);
    assert_eq!(ask(&mut redis, "EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0"), Value::Int(1));
    redis.restart(SECOND, Crash::Process);
    assert_eq!(ask_at(&mut redis, "PING", SECOND), None, "nobody is connected");
    redis.connect(ME);
    assert_eq!(
        ask(&mut redis, "SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db"),
        Value::Array(vec![Value::Int(0)])
    );
}

/// A master and its replica, which has copied it and lags by a second.
fn pair() -> (Redis, Redis) {
    let mut master = server(RedisConfig::default());
    let mut replica = server(RedisConfig::default());
    ask(&mut master, "SET before v");
    replica.follow(("master", 6379), master.snapshot(), SECOND, 0, &mut Vec::new());
    (master, replica)
}

#[test]
fn a_replica_repeats_its_master_after_its_lag() {
    let (mut master, mut replica) = pair();
    for line in ["SETEX k 100 v", "LPUSH l a", "MULTI", "INCR n", "INCR n", "EXEC"] {
        ask(&mut master, line);
    }
    replica.receive(master.take_stream(), 0);
    assert_eq!(ask_at(&mut replica, "DBSIZE", 10), Some(Value::Int(1)));
    assert_eq!(replica.next_deadline(), Some(SECOND));
    replica.tick(SECOND, &mut Vec::new());
    assert_eq!(ask(&mut replica, "GET n"), text("2"));
    assert_eq!(ask(&mut replica, "TTL k"), Value::Int(100));
    let refusal = error_value("READONLY You can't write against a read only replica.");
    assert_eq!(ask(&mut replica, "SET k w"), refusal);
    assert_eq!(replica.master(), Some(("master", 6379)));
}

#[test]
fn a_replica_hides_expired_keys_and_waits_for_its_master_to_remove_them() {
    let (mut master, mut replica) = pair();
    ask_at(&mut master, "PSETEX k 500 v", 0);
    replica.receive(master.take_stream(), 0);
    replica.tick(SECOND, &mut Vec::new());
    assert_eq!(ask(&mut replica, "GET k"), Value::Nil);
    assert_eq!(ask(&mut replica, "DBSIZE"), Value::Int(2));
    master.tick(SECOND, &mut Vec::new());
    replica.receive(master.take_stream(), SECOND);
    replica.tick(2 * SECOND, &mut Vec::new());
    assert_eq!(ask(&mut replica, "DBSIZE"), Value::Int(1));
}

#[test]
fn a_promoted_replica_lacks_what_had_not_arrived() {
    let (mut master, mut replica) = pair();
    ask(&mut master, "SET arrived v");
    replica.receive(master.take_stream(), 0);
    replica.tick(SECOND, &mut Vec::new());
    ask(&mut master, "SET lost v");
    replica.receive(master.take_stream(), SECOND);
    replica.promote();
    assert_eq!(ask_at(&mut replica, "EXISTS before arrived lost", 5 * SECOND), Some(Value::Int(2)));
    assert_eq!(ask(&mut replica, "SET k v"), Value::Okay);
}

#[test]
fn a_demoted_master_sends_blocked_clients_away() {
    let mut redis = server(RedisConfig::default());
    assert_eq!(ask_at(&mut redis, "BRPOP l 0", 0), None);
    redis.connect(2);
    let mut out = Vec::new();
    redis.apply(2, &words("REPLICAOF other 6379"), 0, &mut out);
    let unblocked =
        error_value("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)");
    assert!(out.contains(&(ME, unblocked)), "{out:?}");
    assert!(out.contains(&(2, Value::Okay)));
}

#[test]
fn sentinel_knows_the_master_and_tells_who_takes_over() {
    let mut sentinel = Sentinel::new(None, 30_000);
    let (first, second) = (("10.0.0.1".to_owned(), 6379), ("10.0.0.2".to_owned(), 6379));
    sentinel.watch("main", first, vec![second.clone()]);
    sentinel.connect(ME);
    let mut out = Vec::new();
    sentinel.apply(ME, &words("SENTINEL get-master-addr-by-name main"), 0, &mut out);
    sentinel.apply(ME, &words("SENTINEL get-master-addr-by-name other"), 0, &mut out);
    sentinel.apply(ME, &words("SUBSCRIBE +switch-master"), 0, &mut out);
    out.remove(2);
    sentinel.switch_master("main", second, 0, &mut out);
    let message = [text("message"), text("+switch-master"), text("main 10.0.0.1 6379 10.0.0.2 6379")];
    let address = Value::Array(vec![text("10.0.0.1"), text("6379")]);
    assert_eq!(out, [(ME, address), (ME, Value::Nil), (ME, Value::Array(message.to_vec()))]);
}

fn filled(eviction: Eviction) -> Redis {
    let mut redis = server(RedisConfig { maxmemory: 50_000, eviction, seed: 7, ..RedisConfig::default() });
    for n in 0..1_000 {
        let line =
            if n % 2 == 0 { format!("SET k{n} vvvvvvvvvvvvvvvv") } else { format!("SETEX k{n} {n} vvvvvvvvvvvvvvvv") };
        ask(&mut redis, &line);
    }
    redis
}

#[test]
fn a_full_memory_refuses_growth_and_takes_removals() {
    let mut redis = filled(Eviction::Never);
    let full = error_value("OOM command not allowed when used memory > 'maxmemory'.");
    assert_eq!(ask(&mut redis, "SET k v"), full);
    assert_eq!(ask(&mut redis, "GET k0"), text("vvvvvvvvvvvvvvvv"));
    assert_eq!(ask(&mut redis, "DEL k0 k1 k2 k3"), Value::Int(4));
    assert_eq!(ask(&mut redis, "SET k v"), Value::Okay);
}

#[test]
fn policies_evict_what_they_say() {
    for policy in [Eviction::AllKeysLru, Eviction::AllKeysRandom] {
        let mut redis = filled(policy);
        assert!(redis.used_memory() <= 50_200, "{policy:?}: {}", redis.used_memory());
        assert_eq!(ask(&mut redis, "EXISTS k999"), Value::Int(1), "{policy:?}: the newest stays");
        let mut again = filled(policy);
        assert_eq!(ask(&mut redis, "KEYS *"), ask(&mut again, "KEYS *"), "{policy:?}: the same seed, the same victims");
    }
    let mut redis = filled(Eviction::VolatileTtl);
    assert_eq!(ask(&mut redis, "EXISTS k0 k2"), Value::Int(2), "without a deadline nothing is evicted");
    assert_eq!(ask(&mut redis, "EXISTS k1 k3 k5"), Value::Int(0), "the nearest deadlines go first");
}

/// Memory is counted by differences: whatever is done, it is what a new server with the same data counts.
#[test]
fn counted_memory_does_not_drift() {
    let mut redis = server(RedisConfig::default());
    let empty = redis.used_memory();
    let lines = [
        "LPUSH l a bb ccc",
        "LTRIM l 0 1",
        "LSET l 0 xxxxx",
        "LREM l 0 xxxxx",
        "LINSERT l BEFORE bb y",
        "RPOPLPUSH l m",
        "HSET h f vvvv g w",
        "HSET h f v",
        "HDEL h g",
        "SADD s a b",
        "SREM s a",
        "SMOVE s t b",
        "ZADD z 1 a 2 b",
        "ZADD z 3 a",
        "ZREMRANGEBYSCORE z 2 2",
        "ZPOPMIN z",
        "SET k vvvvv",
        "APPEND k more",
        "SETRANGE k 2 x",
        "RENAME k r",
        "COPY r c",
        "MOVE c 1",
        "EXPIRE r 100",
        "GETEX r PERSIST",
    ];
    for line in lines {
        ask(&mut redis, line);
        assert!(redis.used_memory() > empty, "{line}");
    }
    ask(&mut redis, "DEL l m h s t z r k");
    ask(&mut redis, "SELECT 1");
    ask(&mut redis, "DEL c");
    assert_eq!(redis.used_memory(), empty);
}

#[test]
fn users_have_passwords_and_denied_commands() {
    let user = User { name: "reader".into(), password: "secret".into(), denied: vec!["set".into()] };
    let mut redis =
        server(RedisConfig { requirepass: Some("root".into()), users: vec![user], ..RedisConfig::default() });
    assert_eq!(ask(&mut redis, "GET k"), error_value("NOAUTH Authentication required."));
    assert_eq!(ask(&mut redis, "AUTH reader secret"), Value::Okay);
    assert_eq!(ask(&mut redis, "GET k"), Value::Nil);
    let denied = error_value("NOPERM this user has no permissions to run the 'set' command");
    assert_eq!(ask(&mut redis, "SET k v"), denied);
    assert_eq!(ask(&mut redis, "AUTH root"), Value::Okay);
    assert_eq!(ask(&mut redis, "SET k v"), Value::Okay);
}

#[test]
fn the_server_says_whom_it_has_hung_up_on() {
    let mut redis = server(RedisConfig::default());
    redis.connect(2);
    assert_eq!(ask(&mut redis, "CLIENT KILL ID 2"), Value::Int(1));
    assert_eq!(ask(&mut redis, "QUIT"), Value::Okay);
    assert_eq!(redis.take_closed(), [2, ME]);
    assert_eq!(ask_at(&mut redis, "PING", 0), None);
}

#[test]
fn a_quiet_server_has_nothing_to_wait_for() {
    let mut redis = server(RedisConfig::default());
    assert_eq!(redis.next_deadline(), None);
    ask_at(&mut redis, "PSETEX k 250 v", 0);
    assert_eq!(redis.next_deadline(), Some(300_000), "the next of ten cycles a second that finds it past its deadline");
    redis.tick(300_000, &mut Vec::new());
    assert_eq!((redis.next_deadline(), redis.used_memory()), (None, 0));
    assert_eq!(redis.calls().get("psetex"), Some(&1));
}

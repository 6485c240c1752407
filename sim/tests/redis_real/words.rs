//! Random commands: templates whose blanks are filled by dice, so that a failing sequence shrinks to small ones.
//!
//! A word of one letter is a blank. `a|b` is a choice, `a_b` are two words, `?` is perhaps, `*` up to three times, `+`
//! one to three times.

/// Numbers from a sequence; 0 when they are used up.
pub(crate) struct Dice<'a>(pub(crate) &'a [u16]);

impl Dice<'_> {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound < 2 {
            return 0;
        }
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % bound
    }

    fn pick<'b>(&mut self, from: &[&'b str]) -> &'b str {
        from[self.below(from.len())]
    }
}

pub(crate) const SCRIPTS: [&str; 7] = [
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end",
    "local v = redis.call('rpop', KEYS[1]) if v then redis.call('hset', KEYS[2], ARGV[1], v) end return v",
    "local n = redis.call('incr', KEYS[1]) redis.call('pexpire', KEYS[1], ARGV[1]) return n",
    "redis.call('lpush', KEYS[1], ARGV[1]) redis.call('lpush', KEYS[2], ARGV[1]) return redis.status_reply('DONE')",
    "return {1, redis.call('llen', KEYS[1]), 'x'}",
    "local r = redis.pcall('incr', KEYS[1]) if type(r) == 'table' then return 'caught' end return r",
    "redis.setresp(3) return redis.call('exists', KEYS[1]) == 1",
];

fn blank(letter: u8, dice: &mut Dice<'_>) -> Vec<u8> {
    let text = match letter {
        b'K' => dice.pick(&["k0", "k1", "k2", "k3", "k4"]).to_owned(),
        b'V' => dice.pick(&["a", "b", "", "1", "-7", "9223372036854775807", "007", "x\r\n\0y", "3.5"]).to_owned(),
        b'M' => dice.pick(&["a", "b", "c", "d", "", "aa"]).to_owned(),
        b'I' => dice.pick(&["0", "1", "-1", "2", "-2", "5", "-100", "100", "x", "9223372036854775807"]).to_owned(),
        b'J' => dice.pick(&["0", "1", "-1", "2", "-2", "3"]).to_owned(),
        b'N' => dice.pick(&["1", "2", "0", "3", "10", "-1", "x"]).to_owned(),
        b'F' => dice
            .pick(&["1", "2", "0", "-1.5", "0.1", "1e20", "inf", "-inf", "nan", "x", "1795347671.6673567"])
            .to_owned(),
        b'S' => {
            dice.pick(&["-inf", "+inf", "0", "1", "(1", "2", "(2", "-1.5", "(-inf", "(+inf", "x", "(", ""]).to_owned()
        }
        b'L' => dice.pick(&["-", "+", "[a", "(a", "[b", "(c", "[", "x"]).to_owned(),
        b'E' => dice.pick(&["LEFT", "RIGHT", "left", "Right"]).to_owned(),
        b'G' => dice.pick(&["*", "k*", "k[0-2]", "?1", "[^k]*", "a*"]).to_owned(),
        b'C' => dice.pick(&["c0", "c1", "d0"]).to_owned(),
        b'H' => dice.pick(&["c*", "*", "c?", "d[0-9]"]).to_owned(),
        b'D' => dice.pick(&["0", "1", "0", "16", "x", "-1"]).to_owned(),
        // Deadlines are far away or long past, so that no clock can matter.
        b'X' => dice.pick(&["1000", "200000", "4000000", "0", "-1", "x", "9223372036854775807"]).to_owned(),
        b'Y' => dice.pick(&["1000000", "200000000", "4000000000", "0", "-1", "x"]).to_owned(),
        b'A' => dice.pick(&["5000000000", "6000000000", "1", "0", "-1", "x"]).to_owned(),
        b'Z' => dice.pick(&["5000000000000", "6000000000000", "1", "0", "-1"]).to_owned(),
        other => panic!("no blank: {}", char::from(other)),
    };
    text.into_bytes()
}

/// The words of a template, blanks filled.
pub(crate) fn fill(template: &str, dice: &mut Dice<'_>) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    for token in template.split(' ') {
        let (token, times) = match token.as_bytes().last() {
            Some(b'?') => (&token[..token.len() - 1], dice.below(2)),
            Some(b'*') if token.len() > 1 => (&token[..token.len() - 1], dice.below(4)),
            Some(b'+') if token.len() > 1 => (&token[..token.len() - 1], 1 + dice.below(3)),
            _ => (token, 1),
        };
        for _ in 0..times {
            let choices: Vec<&str> = token.split('|').collect();
            let chosen = dice.pick(&choices);
            for word in chosen.split('_') {
                words.push(match (word.as_bytes(), word.strip_prefix("SCRIPT"), word.strip_prefix("SHA")) {
                    ([letter], _, _) if letter.is_ascii_uppercase() => blank(*letter, dice),
                    (_, Some(number), _) if number.len() == 1 => script(number).as_bytes().to_vec(),
                    (_, _, Some(number)) if number.len() == 1 => {
                        sha1_smol::Sha1::from(script(number)).digest().to_string().into_bytes()
                    }
                    _ => word.as_bytes().to_vec(),
                });
            }
        }
    }
    words
}

fn script(number: &str) -> &'static str {
    SCRIPTS[number.parse::<usize>().expect("a number")]
}

pub(crate) const TEMPLATES: &[&str] = &[
    "GET K",
    "SET K V",
    "SET K V NX|XX|GET|KEEPTTL|EX_X|PX_Y|EXAT_A|PXAT_Z*",
    "SETEX K X V",
    "PSETEX K Y V",
    "SETNX K V",
    "GETSET K V",
    "GETDEL K",
    "GETEX K EX_X|PX_Y|EXAT_A|PXAT_Z|PERSIST?",
    "MGET K+",
    "MSET K V K V",
    "MSETNX K V K V",
    "APPEND K V",
    "STRLEN K",
    "GETRANGE K I I",
    "SETRANGE K N V",
    "INCR K",
    "DECR K",
    "INCRBY K I",
    "DECRBY K I",
    "DEL K+",
    "DEL K",
    "UNLINK K+",
    "EXISTS K+",
    "TOUCH K+",
    "TYPE K",
    "RENAME K K",
    "RENAMENX K K",
    "KEYS G",
    "DBSIZE",
    "COPY K K DB_D|REPLACE*",
    "MOVE K D",
    "FLUSHDB",
    "FLUSHALL ASYNC|SYNC|x?",
    "EXPIRE K X NX|XX|x*",
    "PEXPIRE K Y",
    "EXPIREAT K A NX|XX|GT|LT|x*",
    "PEXPIREAT K Z NX|XX|GT|LT?",
    "TTL K",
    "PTTL K",
    "PERSIST K",
    "EXPIRETIME K",
    "PEXPIRETIME K",
    "LPUSH K V+",
    "LPUSH K V",
    "RPUSH K V+",
    "LPUSHX K V",
    "RPUSHX K V+",
    "LPOP K N?",
    "RPOP K N?",
    "LLEN K",
    "LRANGE K I I",
    "LRANGE K 0 -1",
    "LINDEX K I",
    "LREM K I V",
    "LTRIM K I I",
    "LSET K I V",
    "LINSERT K BEFORE|AFTER|x V V",
    "RPOPLPUSH K K",
    "LMOVE K K E E",
    "LMPOP N K+ E COUNT_N*",
    "LMPOP 2 K K E",
    "BLPOP K+ 0",
    "BRPOP K+ 0",
    "BRPOP K 0",
    "BLPOP K 0|-1|x|inf|1e300|-0.1",
    "BLMOVE K K E E 0",
    "BRPOPLPUSH K K 0",
    "BLMPOP 0 2 K K E COUNT_N?",
    "BRPOP K K K K 0",
    "HSET K M V",
    "HSET K M V M V",
    "HSETNX K M V",
    "HMSET K M V",
    "HGET K M",
    "HMGET K M+",
    "HGETALL K",
    "HDEL K M+",
    "HEXISTS K M",
    "HLEN K",
    "HKEYS K",
    "HVALS K",
    "HINCRBY K M I",
    "HSTRLEN K M",
    "HSCAN K 0 MATCH_G|COUNT_N*",
    "ZADD K F M",
    "ZADD K NX|XX|GT|LT|CH|INCR* F M",
    "ZADD K NX|XX|GT|LT|CH* F M F M",
    "ZREM K M+",
    "ZSCORE K M",
    "ZMSCORE K M+",
    "ZCARD K",
    "ZCOUNT K S S",
    "ZINCRBY K F M",
    "ZRANK K M",
    "ZREVRANK K M",
    "ZRANGE K I I WITHSCORES?",
    "ZRANGE K S S BYSCORE REV|LIMIT_J_J|WITHSCORES*",
    "ZRANGE K L L BYLEX REV|LIMIT_J_J*",
    "ZRANGE K J J BYSCORE|BYLEX|REV|LIMIT_J_J|WITHSCORES|x*",
    "ZRANGEBYSCORE K S S WITHSCORES|LIMIT_J_J*",
    "ZREVRANGEBYSCORE K S S WITHSCORES|LIMIT_J_J*",
    "ZRANGEBYLEX K L L LIMIT_J_J?",
    "ZREVRANGEBYLEX K L L",
    "ZLEXCOUNT K L L",
    "ZREVRANGE K I I WITHSCORES?",
    "ZREMRANGEBYSCORE K S S",
    "ZREMRANGEBYRANK K I I",
    "ZREMRANGEBYLEX K L L",
    "ZPOPMIN K N?",
    "ZPOPMAX K N?",
    "ZSCAN K 0 MATCH_G?",
    "BZPOPMIN K+ 0",
    "BZPOPMAX K 0",
    "SADD K M+",
    "SREM K M+",
    "SMEMBERS K",
    "SISMEMBER K M",
    "SMISMEMBER K M+",
    "SCARD K",
    "SPOP K 100",
    "SMOVE K K M",
    "SSCAN K 0 MATCH_G|COUNT_100|COUNT_0|COUNT_x|x*",
    "SINTER K+",
    "SUNION K+",
    "SDIFF K+",
    "SCAN 0 COUNT_100 MATCH_G|TYPE_list|TYPE_x?",
    "SUBSCRIBE C+",
    "UNSUBSCRIBE C*",
    "PSUBSCRIBE H+",
    "PUNSUBSCRIBE H*",
    "PUBLISH C V",
    "PUBLISH C V",
    "PUBSUB CHANNELS H?",
    "PUBSUB NUMSUB C*",
    "PUBSUB NUMPAT",
    "PING V?",
    "ECHO V",
    "MULTI",
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC",
    "DISCARD",
    "WATCH K+",
    "WATCH K",
    "UNWATCH",
    "SELECT D",
    "SELECT 0",
    "SELECT 1",
    "CLIENT SETNAME V",
    "CLIENT GETNAME",
    "RESET",
    "HELLO 3",
    "HELLO 3 SETNAME_V|AUTH_V_V|x?",
    "HELLO 2",
    "HELLO J?",
    "INFO clients|server",
    "CLIENT TRACKING ON",
    "CLIENT TRACKING ON OPTIN|NOLOOP*",
    "CLIENT TRACKING ON|OFF|x OPTIN|NOLOOP|x*",
    "CLIENT TRACKING OFF",
    "CLIENT CACHING YES",
    "CLIENT CACHING YES|NO|x",
    "EVAL SCRIPT0 1 K V",
    "EVALSHA SHA0 1 K V",
    "EVAL SCRIPT1 2 K K M",
    "EVALSHA SHA1 2 K K M",
    "EVAL SCRIPT2 1 K 1000000",
    "EVALSHA SHA3 2 K K V",
    "SCRIPT LOAD SCRIPT3",
    "SCRIPT EXISTS SHA3 SHA0 x",
    "EVAL SCRIPT3 2 K K V",
    "EVAL SCRIPT4 1 K",
    "EVAL SCRIPT5 1 K",
    "EVAL SCRIPT6 1 K",
    "SCRIPT FLUSH SYNC|ASYNC|x?",
    "EVAL SCRIPT4 1|-1|x|2",
    "EVALSHA x 0",
    "NOSUCH V V",
    "GET",
    "SUBSCRIBE",
    "CLIENT",
    "CLIENT x",
    "SCRIPT LOAD",
    "CONFIG GET maxmemory",
    "LPUSH K",
    "COMMAND x",
];

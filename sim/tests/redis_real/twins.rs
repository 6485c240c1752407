//! Native twins of the scripts that the sequences use.

use crate::redis_real::words::SCRIPTS;
use simq_sim::redis::{Redis, Script, Value};
use std::rc::Rc;

type Native = fn(&mut Script<'_>) -> Result<Value, Value>;

const TWINS: [Native; 7] = [
    |script| {
        let (keys, argv) = (script.keys, script.argv);
        let held = script.call(&[b"GET", &keys[0]])?;
        if held != Value::BulkString(argv[0].clone()) {
            return Ok(Value::Int(0));
        }
        script.call(&[b"DEL", &keys[0]])
    },
    |script| {
        let (keys, argv) = (script.keys, script.argv);
        let popped = script.call(&[b"RPOP", &keys[0]])?;
        if let Value::BulkString(item) = &popped {
            script.call(&[b"HSET", &keys[1], &argv[0], item])?;
        }
        Ok(popped)
    },
    |script| {
        let (keys, argv) = (script.keys, script.argv);
        let count = script.call(&[b"INCR", &keys[0]])?;
        script.call(&[b"PEXPIRE", &keys[0], &argv[0]])?;
        Ok(count)
    },
    |script| {
        let (keys, argv) = (script.keys, script.argv);
        script.call(&[b"LPUSH", &keys[0], &argv[0]])?;
        script.call(&[b"LPUSH", &keys[1], &argv[0]])?;
        Ok(Value::SimpleString("DONE".into()))
    },
    |script| {
        let keys = script.keys;
        let len = script.call(&[b"LLEN", &keys[0]])?;
        Ok(Value::Array(vec![Value::Int(1), len, Value::BulkString(b"x".to_vec())]))
    },
    |script| {
        let keys = script.keys;
        Ok(script.pcall(&[b"INCR", &keys[0]]).unwrap_or(Value::BulkString(b"caught".to_vec())))
    },
    |script| {
        let keys = script.keys;
        Ok(Value::Boolean(script.call(&[b"EXISTS", &keys[0]])? == Value::Int(1)))
    },
];

pub(crate) fn declare(redis: &mut Redis) {
    for (source, twin) in SCRIPTS.into_iter().zip(TWINS) {
        redis.script(source, Rc::new(twin));
    }
}

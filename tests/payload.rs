//! Serializers and compressions: values go through unchanged, and Python's own forms are read as Python means them.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use simq::message::payload::{MAX_BODY, MAX_DEPTH, PayloadError};
use simq::message::python::{Bytes, Date, DateTime, Decimal, Float, Time, Uuid};
use simq::message::{Compression, Serializer, Timestamp};

const LIMIT: usize = 1 << 20;

fn raw(value: &impl serde::Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("JSON")
}

fn there_and_back(serializer: Serializer, value: &RawValue) -> Box<RawValue> {
    let bytes = serializer.encode(value).unwrap_or_else(|error| panic!("{serializer}: {error}"));
    serializer.decode(&bytes, MAX_BODY).unwrap_or_else(|error| panic!("{serializer}: {error} in {bytes:?}"))
}

fn value_of(text: &RawValue) -> Value {
    serde_json::from_str(text.get()).expect("valid JSON")
}

/// The text that bytes of a serializer become.
fn read(serializer: Serializer, bytes: &[u8]) -> Result<String, PayloadError> {
    serializer.decode(bytes, LIMIT).map(|value| value.get().to_owned())
}

#[test]
fn names_and_content_types_are_read() {
    for serializer in Serializer::ALL {
        assert_eq!(serializer.name().parse(), Ok(serializer));
        assert_eq!(serializer.content_type().parse(), Ok(serializer));
        assert_eq!(serializer.to_string().parse(), Ok(serializer));
    }
    for compression in Compression::ALL {
        for name in [compression.names(), &[compression.content_type()]].concat() {
            assert_eq!(name.parse(), Ok(compression));
        }
    }
    let error = "text/plain".parse::<Serializer>().expect_err("no serializer").to_string();
    assert!(error.contains("json, msgpack, yaml, pickle") && error.contains("text/plain"), "{error}");
    assert!("rot13".parse::<Compression>().is_err());
}

#[test]
fn python_values_go_through_every_serializer() {
    let values = (
        "2026-01-02T03:04:05.678900+02:00".parse::<DateTime>().expect("a datetime"),
        "2026-01-02T03:04:05".parse::<DateTime>().expect("a naive datetime"),
        "2026-01-02".parse::<Date>().expect("a date"),
        "03:04:05.5".parse::<Time>().expect("a time"),
        "-1.50E+3".parse::<Decimal>().expect("a decimal"),
        Uuid(0xf234_5678_1234_5678_1234_5678_1234_5678),
        Bytes(b"caf\xc3\xa9".to_vec()),
        Bytes(b"\xff\0".to_vec()),
        [Float(f64::INFINITY), Float(f64::NEG_INFINITY), Float(-0.5)],
    );
    for serializer in Serializer::ALL {
        let back = there_and_back(serializer, &raw(&values));
        let back: (DateTime, DateTime, Date, Time, Decimal, Uuid, Bytes, Bytes, [Float; 3]) =
            serde_json::from_str(back.get()).unwrap_or_else(|error| panic!("{serializer}: {error} in {back}"));
        assert_eq!(back, values, "{serializer}");
        let nan: Float =
            serde_json::from_str(there_and_back(serializer, &raw(&Float(f64::NAN))).get()).expect("a float");
        assert!(nan.0.is_nan(), "{serializer}");
    }
}

#[test]
fn times_are_what_python_shows() {
    let aware: DateTime = "2026-01-02T03:04:05.6789-01:30".parse().expect("a datetime");
    assert_eq!(aware.to_string(), "2026-01-02T03:04:05.678900-01:30");
    assert_eq!(aware.timestamp(), Some("2026-01-02T04:34:05.6789Z".parse::<Timestamp>().expect("a time")));
    let naive: DateTime = "2026-01-02".parse().expect("a datetime");
    assert_eq!((naive.to_string().as_str(), naive.timestamp()), ("2026-01-02T00:00:00", None));
    for wrong in ["", "2026-01-02T25:00", "0000-01-01", "24:00"] {
        assert!(wrong.parse::<DateTime>().is_err() && wrong.parse::<Time>().is_err(), "{wrong}");
    }
    for wrong in ["", ".", "1e", "1,5", "one", "--1"] {
        assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
    }
}

#[test]
fn json_has_pythons_floats() {
    let read = |text: &str| read(Serializer::Json, text.as_bytes());
    let canonical = read(r#"[NaN, -Infinity, "NaN", {"Infinity": Infinity}]"#).expect("Python's JSON");
    let values: Value = serde_json::from_str(&canonical).expect("plain JSON");
    assert_eq!(values[1]["__value__"], "-Infinity");
    assert_eq!(values[2], "NaN");
    let raw = RawValue::from_string(canonical).expect("valid");
    let sent = Serializer::Json.encode(&raw).expect("JSON");
    assert_eq!(sent.as_ref(), br#"[NaN, -Infinity, "NaN", {"Infinity": Infinity}]"#);
    for wrong in ["[nan]", "[+Infinity]", "NaNa", r#"{NaN: 1}"#, r#"[{"__type__": "float", "__value__": "NaN"}]"#] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn typed_objects_must_be_known() {
    let read = |text: &str| read(Serializer::Json, text.as_bytes());
    for wrong in [
        r#"[{"__type__": "timedelta", "__value__": 5}]"#,
        r#"{"a": {"__type__": "celery.exc", "__value__": ""}}"#,
        r#"{"__type__": "datetime", "__value__": "yesterday"}"#,
        r#"{"__value__": "yesterday", "__type__": "datetime"}"#,
        r#"{"__type__": "uuid", "__value__": {"hex": "12"}}"#,
        r#"{"__type__": "decimal", "__value__": [1]}"#,
    ] {
        let error = read(wrong).expect_err(wrong).to_string();
        assert!(error.contains("typed values"), "{error}");
    }
    for plain in [r#"{"__type__": "x"}"#, r#"{"__type__": "x", "__value__": "", "more": 1}"#, r#"["__type__"]"#] {
        assert_eq!(read(plain).as_deref(), Ok(plain));
    }
}

/// Bytes as Python 3.11 and msgpack 1.x or PyYAML 6.0 write them, and the canonical text.
#[test]
fn what_python_writes_is_read() {
    let bytes = |text: &str| format!(r#"{{"__type__": "bytes", "__value__": "{text}"}}"#);
    for (serializer, wire, text) in [
        (Serializer::Msgpack, b"\x81\xa1a\xc4\x01b".as_slice(), format!(r#"{{"a": {}}}"#, bytes("b"))),
        (
            Serializer::Msgpack,
            b"\xd6\xff\x00\x00\x00\x01",
            r#"{"__type__": "datetime", "__value__": "1970-01-01T00:00:01+00:00"}"#.into(),
        ),
        (Serializer::Msgpack, b"\xce\xff\xff\xff\xff", "4294967295".into()),
        (Serializer::Msgpack, b"\x81\x01\xc0", r#"{"1": null}"#.into()),
        (Serializer::Yaml, b"- &a [1, yes]\n- *a\n", "[[1, true], [1, true]]".into()),
        (Serializer::Yaml, b"1: 2026-01-02\n", r#"{"1": {"__type__": "date", "__value__": "2026-01-02"}}"#.into()),
        (Serializer::Yaml, b"!!binary |\n  YWJj\n", bytes("abc")),
        (Serializer::Yaml, b"null: .nan\n", r#"{"null": {"__type__": "float", "__value__": "NaN"}}"#.into()),
        (Serializer::Yaml, b"", "null".into()),
        (Serializer::Pickle, b"\x80\x04\x8f\x94(K\x01K\x02\x90.", "[1, 2]".into()),
        (
            Serializer::Pickle,
            b"\x80\x02c_codecs\nencode\nX\x02\0\0\0\xc3\xbfX\x06\0\0\0latin1\x86R.",
            r#"{"__type__": "base64", "__value__": "/w=="}"#.into(),
        ),
        (Serializer::Pickle, b"\x80\x02c__builtin__\nset\n](K\x01e\x85R.", "[1]".into()),
        (Serializer::Pickle, b"\x80\x04\x8a\x09\0\0\0\0\0\0\0\0\x01.", "18446744073709551616".into()),
    ] {
        assert_eq!(read(serializer, wire), Ok(text));
    }
}

#[test]
fn a_pickle_is_never_run() {
    for (wire, named) in [
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.".as_slice(), "os.system"),
        (b"cposix\nsystem\nX\x02\0\0\0id\x85R.", "posix.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "builtins.eval"),
        (b"\x80\x04\x8c\x08datetime\x8c\x09timedelta\x93K\0K\x05K\0\x87R.", "datetime.timedelta"),
    ] {
        let error = read(Serializer::Pickle, wire).expect_err("refused").to_string();
        assert!(error.contains(named) && error.contains("never run"), "{error}");
    }
}

#[test]
fn what_refers_to_itself_is_bounded() {
    let mut yaml = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut pickle = b"\x80\x04](\x8c\x01x\x8c\x01xe\x94".to_vec();
    for level in 1..40 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        yaml.push_str(&format!("- &a{level} [{before}]\n"));
        let memo = level as u8 - 1;
        pickle.extend([b']', b'(', b'h', memo, b'h', memo, b'e', 0x94]);
    }
    pickle.push(b'.');
    for (serializer, wire) in [(Serializer::Yaml, yaml.as_bytes()), (Serializer::Pickle, pickle.as_slice())] {
        let error = serializer.decode(wire, MAX_BODY).expect_err("a bomb");
        assert!(matches!(error, PayloadError::Balloons { limit } if limit < 17 << 20), "{serializer}: {error}");
    }
    assert!(read(Serializer::Yaml, b"&a [*a]").is_err());
    let error = read(Serializer::Pickle, b"\x80\x04]\x94h\0a.").expect_err("a list in itself");
    assert_eq!(error, PayloadError::TooDeep { limit: MAX_DEPTH });
}

#[test]
fn integers_that_do_not_fit_are_refused() {
    let big = RawValue::from_string("123456789012345678901234567890".into()).expect("JSON");
    for serializer in [Serializer::Json, Serializer::Yaml, Serializer::Pickle] {
        assert_eq!(there_and_back(serializer, &big).get(), big.get());
    }
    let error = Serializer::Msgpack.encode(&big).expect_err("65 bits").to_string();
    assert!(error.contains("msgpack can't write the integer 1234"), "{error}");
    let max = RawValue::from_string(u64::MAX.to_string()).expect("JSON");
    assert_eq!(there_and_back(Serializer::Msgpack, &max).get(), max.get());
}

#[test]
fn a_bomb_is_cut_off() {
    let zeros = vec![0; 64 << 20];
    for compression in Compression::ALL {
        let bomb = compression.compress(&zeros).expect("compressed");
        assert!(bomb.len() < 128 << 10, "{compression}: {} bytes", bomb.len());
        assert_eq!(compression.decompress(&bomb, LIMIT), Err(PayloadError::Balloons { limit: LIMIT }), "{compression}");
    }
}

#[test]
fn a_gzip_stream_is_not_celerys_gzip() {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    let error = Compression::Gzip.decompress(gzip, LIMIT).expect_err("no zlib header").to_string();
    assert!(error.contains("RFC 1950"), "{error}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        // What YAML 1.1 would take for something else without quotes.
        prop::sample::select(vec![
            "yes",
            "~",
            "1e5",
            "0777",
            "<<",
            "2026-01-02",
            "- x",
            "a: b",
            "\u{7f}\u{85}\u{feff}"
        ])
        .prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| json!(Bytes(bytes))),
        any::<i64>().prop_map(|time| json!(DateTime::from(Timestamp::from_micros(time)))),
        any::<u128>().prop_map(|uuid| json!(Uuid(uuid))),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}|.{120}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn values_go_through_every_serializer(value in any_json()) {
        for serializer in Serializer::ALL {
            prop_assert_eq!(&value_of(&there_and_back(serializer, &raw(&value))), &value, "{}", serializer);
        }
    }

    #[test]
    fn bytes_go_through_every_compression(bytes in prop::collection::vec(any::<u8>(), 0..512), cut in any::<prop::sample::Index>()) {
        for compression in Compression::ALL {
            let compressed = compression.compress(&bytes).expect("compressed");
            prop_assert_eq!(compression.decompress(&compressed, bytes.len()), Ok(bytes.clone()));
            if let Some(less) = bytes.len().checked_sub(1) {
                prop_assert_eq!(compression.decompress(&compressed, less), Err(PayloadError::Balloons { limit: less }));
            }
            let cut = cut.index(compressed.len());
            prop_assert!(compression.decompress(&compressed[..cut], LIMIT).is_err(), "{} cut at {}", compression, cut);
        }
    }

    #[test]
    fn damaged_payloads_are_refused_or_read(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for serializer in Serializer::ALL {
            let written = raw(&value);
            let mut bytes = serializer.encode(&written).expect("written").into_owned();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = serializer.decode(&bytes, LIMIT) {
                prop_assert!(read.get().len() <= LIMIT);
            }
        }
    }
}

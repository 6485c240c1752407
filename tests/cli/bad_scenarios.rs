//! Scenario files with something wrong in them. `§` marks the place that the message must name.

use super::support::Dir;

/// Whole files.
const FILES: &[(&str, &[&str])] = &[
    // Keys.
    ("§sed = 1\n[workers.w]\n", &["unknown key `sed`", "did you mean \"seed\"?", "expected one of: about, seed,"]),
    ("[workers.w]\n§cuont = 2\n", &["did you mean \"count\"?", "count, concurrency, queues"]),
    ("[network]\n§latancy = '1ms'\n", &["did you mean \"latency\"?", "latency, jitter"]),
    ("[tasks.t]\n§ack_late = true\n", &["did you mean \"acks_late\"?"]),
    ("[[workload]]\ntask = 't'\n§evry = '1s'\n", &["did you mean \"every\"?"]),
    ("[[beat]]\ntask = 't'\n§evry = '1s'\n", &["did you mean \"every\"?"]),
    ("[[fault]]\ndo = 'kill'\n§proces = 'w'\n", &["did you mean \"process\"?"]),
    ("[expect]\n§lsot = 0\n", &["did you mean \"lost\"?"]),
    ("[expect.of.t]\n§duplicate = 0\n", &["did you mean \"duplicated\"?"]),
    ("[variant.v]\n§expct = {}\n", &["did you mean \"expect\"?"]),
    ("[variant.v.expect]\n§stukc = 0\n", &["did you mean \"stuck\"?"]),
    ("[variant.v.tasks.t]\n§take = '1s'\n", &["did you mean \"takes\"?"]),
    ("[[variant.v.fault]]\ndo = 'kill'\n§whom = 'w'\n", &["unknown key `whom`"]),
    ("[expect]\nlost = { §minn = 1 }\n", &["did you mean \"min\"?"]),
    ("§'a`, expected `b' = 1\n", &["unknown key `a`, expected `b`", "expected one of: about, seed,"]),
    // Types.
    ("about = §3\n", &["invalid type: integer `3`", "expected a text in quotes"]),
    ("seed = §'one'\n", &["invalid type: string \"one\"", "expected a whole number"]),
    ("seed = §1.5\n", &["expected a whole number"]),
    ("seed = §true\n", &["expected a whole number"]),
    ("seed = §2026-01-01\n", &["expected a whole number"]),
    ("workers = §3\n", &["expected a table"]),
    ("§[[workers]]\n", &["expected a table"]),
    ("§[fault]\ndo = 'kill'\n", &["tables in a list are headed by [[NAME]], not by [NAME]"]),
    ("§[workload]\ntask = 't'\n", &["tables in a list are headed by [[NAME]], not by [NAME]"]),
    ("[workers.w]\ncount = §'two'\n", &["expected a whole number"]),
    ("[workers.w]\nqueues = §'a'\n", &["expected a list"]),
    ("[workers.w]\nqueues = [§1]\n", &["expected a text in quotes"]),
    ("[tasks.t]\nacks_late = §'yes'\n", &["expected true or false"]),
    ("[tasks.t]\ntakes = §1\n", &["expected a duration such as \"2s\" or a range such as \"1s..3s\""]),
    ("[tasks.t]\ndoes = §'return'\n", &["expected a list"]),
    ("[[fault]]\ndo = §3\n", &["expected a name in quotes"]),
    ("[[fault]]\ndo = 'reset'\nhosts = §['w']\n", &["expected a list of two"]),
    ("[expect]\nlost = §true\n", &["expected a count such as 3, { min = 1 }"]),
    ("[expect]\nsettles_within = §3\n", &["expected a bound such as \"< 1s\""]),
    ("[expect]\nstates = §3\n", &["expected a table"]),
    // Names from a list.
    ("profile = §'saef'\n", &["unknown name `saef`", "did you mean \"safe\"?", "expected one of: safe, celery"]),
    ("[variant.v]\nprofile = §'Celery'\n", &["did you mean \"celery\"?"]),
    ("[tasks.t]\ndoes = ['return', §'rais']\n", &["did you mean \"raise\"?"]),
    ("[[fault]]\ndo = §'kil'\n", &["did you mean \"kill\"?"]),
    ("[[fault]]\ndo = 'signal'\nsignal = §'SIGTREM'\n", &["did you mean \"SIGTERM\"?", "SIGTERM, SIGINT, SIGQUIT"]),
    // What goes together.
    ("[workers.w]\n[redis]\n§sentinel = true\n", &["the broker is none; add broker = \"redis\""]),
    ("broker = 'redis'\n[workers.w]\n[redis]\n§replica_lag = '1s'\n", &["add sentinel = true"]),
    (
        "broker = 'redis'\n[redis]\nsentinel = true\ndown_after = §'0s'\n[workers.w]\n",
        &["every server is down at once"],
    ),
    (
        "broker = 'redis'\n[redis]\nsentinel = true\n[workers.§replica]\n",
        &["a broker with a Sentinel has a host of that name"],
    ),
    // Missing keys.
    ("§[[workload]]\ncount = 1\n", &["no key `task`"]),
    ("§[[fault]]\nat = '1s'\n", &["no key `do`"]),
    // Numbers.
    ("seed = §-1\n", &["expected a whole number from 0"]),
    ("seed = §18446744073709551616\n", &["expected a whole number from 0 to 18446744073709551615"]),
    ("[workers.w]\ncount = §99999999999999999999999999999999999999999999\n", &[]),
    ("[workers.w]\ncount = §-1\n", &["expected a whole number"]),
    ("[workers.w]\ncount = §0\n", &["count = 0 is out of range; expected 1 to 10000"]),
    ("[workers.w]\ncount = §10001\n", &["count = 10001 is out of range; expected 1 to 10000"]),
    ("[workers.w]\nconcurrency = §0\n", &["expected 1 to 1000"]),
    ("[workers.w]\nconcurrency = §1001\n", &["expected 1 to 1000"]),
    ("[workers.a]\ncount = 9999\n[workers.§b]\ncount = 2\n", &["more than 10000 workers"]),
    ("[tasks.t]\npriority = §256\n", &["expected a whole number from 0 to 255"]),
    ("[expect]\nlost = §-1\n", &["expected a count"]),
    ("[expect]\nlost = §1e3\n", &["expected a count"]),
    // Durations.
    ("limit = §''\n", &["\"\" is not a duration such as \"1m 30s\""]),
    ("limit = §'3'\n", &["is not a duration"]),
    ("limit = §'3 parsecs'\n", &["is not a duration", "parsecs"]),
    ("limit = §'-3s'\n", &["\"-3s\" is not a duration"]),
    ("limit = §'99999999999999999999s'\n", &["is not a duration"]),
    ("limit = §'101y'\n", &["longer than a century"]),
    ("limit = §'11y'\n[workers.w]\n", &["this limit is too long; the most is \"10years\""]),
    ("limit = §'0s'\n[workers.w]\n", &["leaves no time"]),
    ("[tasks.t]\ntakes = §'3s..1s'\n", &["it ends before it begins"]),
    ("[tasks.t]\ntakes = §'1s..'\n", &["or a range such as"]),
    ("[tasks.t]\ntakes = §'1s..2s..3s'\n", &["or a range such as"]),
    // Bounds.
    ("[expect]\nlost = §'< many'\n", &["a count such as", "not a whole number, 0 or more"]),
    ("[expect]\nlost = §'=> 3'\n", &["a count such as"]),
    ("[expect]\nlost = §'< -1'\n", &["a count such as"]),
    ("[expect]\nlost = §{}\n", &["a bound without limits"]),
    ("[expect]\nlost = §{ min = 3, max = 2 }\n", &["a bound whose min is above its max"]),
    ("[expect]\nlost = { min = §'1' }\n", &["expected a whole number"]),
    ("[expect]\np99_start_delay = §'< soon'\n", &["a bound such as \"< 1s\""]),
    // The cluster.
    ("§about = 'nobody works'\n", &["has no workers; add a table such as [workers.w]"]),
    ("[workers.§'']\n", &["can't be the name of a host: it is empty"]),
    ("[workers.§broker]\n", &["\"broker\" can't be the name of a host"]),
    ("[workers.§'a/b']\n", &["a slash stands between"]),
    ("[workers.§'a b']\n", &["it has blanks"]),
    ("[workers.§saboteur1]\n", &["hosts of `poison` faults"]),
    ("[workers.w]\ncount = 2\n[workers.§w2]\n", &["two hosts are called \"w2\""]),
    ("[workers.w]\nqueues = ['a', §'']\n", &["this text is empty"]),
    ("[workers.§producer]\n[tasks.t]\n[[workload]]\ntask = 't'\n", &["is a worker and makes calls as well"]),
    // TOML.
    ("[workers.w\n", &[]),
    ("[workers.w]\ncount = §\n", &[]),
    ("[workers.w]\ncount = 1\n§count = 2\n", &["duplicate key"]),
    ("[workers.w]\n[workers.§w]\n", &["duplicate key"]),
    ("about = 'never ends§\n", &["expected `'`"]),
    ("a = 'x'\u{0}\n", &[]),
    ("\u{feff}§sed = 1\n", &["did you mean \"seed\"?"]),
    ("[workers.w]\r\ncount = 1\r\n\t\t§cuont = 2\r\n", &["did you mean \"count\"?", "|   cuont = 2\n", "|   ^"]),
    ("[tasks.'\u{e9}\u{e9}\u{4e2d}']\npriority = §'\u{e9}'\n", &["\u{e9}"]),
    // Terminals.
    ("§\"\\u001b[31mred\" = 1\n", &["unknown key `\\u{1b}[31mred`"]),
];

/// What is good before the rest of a file.
const BASE: &str = "limit = '1h'\n[workers.w]\ncount = 2\nconcurrency = 3\n[tasks.resize]\n[[workload]]\ntask = 'resize'\nid = 'job'\n";

/// Additions to [`BASE`].
const ADDED: &[(&str, &[&str])] = &[
    // Settings.
    (
        "[settings]\n§task_ack_late = true\n",
        &["there is no setting \"task_ack_late\"", "did you mean \"task_acks_late\"?"],
    ),
    ("[settings]\ntask_acks_late = §'yes'\n", &["setting \"task_acks_late\" must be true or false"]),
    ("[settings]\ntask_acks_late = §{ a = 1 }\n", &["is one value, not a table"]),
    ("[settings]\nworker_prefetch_multiplier = §-1\n", &["must be a whole number, 0 or more"]),
    ("[settings]\nworker_prefetch_multiplier = §4294967296\n", &["must be a whole number, 0 or more"]),
    ("[settings]\nbroker_heartbeat = §nan\n", &["must be a number of seconds, 0 or more"]),
    ("[settings]\nbroker_heartbeat = §inf\n", &["must be a number of seconds, 0 or more"]),
    ("[settings]\nbroker_heartbeat = §-0.5\n", &["must be a number of seconds, 0 or more"]),
    ("[settings]\ntask_default_queue = §''\n", &["must be a text that is not empty"]),
    ("[settings]\ntask_default_delivery_mode = §3\n", &["must be a whole number, 1 to 2"]),
    ("[settings]\ntask_queue_max_priority = §256\n", &["must be a whole number, 0 to 255"]),
    ("[settings.broker_transport_options]\n§confirm_publsh = true\n", &["broker_transport_options.confirm_publish"]),
    ("[settings]\nbroker_transport_options.confirm_timeout = §'1s'\n", &["must be a number of seconds"]),
    ("[settings.§broker_options]\n", &["did you mean \"broker_transport_options\"?"]),
    ("[variant.v]\nsettings = { task_acks_late = §1 }\n", &["must be true or false"]),
    ("[variant.v.settings]\n§task_ack_late = true\n", &["did you mean \"task_acks_late\"?"]),
    // A key of that name elsewhere is not the place.
    ("[variant.a.settings]\ntask_acks_late = true\n[variant.b.settings]\ntask_acks_late = §0\n", &["true or false"]),
    // Tasks.
    ("[[workload]]\ntask = §'resise'\n", &["there is no task \"resise\"", "did you mean \"resize\"?"]),
    ("[[beat]]\ntask = §'resise'\nevery = '1s'\n", &["did you mean \"resize\"?"]),
    ("[variant.v.tasks.§resise]\n", &["did you mean \"resize\"?"]),
    ("[expect.of.§resise]\nlost = 0\n", &["neither a task nor an id", "did you mean \"resize\"?"]),
    ("[variant.v.expect.of.§jbo]\nlost = 0\n", &["did you mean \"job\"?"]),
    ("[expect.of.§job-1]\nlost = 0\n", &["neither a task nor an id", "did you mean \"job\"?"]),
    ("[expect.of.resize.§of.job]\nlost = 0\n", &["`of` stands directly in [expect]"]),
    ("[tasks.t]\nretry_backoff = §nan\n", &["out of range; expected 0 to 1000000000 seconds"]),
    ("[tasks.t]\nretry_backoff = §-1.0\n", &["out of range"]),
    ("[variant.v.tasks.resize]\nretry_backoff = §inf\n", &["out of range"]),
    ("[tasks.t]\nqueue = §''\n", &["this text is empty"]),
    // Calls.
    ("[[workload]]\ntask = 'resize'\ncount = §0\n", &["expected 1 to 10000000"]),
    ("[[workload]]\ntask = 'resize'\ncount = §10000001\n", &["expected 1 to 10000000"]),
    ("[[workload]]\ntask = 'resize'\nat = §'61m'\n", &["after the end of the run (limit = \"1h\")"]),
    ("[[workload]]\ntask = 'resize'\ncount = 8\nevery = §'10m'\n", &["don't fit into the run (limit = \"1h\")"]),
    ("[[workload]]\ntask = 'resize'\nid = §''\n", &["this text is empty"]),
    ("[[workload]]\ntask = 'resize'\nfrom = §'w1'\n", &["is a worker and makes calls as well"]),
    ("[[workload]]\ntask = 'resize'\nfrom = §'backend'\n", &["can't be the name of a host"]),
    ("§[[beat]]\ntask = 'resize'\n", &["no key `every`"]),
    ("[[beat]]\ntask = 'resize'\ncrontab = §'0 25 * * *'\n", &["25 > 23"]),
    ("[[beat]]\ntask = 'resize'\nevery = '1s'\ncrontab = §'0 2 * * *'\n", &["one of them"]),
    ("[[beat]]\ntask = 'resize'\nevery = §'999us'\n", &["at least \"1ms\""]),
    ("[[beat]]\ntask = 'resize'\nevery = §'2h'\n", &["it is never due"]),
    ("[[beat]]\ntask = 'resize'\nevery = '1s'\n[[beat]]\ntask = §'resize'\nevery = '2s'\n", &["two entries of beat"]),
    // Expectations.
    ("[expect]\nstates = { §SUCESS = 1 }\n", &["no state \"SUCESS\"", "did you mean \"SUCCESS\"?", "PENDING, STARTED"]),
    ("[expect.states]\n§success = 1\n", &["did you mean \"SUCCESS\"?"]),
    ("[expect.of.job.states]\n§FAILED = 1\n", &["did you mean \"FAILURE\"?"]),
    ("[variant.v.expect.states]\n§REVOKE = 1\n", &["did you mean \"REVOKED\"?"]),
    // Faults: what, whom.
    ("[[fault]]\ndo = §'pause'\nat = '1s'\n", &["this fault needs `process`"]),
    ("[[fault]]\ndo = §'latency'\nhosts = ['w1', 'broker']\nat = '1s'\n", &["this fault needs `latency`"]),
    (
        "[[fault]]\ndo = 'kill'\nprocess = 'w1'\nat = '1s'\n§for = '1s'\n",
        &["takes no `for`; it takes: process, restart_after"],
    ),
    ("[[variant.v.fault]]\ndo = 'kill'\nprocess = 'w1'\nat = '1s'\n§body = 'x'\n", &["takes no `body`"]),
    (
        "[[fault]]\ndo = 'kill'\nprocess = §'w3'\nat = '1s'\n",
        &["no process \"w3\"", "did you mean \"w", "backend, broker, producer, w1, w2"],
    ),
    ("[[fault]]\ndo = 'kill'\nprocess = §'borker'\nat = '1s'\n", &["did you mean \"broker\"?"]),
    ("[[fault]]\ndo = 'kill'\nprocess = §'beat'\nat = '1s'\n", &["there is no process \"beat\""]),
    ("[[fault]]\ndo = 'reset'\nhosts = ['w1', §'brokr']\nat = '1s'\n", &["did you mean \"broker\"?"]),
    ("[[fault]]\ndo = 'reset'\nhosts = ['w1', §'w1']\nat = '1s'\n", &["stands here twice"]),
    (
        "[[fault]]\ndo = 'partition'\nhosts = [§'w1/1', 'broker']\nat = '1s'\n",
        &["is a pool child; this takes a host, such as \"w1\""],
    ),
    ("[[fault]]\ndo = 'kill'\nprocess = §'w1/4'\nat = '1s'\n", &["w1 has 3 pool children, \"w1/1\" to \"w1/3\""]),
    ("[[fault]]\ndo = 'kill'\nprocess = §'w1/0'\nat = '1s'\n", &["w1 has 3 pool children"]),
    ("[[fault]]\ndo = 'kill'\nprocess = §'w1/01'\nat = '1s'\n", &["w1 has 3 pool children"]),
    ("[[fault]]\ndo = 'kill'\nprocess = §'broker/1'\nat = '1s'\n", &["broker has no pool children"]),
    ("[[fault]]\ndo = 'kill'\nprocess = §'w1/1'\nat = '1s'\nrestart_after = '1s'\n", &["is a pool child"]),
    (
        "[[fault]]\ndo = 'kill_child'\nprocess = 'w1'\nchild = §4\nat = '1s'\n",
        &["there is no child 4", "3 pool children"],
    ),
    ("[[fault]]\ndo = 'out_of_memory'\nprocess = 'w1'\nchild = §0\nat = '1s'\n", &["there is no child 0"]),
    ("[[fault]]\ndo = 'kill_child'\nprocess = §'broker'\nat = '1s'\n", &["broker has no pool children"]),
    ("[[fault]]\ndo = 'clock_step'\nprocess = 'w1'\nby = §'an hour'\nat = '1s'\n", &["not a step such as \"+1h\""]),
    ("[[fault]]\ndo = 'clock_step'\nprocess = 'w1'\nby = §'-200y'\nat = '1s'\n", &["longer than a century"]),
    // Faults: when.
    ("[[fault]]\ndo = §'kill'\nprocess = 'w1'\n", &["`before`, `after` or `receiving` an effect; this one names 0"]),
    ("[[fault]]\ndo = §'kill'\nprocess = 'w1'\nat = '1s'\nbetween = '1s..2s'\n", &["this one names 2"]),
    (
        "[[fault]]\ndo = 'kill'\nprocess = 'w1'\n§at = '2h'\n",
        &["can't strike: 2h is after the end of the run (limit = \"1h\")"],
    ),
    ("[[fault]]\ndo = 'kill'\nprocess = 'w1'\n§between = '1m..2h'\n", &["can't strike"]),
    ("[[fault]]\ndo = 'kill'\nprocess = 'w1'\nat = '1s'\nnth = §2\n", &["`nth` and `of` belong to"]),
    (
        "[[fault]]\ndo = 'kill'\nprocess = 'w1'\nbefore = §'basic.akc'\n",
        &["no effect \"basic.akc\"", "did you mean \"basic.ack\"?"],
    ),
    ("[[fault]]\ndo = 'kill'\nprocess = 'w1'\nbefore = 'basic.ack'\nnth = §0\n", &["nth counts from 1"]),
    ("[[fault]]\ndo = 'kill'\nprocess = 'w1'\nbefore = 'basic.ack'\nnth = §-1\n", &["expected a whole number"]),
    ("[[fault]]\ndo = 'reset'\nhosts = ['w1', 'broker']\nbefore = §'basic.ack'\n", &["name the process with `of`"]),
    ("[[fault]]\ndo = 'kill'\nprocess = 'w1'\nafter = 'basic.ack'\nof = §'w9'\n", &["there is no process \"w9\""]),
    ("[[fault]]\ndo = §'duplicate'\nat = '1s'\n", &["acts on a message; name it with `before`"]),
    ("[[fault]]\ndo = §'poison'\nbefore = 'basic.ack'\nof = 'w1'\n", &["poison needs `at` or `between`"]),
    ("[[fault]]\ndo = 'poison'\nat = '1s'\n§queue = ''\n", &["this name of a queue is empty"]),
];

#[track_caller]
fn assert_told(dir: &Dir, marked: &str, parts: &[&str]) {
    let text = marked.replace('\u{a7}', "");
    dir.write("s.toml", &text);
    let at = marked.find('\u{a7}').map(|at| marked[..at].trim_start_matches('\u{feff}'));
    let start = at.map_or_else(
        || "s.toml:".to_owned(),
        |before| {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("s.toml:{line}:{column}: ")
        },
    );
    let said = dir.simq(&["run", "s.toml"]);
    assert_eq!(said.status, Some(2), "{marked}\n{said:#?}");
    said.assert_bad_input(&start, parts);
    let place = said.err.split(' ').nth(1).unwrap_or_default();
    let numbers = place.split(':').filter(|part| part.parse::<u32>().is_ok()).count();
    assert_eq!(numbers, 2, "a line and a column:\n{}", said.err);
}

#[test]
fn whatever_is_wrong_with_a_file_is_told_with_its_place() {
    let dir = Dir::new();
    for (marked, parts) in FILES {
        assert_told(&dir, marked, parts);
    }
}

#[test]
fn whatever_makes_no_sense_in_a_file_is_told_with_its_place() {
    let dir = Dir::with(BASE);
    dir.simq(&["run", "s.toml"]).assert_status(1);
    for (marked, parts) in ADDED {
        assert_told(&dir, &format!("{BASE}{marked}"), parts);
    }
}

#[test]
fn what_is_only_large_is_told_fast_and_briefly() {
    let dir = Dir::new();
    let began = std::time::Instant::now();
    let many_faults = "[[fault]]\ndo = 'kill'\nprocess = 'w9999'\nat = '1s'\n".repeat(15_000);
    for (text, parts) in [
        (format!("{BASE}[settings]\nx = {}", "[".repeat(100_000)), &["recur"][..]),
        (format!("{BASE}[settings]\nx = {}1", "{ a = ".repeat(100_000)), &["recur"]),
        (format!("{BASE}[settings]\n{}a = 1", "a.".repeat(300_000)), &["nested too deeply"]),
        (format!("{BASE}[{}a]", "a.".repeat(300_000)), &["nested too deeply"]),
        (format!("{BASE}[settings]\n{}", "k = 1\n".repeat(100_000)), &["duplicate key"]),
        (format!("{} = 1", "x".repeat(900_000)), &["unknown key `xxx"]),
        (format!("{BASE}[[workload]]\ntask = '{}'", "y".repeat(900_000)), &["there is no task \"yyy"]),
        (format!("{BASE}[settings]\nx = ['{}', tru]", "a".repeat(900_000)), &["...aaa", "tru]"]),
        ((0..20_000).map(|n| format!("[workers.w{n}]\ncount = 9999\n")).collect(), &["more than 10000 workers"]),
        (
            format!("[workers.w]\ncount = 10000\n{many_faults}[[fault]]\ndo = 'kill'\nprocess = 'x'\nat = '1s'"),
            &["there is no process \"x\"", "w1", "more"],
        ),
        (
            (0..9_000)
                .map(|n| format!("[variant.v{n}]\n[[variant.v{n}.fault]]\ndo = 'kill'\nprocess = 'q'\nat = '1s'\n"))
                .collect::<String>()
                + BASE.trim_start_matches("limit = '1h'\n"),
            &["there is no process \"q\""],
        ),
    ] {
        dir.write("s.toml", &text);
        let said = dir.simq(&["run", "s.toml"]);
        said.assert_bad_input("s.toml:", parts);
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

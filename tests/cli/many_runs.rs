//! `simq crashpoints` and `simq compare`.

use super::support::Dir;
use serde_json::Value;

const STORY: &str = "settings = { worker_deduplicate_successful_tasks = false }\n[workers.w]\n[tasks.work]\ntakes = \"1s\"\n\
    [[workload]]\ntask = \"work\"\n[expect]\nlost = 0\n\
    [variant.late]\n[variant.early]\nsettings.task_acks_late = false\n";

#[test]
fn each_crash_is_tried_and_a_loss_is_told_with_the_fault_that_shows_it() {
    let dir = Dir::with(STORY);
    let late = dir.simq(&["crashpoints", "s.toml", "--variant", "late", "--process", "w"]);
    let out = &late.assert_status(0).out;
    assert!(out.starts_with("PASS  s / late  seed 1  ") && out.contains(" crashes, 0 break expectations\n"), "{out}");
    assert!(out.contains("w killed before basic.ack 1: DUPLICATED 1, 1 of 1 succeeded, begun 2\n"), "{out}");
    assert!(out.contains("\nw/1 with its worker killed before pool.finished 1: "), "{out}");
    let early = dir.simq(&["crashpoints", "s.toml", "--variant", "early", "--process", "w", "--jobs", "1"]);
    let out = &early.assert_status(1).out;
    assert!(out.starts_with("FAIL  s / early  seed 1  "), "{out}");
    assert!(out.contains(": LOST 1, 0 of 1 succeeded, begun 1  BREAKS lost\n"), "{out}");
    // The fault that it prints shows the loss again, as a scenario of its own.
    let fault = out.split("  broken  lost: wanted 0, seen 1\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let fault = fault.expect("a fault").trim();
    dir.write("again.toml", format!("{STORY}{fault}\n"));
    let again = dir.simq(&["run", "again.toml", "--variant", "early"]);
    assert!(again.assert_status(1).out.contains("lost: wanted 0, seen 1"), "{fault}\n{}", again.out);
}

#[test]
fn pairs_are_tried_too() {
    let dir = Dir::with(STORY);
    let arguments = ["crashpoints", "s.toml", "--variant", "late", "--process", "w", "--most", "1", "--pairs"];
    let said = dir.simq(&arguments);
    let out = &said.assert_status(0).out;
    assert!(out.contains("w killed after basic.consume + w killed after basic.ack: 1 x "), "{out}");
    assert!(out.contains("x  the second crash of a pair was not reached\n"), "{out}");
}

#[test]
fn a_table_is_pinned_and_a_difference_is_a_failure() {
    let dir = Dir::with(STORY);
    let base = ["crashpoints", "s.toml", "--variant", "late", "--process", "w", "--golden", "table.txt"];
    let with = |more: &[&str]| dir.simq(&[&base[..], more].concat());
    let none = with(&[]);
    assert!(none.assert_status(2).err.starts_with("simq: table.txt: can't be read: "), "{}", none.err);
    assert!(with(&["--update"]).assert_status(0).out.ends_with("wrote table.txt\n"));
    assert!(with(&[]).assert_status(0).out.ends_with("as pinned in table.txt\n"));
    let table = dir.read("table.txt");
    assert!(table.starts_with("without a crash: 1 of 1 succeeded, begun 1\nw killed before "), "{table}");
    dir.write("table.txt", table.replace("DUPLICATED 1", "DUPLICATED 2"));
    let said = with(&[]);
    let out = &said.assert_status(1).out;
    assert!(
        out.contains("  - w killed before basic.ack 1: DUPLICATED 2") && out.contains("  + w killed before"),
        "{out}"
    );
}

#[test]
fn a_search_that_makes_no_sense_is_refused() {
    let dir = Dir::with(STORY);
    dir.simq(&["crashpoints", "s.toml"])
        .assert_bad_input("s.toml: this takes one variant; name it with --variant", &["early, late"]);
    let of = |more: &[&str]| dir.simq(&[&["crashpoints", "s.toml", "--variant", "late"], more].concat());
    of(&["--process", "brokr"])
        .assert_bad_input("there is no process \"brokr\"; did you mean \"broker\"?", &["producer"]);
    assert_eq!(of(&["--restart-after", "soon"]).status, Some(2));
    assert_eq!(of(&["--update"]).status, Some(2), "--update needs --golden");
}

#[test]
fn settings_are_compared_and_the_front_is_marked() {
    let dir = Dir::with(
        "profile = \"celery\"\n[workers.w]\n[tasks.work]\ntakes = \"1s\"\n[[workload]]\ntask = \"work\"\ncount = 5\n\
         [[fault]]\ndo = \"kill\"\nprocess = \"w\"\nat = \"1500ms\"\nrestart_after = \"1s\"\n[expect]\ncalls = 5\n",
    );
    let arguments = ["compare", "s.toml", "--set", "task_acks_late=true,false", "--seeds", "3"];
    let json = dir.simq(&[&arguments[..], &["--json"]].concat());
    let rows: Vec<Value> =
        json.assert_status(0).out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let column = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<Value>>();
    assert_eq!(column("calls"), [15, 15]);
    assert_eq!(column("runs"), [3, 3]);
    assert_eq!(column("lost")[0], 0);
    assert!(column("lost")[1].as_u64().is_some_and(|lost| lost >= 3), "{rows:#?}");
    assert_eq!(column("front")[0], true);
    // The kill cuts one execution of each run short: half a second of it, less what the messages took.
    assert!(column("wasted_seconds")[0].as_f64().is_some_and(|wasted| (1.0..1.5).contains(&wasted)), "{rows:#?}");
    assert!(column("executed_seconds")[0].as_f64().is_some_and(|seconds| (16.0..16.5).contains(&seconds)), "{rows:#?}");
    let human = dir.simq(&arguments);
    let out = &human.assert_status(0).out;
    assert!(out.lines().any(|line| line.starts_with(" *  s  task_acks_late=true ")), "{out}");
    assert!(out.contains("\n3 seeds each. "), "{out}");
    assert_eq!(dir.simq(&[&arguments[..], &["--jobs", "1"]].concat()).out, *out, "however many threads");
}

#[test]
fn files_and_variants_are_compared_as_well_as_settings() {
    let dir = Dir::with(STORY);
    dir.write("t.toml", STORY);
    let names = |arguments: &[&str]| -> Vec<String> {
        let said = dir.simq(&[&["compare", "--seeds", "1", "--json"], arguments].concat());
        let lines = said.assert_status(0).out.lines();
        lines
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&["s.toml", "t.toml"]), ["s / early", "s / late", "t / early", "t / late"]);
    assert_eq!(
        names(&[
            "s.toml",
            "--variant",
            "late",
            "--set",
            "worker_prefetch_multiplier=1,2",
            "--set",
            "visibility_timeout=60"
        ]),
        [1, 2].map(|prefetch| format!(
            "s / late  worker_prefetch_multiplier={prefetch} broker_transport_options.visibility_timeout=60"
        ))
    );
    let bad = |set: &str, start: &str| dir.simq(&["compare", "s.toml", "--set", set]).assert_bad_input(start, &[]);
    bad("task_ack_late=true", "--set task_ack_late=true: ");
    bad("task_acks_late=perhaps", "--set task_acks_late=perhaps: ");
    assert_eq!(dir.simq(&["compare", "s.toml", "--set", "task_acks_late"]).status, Some(2));
}

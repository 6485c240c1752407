//! `simq run --timeline` and `--perfetto`: which files, and when none.

use super::support::{Dir, GOOD, failing};

fn trace(out: &str) -> Vec<String> {
    let lines = out.lines().filter_map(|line| line.trim().strip_prefix("trace "));
    lines.map(|line| line.split_whitespace().next().expect("a hash").to_owned()).collect()
}

#[test]
fn a_run_is_drawn_and_is_the_run_that_it_was() {
    let dir = Dir::with(GOOD);
    let plain = dir.simq(&["run", "s.toml"]);
    let drawn = dir.simq(&["run", "s.toml", "--timeline", "out.html", "--perfetto", "out.json"]);
    assert_eq!(trace(&drawn.assert_status(0).out), trace(&plain.out), "who looks on changes nothing");
    let page = dir.read("out.html");
    assert!(page.contains("<title>PASS s, seed 1 · simq</title>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("http://") || page.matches("http://").count() == page.matches("http://www.w3.org/").count());
    assert!(!page.contains("@@") && !page.contains("https://"), "nothing is fetched, every part is in its place");
    let perfetto: serde_json::Value = serde_json::from_str(&dir.read("out.json")).expect("JSON");
    assert_eq!(perfetto["otherData"]["verdict"], "pass");
    let traced = dir.simq(&["run", "s.toml", "--trace", "t.jsonl", "--timeline", "again.html"]);
    assert_eq!(trace(&traced.assert_status(0).out), trace(&plain.out));
    assert_eq!(dir.read("again.html"), page, "the same run, the same page");
}

#[test]
fn a_failed_run_is_drawn_too() {
    let dir = Dir::new();
    dir.write("s.toml", failing());
    dir.simq(&["run", "s.toml", "--timeline", "out.html"]).assert_status(1);
    assert!(dir.read("out.html").contains("<title>FAIL s, seed 1 · simq</title>"));
}

#[test]
fn each_variant_has_a_file_of_its_own() {
    let dir = Dir::new();
    dir.write("s.toml", GOOD.to_owned() + "\n[variant.one]\n[variant.'../two']\n");
    dir.simq(&["run", "s.toml", "--timeline", "out.html"]).assert_status(0);
    assert!(dir.read("out.one.html").contains("<title>PASS s / one, seed 1 · simq</title>"));
    assert!(dir.read("out..._two.html").contains("<title>PASS s / ../two, seed 1 · simq</title>"));
    dir.simq(&["run", "s.toml", "--variant", "one", "--timeline", "only.html"]).assert_status(0);
    assert_eq!(dir.read("only.html"), dir.read("out.one.html"));
}

#[test]
fn one_picture_takes_one_file_and_one_seed() {
    let dir = Dir::with(GOOD);
    dir.write("two.toml", GOOD);
    for (more, option) in [(&["two.toml"][..], "--timeline"), (&["--seeds", "2"], "--perfetto")] {
        let arguments = [&["run", "s.toml", option, "out"], more].concat();
        dir.simq(&arguments).assert_bad_input(&format!("{option} takes one scenario and one seed"), &[]);
    }
    assert!(!dir.path("out").exists());
    dir.simq(&["run", "s.toml", "--timeline", "s.toml"]).assert_bad_input("s.toml: this is the scenario", &[]);
    dir.simq(&["run", "s.toml", "--timeline", "no/such/out.html"])
        .assert_bad_input("no/such/out.html: the timeline was not written", &[]);
    assert_eq!(dir.read("s.toml"), GOOD);
}

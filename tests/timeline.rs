//! The page of `simq run --timeline`, in a real browser: it loads, it finds, it shows, it stays quick.
//!
//! `UPDATE=1 cargo test --test timeline` takes the picture of the README anew.
#![cfg(feature = "sim")]
#![allow(clippy::disallowed_methods, reason = "a real browser, and real files")]

#[path = "timeline/browser.rs"]
mod browser;

use browser::{Scheme, Seen, open, photograph};
use simq::scenario::{Keep, Report, Scenario, run_with};
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn report_of(scenario: &Scenario, variant: Option<&str>) -> Report {
    let keep = Keep { timeline: true, ledger: true, ..Keep::default() };
    run_with(scenario, variant, scenario.seed(), keep).expect("a simulated world")
}

fn page_of(report: &Report) -> String {
    report.timeline.as_ref().expect("a timeline").html(report, "simq")
}

fn shipped(name: &str, variant: &str) -> Report {
    let scenario = Scenario::load(&path(&format!("scenarios/{name}.toml"))).unwrap_or_else(|error| panic!("{error}"));
    report_of(&scenario, Some(variant))
}

fn written(text: &str) -> Report {
    let scenario = Scenario::parse(Path::new("story.toml"), text.to_owned()).unwrap_or_else(|error| panic!("{error}"));
    report_of(&scenario, None)
}

/// Runs a script in a page. `out` is what it has to say.
fn ask(html: &str, fragment: &str, script: &str) -> String {
    let script = format!("const out = [];\n{script}\ndocument.documentElement.dataset.out = out.join('\\n');");
    let seen = open(html, fragment, &script, Scheme::Light);
    // Only the test reads the canvas back.
    let console: Vec<&String> = seen.console.iter().filter(|line| !line.contains("willReadFrequently")).collect();
    assert_eq!(console, [""; 0], "{script}");
    seen.data("out")
}

/// A call that ran twice, because its worker was killed.
fn redelivered(report: &Report) -> String {
    let tasks = report.ledger.as_ref().expect("a ledger");
    let twice = tasks.iter().find(|task| task.executions.iter().any(|execution| execution.redelivered));
    twice.expect("a redelivery").id.clone()
}

#[test]
fn pages_of_all_kinds_load_without_a_word_on_the_console() {
    for name in [
        "worker_crash",
        "two_beats_duplicate_schedule",
        "redis_brpop_window_loss",
        "poison_body",
        "broker_restart_durable_vs_transient",
        "revoke_forgotten_on_restart",
    ] {
        let scenario =
            Scenario::load(&path(&format!("scenarios/{name}.toml"))).unwrap_or_else(|error| panic!("{error}"));
        for variant in scenario.variants().into_iter().take(2) {
            let report = report_of(&scenario, variant.as_deref());
            let Seen { dom, console } = open(&page_of(&report), "", "", Scheme::Light);
            assert_eq!(console, [""; 0], "{name} {variant:?}");
            assert!(dom.contains(&format!("<title>PASS {name}")), "{name}: the title is the verdict");
            assert!(dom.contains("Expectations</h2>"), "{name}: the panel is filled");
        }
    }
}

/// As a user does it: type a part of the id, press Enter, read.
#[test]
fn a_task_is_found_by_search_and_its_redelivery_is_told() {
    let report = shipped("worker_crash", "safe");
    let id = redelivered(&report);
    let part = &id[..11];
    let told = ask(
        &page_of(&report),
        "",
        &format!(
            "search.focus(); search.value = '{part}'; search.dispatchEvent(new Event('input'));
             out.push(panel.querySelectorAll('#tasks button').length);
             search.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Enter', bubbles: true }}));
             out.push(panel.innerText, location.hash);"
        ),
    );
    let (number, told) = told.split_once('\n').expect("two lines");
    assert_eq!(number, "1", "one task has such an id");
    for words in [
        &*id,
        "kill w1, and 5s later restart w1",
        "w1 ended with it in its hands",
        "cut short, because w1/",
        "back in queue celery, to be redelivered",
        "w2 receives it, redelivered",
        "begins on w2/",
        "backend stores SUCCESS",
        "acked: queue celery forgets it",
    ] {
        assert!(told.contains(words), "{words:?} is missing in\n{told}");
    }
    assert!(told.ends_with(&format!("#task={id}")), "the address is that of the task");
}

#[test]
fn an_address_opens_the_life_of_a_task_and_the_picture_shows_it() {
    let report = shipped("worker_crash", "safe");
    let id = redelivered(&report);
    let told = ask(
        &page_of(&report),
        &format!("#task={id}"),
        "out.push(tasks[view.selected]);
         const own = barsOfTask.get(view.selected);
         out.push(own.map((bar) => `${lanes[bar.lane].name} ${bar.cut ? 'cut' : bar.how}`).join(', '));
         // Each of its executions is on the canvas: its middle has the colour of the task.
         const colour = (x, y) => ink.getImageData(Math.round(x * view.ratio), Math.round(y * view.ratio), 1, 1).data.slice(0, 3).join();
         const paint = document.createElement('canvas').getContext('2d');
         paint.fillStyle = colourOf(view.selected); paint.fillRect(0, 0, 1, 1);
         const wanted = paint.getImageData(0, 0, 1, 1).data.slice(0, 3).join();
         const whole = own.find((bar) => !bar.cut);
         out.push(colour((xOf(whole.from) + xOf(whole.to)) / 2, middleOf(whole.lane) + 6) === wanted);
         out.push(hit((xOf(whole.from) + xOf(whole.to)) / 2, middleOf(whole.lane)).task === view.selected);",
    );
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], id);
    assert!(lines[1].starts_with("w1/") && lines[1].contains(" cut, w2/") && lines[1].ends_with(" returned"), "{told}");
    assert_eq!(lines[2..], ["true", "true"], "drawn where it is found");
}

#[test]
fn it_can_be_used_without_a_pointer() {
    let told = ask(
        &page_of(&shipped("worker_crash", "celery")),
        "",
        "const press = (key, on = document.body) => on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
         const length = () => view.to - view.from;
         const whole = length();
         press('+'); out.push(length() < whole * 0.7);
         const left = view.from; press('ArrowRight'); out.push(view.from > left);
         press('0'); out.push(length() >= END);
         press('n'); out.push(view.selected >= 0);
         press('n'); out.push(panel.querySelector('#life [aria-current]').textContent.includes('calls it'));
         press('n'); press('p'); out.push(panel.querySelector('#life [aria-current]').textContent.includes('calls it'));
         press('Escape'); out.push(view.selected === NONE);
         press('/'); out.push(document.activeElement === search);
         search.value = 'no such task'; search.dispatchEvent(new Event('input')); out.push(panel.innerText.includes('No such task.'));
         out.push([...document.querySelectorAll('button, input, canvas[tabindex]')].every((one) => one.tabIndex === 0));
         out.push(canvas.getAttribute('aria-label').startsWith('Timeline: PASS worker_crash / celery, seed 1.'));",
    );
    assert_eq!(told, ["true"; 11].join("\n"));
}

#[test]
fn a_broken_expectation_is_red_and_leads_to_its_tasks() {
    let report = written(
        "profile = \"celery\"\n[workers.w]\n[tasks.work]\ntakes = \"10s\"\n[[workload]]\ntask = \"work\"\nid = \"w\"\ncount = 3\n\
         [[fault]]\ndo = \"kill\"\nprocess = \"w\"\nat = \"4s\"\nrestart_after = \"2s\"\n[expect]\nlost = 0\n",
    );
    assert!(!report.passed());
    let told = ask(
        &page_of(&report),
        "",
        "out.push(document.title, document.getElementById('verdict').textContent);
         out.push(panel.querySelector('td.broken').parentElement.textContent);
         const chip = [...panel.querySelectorAll('.chips button')].find((one) => one.textContent.startsWith('LOST'));
         chip.click();
         out.push([...panel.querySelectorAll('#tasks .id')].map((one) => one.textContent).join());
         const task = tasks.indexOf(panel.querySelector('#tasks .id').textContent);
         out.push(isBroken(task), alarmOf(task) === colours.broken);",
    );
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[..3], ["FAIL story, seed 1 · simq", "FAIL", "lost01broken"]);
    assert!(["w-1", "w-2", "w-3"].contains(&lines[3]), "{told}");
    assert_eq!(lines[4..], ["true", "true"]);
}

/// Names and ids come from a file, which may be somebody else's.
#[test]
fn names_and_ids_are_text_and_nothing_else() {
    let evil = "</script><script>document.documentElement.dataset.pwned=1</script><img src=x onerror=\"document.documentElement.dataset.pwned=1\">@@DATA@@ \u{2028}';//";
    let quoted = serde_json::to_string(evil).expect("a text");
    let text = format!(
        "about = {quoted}\n[workers.w]\nqueues = [{quoted}]\n[tasks.{quoted}]\nqueue = {quoted}\ndoes = [\"raise\"]\n\
         [[workload]]\ntask = {quoted}\nid = {quoted}\n[expect]\nlost = 0\n"
    );
    let report = written(&text);
    let told = ask(
        &page_of(&report),
        "",
        "select(0, true);
         out.push(document.documentElement.dataset.pwned === undefined, document.scripts.length, document.images.length);
         out.push(panel.querySelector('h3').textContent === tasks[0], tasks[0].includes('@@DATA@@'));
         tell(300, 20, hit(xOf(bars.find((own) => own.length)[0].from), middleOf(bars.findIndex((own) => own.length))));
         out.push(tip.querySelectorAll('img').length, panel.querySelectorAll('img').length);",
    );
    assert_eq!(told, "true\n3\n0\ntrue\ntrue\n0\n0");
}

const MANY: &str = "limit = \"1h\"\n[workers.w]\ncount = 8\nconcurrency = 4\n[tasks.resize]\ntakes = \"200ms..2s\"\n[tasks.mail]\ntakes = \"100ms..600ms\"\n\
     [[workload]]\ntask = \"resize\"\nid = \"resize\"\ncount = 6000\nevery = \"20ms..60ms\"\n\
     [[workload]]\ntask = \"mail\"\nid = \"mail\"\ncount = 4000\nevery = \"30ms..80ms\"\n\
     [[fault]]\ndo = \"kill\"\nprocess = \"w3\"\nat = \"40s\"\nrestart_after = \"20s\"\n[expect]\nlost = 0\n";

/// Milliseconds that a redraw of the whole picture may take in the median, on a machine that is busy and has no graphics
/// card: ten times what it takes on one that is not.
const REDRAW: f64 = 100.0;

#[test]
fn ten_thousand_tasks_stay_usable() {
    let report = written(MANY);
    let html = page_of(&report);
    assert!(html.len() < 4_000_000, "{} bytes", html.len());
    let told = ask(
        &html,
        "",
        "const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
         function measure() {
           const times = [];
           for (let i = 0; i < 31; i++) {
             const since = performance.now();
             draw(); drawOverview(); ink.getImageData(0, 0, 1, 1);
             times.push(performance.now() - since);
           }
           return median(times).toFixed(1);
         }
         fitAll(); out.push(measure());
         show(END * 0.3, END * 0.5); out.push(measure());
         show(END * 0.3, END * 0.302); out.push(measure());
         select(tasks.indexOf('resize-2500'), true); out.push(measure());
         select(NONE);
         const since = performance.now();
         search.value = 'mail-3999'; search.dispatchEvent(new Event('input'));
         out.push((performance.now() - since).toFixed(1), panel.querySelectorAll('#tasks button').length, tasks.length);",
    );
    println!(
        "milliseconds: all, a fifth, a five-hundredth, one task; search, found, tasks: {}",
        told.replace('\n', ", ")
    );
    let lines: Vec<&str> = told.lines().collect();
    for time in &lines[..5] {
        assert!(time.parse::<f64>().is_ok_and(|time| time < REDRAW), "{told}");
    }
    assert_eq!(lines[5..], ["1", "10000"]);
}

#[test]
fn it_is_dark_where_the_reader_s_system_is() {
    let html = page_of(&shipped("worker_crash", "safe"));
    let script = "document.documentElement.dataset.out = getComputedStyle(document.body).backgroundColor + colours.bg;";
    let of = |scheme| open(&html, "", script, scheme).data("out");
    assert_eq!([of(Scheme::Light), of(Scheme::Dark)], ["rgb(255, 255, 255)#ffffff", "rgb(21, 24, 28)#15181c"]);
}

#[test]
fn the_picture_of_the_readme_is_a_page_of_today() {
    let report = shipped("worker_crash", "safe");
    let target = path("docs/timeline.png");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("timeline.png");
    photograph(&page_of(&report), &format!("#task={}", redelivered(&report)), Scheme::Light, (1280, 720), &fresh);
    let picture = std::fs::read(&fresh).expect("a picture");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{} bytes", picture.len());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&target, picture).expect("the picture can be written");
    }
    assert!(target.exists(), "take it: UPDATE=1 cargo test --test timeline");
}

/// What Perfetto's reader of this format wants, and every execution of the ledger.
#[test]
fn the_trace_for_perfetto_has_every_execution_and_flows_in_pairs() {
    let report = shipped("worker_crash", "celery");
    let mut out = Vec::new();
    report.timeline.as_ref().expect("a timeline").perfetto(&report, &mut out).expect("written");
    let trace: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let of = |ph: &str| events.iter().filter(|event| event["ph"] == ph).collect::<Vec<_>>();
    let named: Vec<&str> = of("M").iter().filter_map(|event| event["args"]["name"].as_str()).collect();
    for lane in ["producer", "broker", "celery", "w1", "w1/1", "w2/2", "backend"] {
        assert!(named.contains(&lane), "{lane}: {named:?}");
    }
    let executions: Vec<_> = of("X").into_iter().filter(|event| event["cat"] == "execution").collect();
    let tasks = report.ledger.as_ref().expect("a ledger");
    assert_eq!(executions.len(), tasks.iter().map(|task| task.executions.len()).sum::<usize>());
    assert_eq!(executions.iter().filter(|event| event["args"]["ended"] == "cut short").count(), 2);
    for task in tasks.iter().flat_map(|task| &task.executions) {
        let micros = |seconds: f64| (seconds * 1e6).round() as i64;
        let is_it = |event: &&&serde_json::Value| {
            let (ts, dur) = (event["ts"].as_f64().expect("a time"), event["dur"].as_f64().expect("a length"));
            ts.round() as i64 == micros(task.started) && Some((ts + dur).round() as i64) == task.over.map(micros)
        };
        assert!(executions.iter().any(|event| is_it(&event)), "{task:?}");
    }
    let ends = |ph: &str| of(ph).iter().map(|event| event["id"].to_string()).collect::<Vec<_>>();
    assert_eq!(ends("s"), ends("f"), "each flow has two ends");
    assert!(ends("s").len() > tasks.len() * 3);
    let faults: Vec<_> = of("i").iter().map(|event| event["name"].to_string()).collect();
    assert_eq!(faults, ["\"kill w1, and 5s later restart w1\"", "\"restart w1\""]);
}

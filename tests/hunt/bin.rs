//! Hunts for planted faults.
#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]
mod chaos;

use simq::planted::{Fault, plant};
use simq::scenario::{Scenario, run};
use std::path::Path;
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seeds: u64 = args[0].parse().expect("seeds");
    let only = args.get(1).filter(|n| *n != "-");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunt");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("dir").map(|e| e.expect("e").path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    if let Some(name) = args.get(2) { files.retain(|f| f.to_string_lossy().contains(name.as_str())); }
    let faults: Vec<Option<Fault>> = std::iter::once(None).chain(Fault::ALL.iter().copied().map(Some)).collect();
    for fault in faults {
        let name = fault.map_or("None", Fault::name);
        if only.is_some_and(|o| *o != name) { continue; }
        for file in &files {
            let text = std::fs::read_to_string(file).expect("text");
            let began = Instant::now();
            let mut found = 0; let mut first = None;
            let n = seeds;
            let mut ran = 0;
            for seed in 1..=n {
                let document = chaos::with_faults(&text, seed);
                let scenario = Scenario::parse(file, document.to_string()).unwrap_or_else(|p| panic!("{p}\n{document}"));
                plant(fault);
                let report = run(&scenario, None, seed, None, false).expect("world");
                plant(None);
                ran += 1;
                let bad: Vec<_> = report.failures.iter().filter(|f| !f.starts_with("fault never struck")).collect();
                if !bad.is_empty() {
                    found += 1;
                    first.get_or_insert((seed, format!("{bad:?}"), document.get("fault").map(|f| f.to_string())));
                    if fault.is_some() && found >= 3 { break }
                }
            }
            println!("{name:28} {:18} {found:4}/{ran} {:5.2}s {}", file.file_stem().unwrap().to_string_lossy(), began.elapsed().as_secs_f64(), first.map_or(String::new(), |(s, b, f)| format!("seed {s} {b} {}", if fault.is_none() {f.unwrap_or_default()} else {String::new()})));
        }
    }
}

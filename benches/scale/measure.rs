//! Figures of one process, and tables of many.

use crate::Case;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Instant;

pub(crate) type Error = Box<dyn std::error::Error>;

/// What a measurement came to, by name.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn add(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut figures = Figures::default();
        for line in text.lines() {
            let (name, value) = line.rsplit_once(' ').ok_or("a line without a value")?;
            figures.add(name, value.parse()?);
        }
        Ok(figures)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name} {value}"))
    }
}

/// Time of the processors and of the wall since it was made.
pub(crate) struct Stretch {
    cpu: f64,
    wall: Instant,
}

impl Stretch {
    pub(crate) fn begin() -> Result<Self, Error> {
        Ok(Stretch { cpu: cpu()?, wall: Instant::now() })
    }

    /// Seconds of the processors and of the wall.
    pub(crate) fn end(&self) -> Result<(f64, f64), Error> {
        Ok((cpu()? - self.cpu, self.wall.elapsed().as_secs_f64()))
    }
}

/// Seconds that the threads of this process have run, those that have ended not counted.
fn cpu() -> Result<f64, Error> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(nanos as f64 / 1e9)
}

/// Bytes of memory: `VmRSS` now, `VmHWM` at most so far.
pub(crate) fn memory(field: &str) -> Result<f64, Error> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).ok_or("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

/// Runs all cases in turn, several times, and prints their medians.
pub(crate) fn rounds(cases: &[Case], rounds: usize) -> Result<(), Error> {
    let me = std::env::current_exe()?;
    let mut seen: Vec<Vec<Figures>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds.max(1) {
        for (case, seen) in cases.iter().zip(&mut seen) {
            let output = Command::new(&me).arg("--one").arg(case.part).args(&case.arguments).output()?;
            if !output.status.success() {
                return Err(format!("{}: {}", name(case), String::from_utf8_lossy(&output.stderr)).into());
            }
            seen.push(Figures::parse(&String::from_utf8(output.stdout)?)?);
        }
    }
    for (case, seen) in cases.iter().zip(&seen) {
        println!("{}", name(case));
        let names = seen.first().map(|figures| figures.0.keys()).into_iter().flatten();
        for figure in names {
            let mut values: Vec<f64> = seen.iter().filter_map(|figures| figures.0.get(figure)).copied().collect();
            values.sort_by(f64::total_cmp);
            let (low, high) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
            println!("    {figure:<36} {:>14.2}   ({low:.2} to {high:.2})", values[values.len() / 2]);
        }
    }
    Ok(())
}

fn name(case: &Case) -> String {
    format!("{} {}", case.part, case.arguments.join(" "))
}

use std::{env, fmt, mem, process, str::FromStr, time::Duration};

use crate::{Outcome, Tally, ping, queue, storm};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    W1,
    W2,
    W3,
}

impl Workload {
    fn default_seeds(self) -> u64 {
        match self {
            Workload::W1 | Workload::W2 => 1,
            Workload::W3 => 50,
        }
    }

    fn expected(self, seed: u64) -> Tally {
        match self {
            Workload::W1 => storm::expected(seed),
            Workload::W2 => ping::expected(),
            Workload::W3 => queue::expected(seed),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Workload::W1 => "w1",
            Workload::W2 => "w2",
            Workload::W3 => "w3",
        })
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "w1" => Ok(Workload::W1),
            "w2" => Ok(Workload::W2),
            "w3" => Ok(Workload::W3),
            _ => Err(format!("unknown workload {name:?}, expected w1, w2 or w3")),
        }
    }
}

/// One line of the comparison.
#[derive(Clone, Debug)]
pub struct Report {
    pub peer: String,
    pub workload: Workload,
    pub seeds: u64,
    /// User and system time of the process for all seeds.
    pub cpu: Duration,
    /// The sum over all seeds.
    pub total: Outcome,
}

/// One JSON object on one line; `result` is the count and the checksum of the work that was done.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.as_secs_f64();
        let operations = self.total.operations;
        let rate = operations as f64 / cpu;
        write!(f, r#"{{"peer":"{}","workload":"{}""#, self.peer, self.workload)?;
        write!(f, r#","operations":{operations},"cpu_seconds":{cpu:.6},"per_cpu_second":{rate:.0}"#)?;
        write!(f, r#","virtual_seconds":{:.3}"#, self.total.virtual_time.as_secs_f64())?;
        if self.workload == Workload::W3 {
            let seeds = self.seeds as f64 / cpu;
            write!(f, r#","seeds":{},"seeds_per_cpu_second":{seeds:.2}"#, self.seeds)?;
            write!(f, r#","messages":{operations},"messages_per_cpu_second":{rate:.0}"#)?;
        }
        write!(f, r#","result":"{}"}}"#, self.total.done)
    }
}

/// The whole of a port's `main`: `PROGRAM w1|w2|w3 [--seeds N]`.
///
/// Runs the workload with the seeds 1 to N (default 1, for W3 50), measures the CPU time of all of them together and
/// prints the [`Report`]. Exits with 2 on a wrong command line, with 1 if a run did other work than it should.
pub fn bench(peer: &str, mut run: impl FnMut(Workload, u64) -> Outcome) {
    let (workload, seeds) = arguments(env::args().skip(1)).unwrap_or_else(|error| {
        eprintln!("{error}\nusage: w1|w2|w3 [--seeds N]");
        process::exit(2)
    });

    let mut total = Outcome::default();
    let start = cpu_time();
    for seed in 1..=seeds {
        let outcome = run(workload, seed);
        total.operations += outcome.operations;
        total.virtual_time += outcome.virtual_time;
        total.done.merge(outcome.done);
    }
    let cpu = cpu_time() - start;

    let mut expected = Tally::default();
    for seed in 1..=seeds {
        expected.merge(workload.expected(seed));
    }
    if total.done != expected {
        eprintln!("{peer} {workload} did {}, expected {expected}", total.done);
        process::exit(1);
    }
    println!("{}", Report { peer: peer.to_owned(), workload, seeds, cpu, total });
}

fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<(Workload, u64), String> {
    let workload: Workload = arguments.next().ok_or("which workload?")?.parse()?;
    let seeds = match arguments.next().as_deref() {
        None => workload.default_seeds(),
        Some("--seeds") => {
            let seeds = arguments.next().ok_or("--seeds needs a number")?;
            match seeds.parse() {
                Ok(seeds @ 1..) => seeds,
                _ => return Err(format!("--seeds {seeds:?} is not a number of 1 or more")),
            }
        }
        Some(other) => return Err(format!("unknown argument {other:?}")),
    };
    match arguments.next() {
        None => Ok((workload, seeds)),
        Some(other) => Err(format!("unknown argument {other:?}")),
    }
}

/// User and system time that this process has used so far.
///
/// Resource usage rather than a process clock: some simulators replace the C library's clocks.
pub fn cpu_time() -> Duration {
    // SAFETY: all-zero bytes are a valid `rusage`, and `getrusage` writes to nothing else.
    let usage = unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &mut usage), 0, "getrusage failed");
        usage
    };
    let duration = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<(Workload, u64), String> {
        arguments(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_line_is_strict() {
        assert_eq!(parse("w1"), Ok((Workload::W1, 1)));
        assert_eq!(parse("w3 --seeds 7"), Ok((Workload::W3, 7)));
        for wrong in ["", "w4", "w1 --seed 7", "w1 --seeds", "w1 --seeds 0", "w1 --seeds 7 8"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

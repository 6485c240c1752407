//! Rounds of measurements, and the table of their medians.

use std::collections::BTreeMap;
use std::time::Duration;

/// One measurement of an arm.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    pub(super) tasks: f64,
    pub(super) seconds: f64,
    /// Processor time of the arm's own processes; not a number where it is not known.
    pub(super) cpu_micros: f64,
    pub(super) server_micros: f64,
    /// Commands that the server carried out, where it counts them.
    pub(super) commands: Option<f64>,
    /// Memory of the arm's own processes.
    pub(super) mib: Option<f64>,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.tasks / self.seconds
    }
}

/// What is measured side by side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Drain,
    DrainIgnored,
    Publish,
}

impl Section {
    const ALL: [Section; 3] = [Section::Drain, Section::DrainIgnored, Section::Publish];

    pub(super) fn title(self) -> &'static str {
        match self {
            Section::Drain => "drain, results kept",
            Section::DrainIgnored => "drain, results ignored",
            Section::Publish => "publish",
        }
    }
}

/// Whose arm it is: what the others are compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Bare,
    Celery,
    Other,
}

/// All rounds.
#[derive(Default)]
pub(super) struct Table {
    order: Vec<(Section, String, Whose)>,
    rounds: BTreeMap<(Section, String), Vec<Measured>>,
}

impl Table {
    pub(super) fn add(&mut self, section: Section, name: &str, whose: Whose, measured: Option<Measured>) {
        let Some(measured) = measured else {
            eprintln!("{}: {name}: it ended, or took too long", section.title());
            return;
        };
        eprintln!("{}: {name}: {:.0} tasks/s", section.title(), measured.rate());
        let key = (section, name.to_owned());
        if !self.rounds.contains_key(&key) {
            self.order.push((section, name.to_owned(), whose));
        }
        self.rounds.entry(key).or_default().push(measured);
    }

    /// The round whose rate is in the middle.
    fn median(&self, section: Section, name: &str) -> Measured {
        let mut rounds = self.rounds[&(section, name.to_owned())].clone();
        rounds.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
        rounds[rounds.len() / 2]
    }

    pub(super) fn print(&self) {
        for section in Section::ALL {
            let rows: Vec<_> = self.order.iter().filter(|(of, ..)| *of == section).collect();
            if rows.is_empty() {
                continue;
            }
            let best = |of: Whose| {
                let arms = rows.iter().filter(|(.., whose)| *whose == of);
                let arms = arms.map(|(_, name, _)| self.median(section, name));
                arms.max_by(|one, other| one.rate().total_cmp(&other.rate()))
            };
            let (celery, bare) = (best(Whose::Celery), best(Whose::Bare));
            println!(
                "\n| {} | tasks/s | of Celery's best | of the bare loop | CPU s per 10,000 | Celery's best takes | \
                 the server's CPU s | commands a task | MiB |\n|---|---|---|---|---|---|---|---|---|",
                section.title()
            );
            for (_, name, _) in rows {
                print_row(name, &self.median(section, name), celery, bare);
            }
        }
    }
}

fn print_row(name: &str, row: &Measured, celery: Option<Measured>, bare: Option<Measured>) {
    let shown = |value: Option<f64>, show: &dyn Fn(f64) -> String| {
        value.filter(|value| value.is_finite()).map_or_else(|| "–".to_owned(), show)
    };
    let cpu = |of: &Measured| of.cpu_micros / of.tasks / 100.0;
    println!(
        "| {name} | {:.0} | {} | {} | {} | {} | {:.2} | {} | {} |",
        row.rate(),
        shown(celery.map(|celery| row.rate() / celery.rate()), &|times| format!("{times:.1} ×")),
        shown(bare.map(|bare| row.rate() / bare.rate()), &|part| format!("{:.0} %", 100.0 * part)),
        shown(Some(cpu(row)), &|seconds| format!("{seconds:.2}")),
        shown(celery.map(|celery| cpu(&celery) / cpu(row)), &|times| format!("{times:.1} ×")),
        row.server_micros / row.tasks / 100.0,
        shown(row.commands, &|commands| format!("{:.2}", commands / row.tasks)),
        shown(row.mib, &|mib| format!("{mib:.0}")),
    );
}

/// How long calls took to come back, of all rounds.
#[derive(Default)]
pub(super) struct Trips(Vec<(String, Vec<Duration>)>);

impl Trips {
    pub(super) fn add(&mut self, name: &str, trips: Option<Vec<Duration>>) {
        let Some(trips) = trips else {
            eprintln!("there and back: {name}: it ended");
            return;
        };
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) => all.extend(trips),
            None => self.0.push((name.to_owned(), trips)),
        }
    }

    pub(super) fn print(&mut self) {
        if !self.0.is_empty() {
            println!("\n| there and back | p50 | p99 |\n|---|---|---|");
        }
        for (name, trips) in &mut self.0 {
            trips.sort_unstable();
            let millis = |at: usize| trips[at].as_secs_f64() * 1e3;
            println!("| {name} | {:.2} ms | {:.1} ms |", millis(trips.len() / 2), millis(trips.len() * 99 / 100));
        }
    }
}

//! `simq compare`

use super::again::{command_with, status, unless_interrupted};
use super::output;
use crate::env::system;
use crate::env::system::signals::interrupt;
use crate::scenario::Scenario;
use crate::scenario::compare::{Axis, Candidate, Row, compare, grid};
use clap::Args;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `simq compare`.
#[derive(Args)]
pub(super) struct Compare {
    /// Scenario files. Each variant of each is compared.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only this variant of each file.
    #[arg(long)]
    variant: Option<String>,
    /// A setting and the values to compare: task_acks_late=true,false. May be repeated: all combinations are compared.
    #[arg(long, value_name = "NAME=VALUE,...")]
    set: Vec<Axis>,
    /// Seeds to run each on, beginning with the first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// The first seed, in place of the first file's own.
    #[arg(long)]
    seed: Option<u64>,
    /// A call that begins later than this after it is due counts as delayed.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    late: Duration,
    /// One JSON object for each, one a line.
    #[arg(long)]
    json: bool,
    /// Threads to run on. Default: one per core.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
}

impl Compare {
    pub(super) fn execute(&self) -> u8 {
        output::status(self.try_execute())
    }

    fn try_execute(&self) -> Result<u8, String> {
        let load = |file: &PathBuf| Scenario::load(file).map_err(|problem| problem.to_string());
        let scenarios = self.files.iter().map(load).collect::<Result<Vec<Scenario>, String>>()?;
        let sets = grid(&self.set)?;
        let mut candidates = Vec::new();
        for scenario in &scenarios {
            for variant in super::variants::variants_of(scenario, self.variant.as_deref())? {
                let with = |set: &Vec<_>| Candidate { scenario, variant: variant.clone(), set: set.clone() };
                candidates.extend(sets.iter().map(with));
            }
        }
        let first = self.seed.unwrap_or_else(|| scenarios.first().map_or(1, Scenario::seed));
        let Some(last) = first.checked_add(self.seeds - 1) else {
            return Err(format!("--seeds: there are not so many seeds from {first} to {}", u64::MAX));
        };
        interrupt::listen();
        let progress = output::progress_bar(0);
        let told = |done: u64, all: u64| {
            progress.set_length(all);
            progress.set_position(done);
            unless_interrupted()
        };
        let jobs = self.jobs.unwrap_or_else(system::cores);
        let rows = compare(&candidates, &(first..=last), self.late, jobs, told);
        progress.finish_and_clear();
        let rows = rows.map_err(|error| error.to_string())?;
        match self.json {
            true => rows.iter().for_each(|row| {
                output::print(&format!("{}\n", serde_json::to_string(row).unwrap_or_default()));
            }),
            false => output::print(&self.table(&rows)),
        }
        let done = rows.first().map_or(0, |row| row.runs);
        if done < self.seeds {
            let rest = [("--seed", (first + done).to_string()), ("--seeds", (self.seeds - done).to_string())];
            output::print_error(&format!("interrupted; for the other seeds: {}", command_with(&rest)));
        }
        Ok(status(false, done < self.seeds))
    }

    fn table(&self, rows: &[Row]) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let late = format!("> {}", humantime::format_duration(self.late));
        let head = ["", "", "calls", "succeeded", "LOST", "STUCK", "DUPLICATED", &late, "p50", "p99", "wasted"];
        table.set_header(head);
        for row in rows {
            let begins = |delay: Option<f64>| delay.map_or_else(|| "never".to_owned(), seconds);
            let share =
                if row.executed_seconds > 0.0 { 100.0 * row.wasted_seconds / row.executed_seconds } else { 0.0 };
            table.add_row([
                if row.front { "*".to_owned() } else { String::new() },
                row.name.clone(),
                row.calls.to_string(),
                row.succeeded.to_string(),
                row.lost.to_string(),
                row.stuck.to_string(),
                row.duplicated.to_string(),
                row.delayed.to_string(),
                begins(row.p50_start_delay),
                begins(row.p99_start_delay),
                format!("{} ({share:.1} %)", seconds(row.wasted_seconds)),
            ]);
        }
        table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        let lines = table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
        let runs = rows.first().map_or(0, |row| row.runs);
        format!(
            "{lines}\n{runs} seeds each. p50 and p99: delay from due to begun. wasted: execution that was cut short or came again.\n\
             * Pareto front: no other row is as good in LOST, STUCK, DUPLICATED, late, p99 and wasted, and better in one.\n"
        )
    }
}

/// With a digit more than whole milliseconds at most.
fn seconds(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".to_owned(),
        small if small < 0.1 => format!("{:.1} ms", small * 1e3),
        small if small < 100.0 => format!("{small:.2} s"),
        large => format!("{large:.0} s"),
    }
}

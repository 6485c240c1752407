//! The command line, as a user meets it: the real binary, real files, its messages and exit statuses.
#![cfg(feature = "sim")]
#![allow(clippy::disallowed_methods, reason = "runs the command in real directories")]

#[path = "cli/bad_files.rs"]
mod bad_files;
#[path = "cli/bad_scenarios.rs"]
mod bad_scenarios;
#[path = "cli/beat.rs"]
mod beat;
#[path = "cli/calls.rs"]
mod calls;
#[path = "cli/command_tasks.rs"]
mod command_tasks;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/config.rs"]
mod config;
#[path = "cli/explore.rs"]
mod explore;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/interrupted.rs"]
mod interrupted;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/many_runs.rs"]
mod many_runs;
#[path = "cli/own_binary.rs"]
mod own_binary;
#[path = "cli/pictures.rs"]
mod pictures;
#[path = "cli/queue.rs"]
mod queue;
#[path = "cli/reports.rs"]
mod reports;
#[path = "cli/searches.rs"]
mod searches;
#[path = "cli/seeds.rs"]
mod seeds;
mod servers;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/support.rs"]
mod support;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/verdicts.rs"]
mod verdicts;

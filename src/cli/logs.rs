//! Log lines: in a simulated run they carry virtual time and the process that speaks.

use super::output;
use std::fmt;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{FormatEvent, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::registry::LookupSpan;

/// What a body that is to panic says (`does = ["panic"]`).
#[cfg(feature = "sim")]
const ASKED_FOR: &str = "panic asked for by the scenario";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts logging to standard error, and says whether anything is logged. `filter` is a level or what `RUST_LOG` takes;
/// without it `RUST_LOG` counts, and without that nothing is logged.
#[cfg(feature = "sim")]
pub(super) fn start(filter: Option<&str>) -> Result<bool, String> {
    keep_asked_panics_quiet();
    match chosen("--log", filter)? {
        Some(filter) => write(filter).map(|()| true),
        None => Ok(false),
    }
}

/// The same, but with a level for when nothing is said. Levels may have Celery's names.
pub(super) fn start_at(filter: Option<&str>, usual: &str) -> Result<(), String> {
    let filter = filter.map(|filter| match filter.to_ascii_lowercase().as_str() {
        "warning" => at("warn"),
        "critical" | "fatal" => at("error"),
        level if LEVELS.contains(&level) => at(level),
        _ => filter.to_owned(),
    });
    let filter = chosen("--loglevel", filter.as_deref())?;
    write(filter.unwrap_or_else(|| EnvFilter::new(at(usual))))
}

/// A level. lapin logs each error several times, and simq says what it tells.
fn at(level: &str) -> String {
    match level {
        "debug" | "trace" => level.to_owned(),
        _ => format!("{level},lapin=off"),
    }
}

fn chosen(flag: &str, filter: Option<&str>) -> Result<Option<EnvFilter>, String> {
    match filter {
        Some(filter) => {
            check_level(flag, filter)?;
            EnvFilter::try_new(filter).map(Some).map_err(|error| format!("{flag} {filter:?}: {error}"))
        }
        None if std::env::var_os("RUST_LOG").is_none_or(|filter| filter.is_empty()) => Ok(None),
        None => EnvFilter::try_from_default_env().map(Some).map_err(|error| format!("RUST_LOG: {error}")),
    }
}

fn write(filter: EnvFilter) -> Result<(), String> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(output::wants_coloured_errors())
        .with_writer(std::io::stderr)
        // Standard error may go away; a line that nobody reads is no event of the run.
        .log_internal_errors(false)
        .event_format(Lines);
    lines.try_init().map_err(|error| error.to_string())
}

/// A filter takes any word for the name of a crate, also a misspelt level.
fn check_level(flag: &str, filter: &str) -> Result<(), String> {
    let is_word = filter.chars().all(|c| c.is_ascii_alphabetic());
    let is_known = filter.starts_with("simq") || LEVELS.contains(&filter.to_ascii_lowercase().as_str());
    if !is_word || is_known {
        return Ok(());
    }
    let meant = crate::text::nearest(filter, LEVELS).map(|level| format!("; did you mean {level:?}?"));
    let levels = LEVELS.join(", ");
    Err(format!(
        "{flag} {filter:?}: there is no such level{}\nexpected one of: {levels}, or a filter",
        meant.unwrap_or_default()
    ))
}

/// A panic that the scenario asks for is an event of the run, not a fault of this program.
#[cfg(feature = "sim")]
fn keep_asked_panics_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload: &dyn std::any::Any = panic.payload();
        if payload.downcast_ref::<&str>() != Some(&ASKED_FOR) {
            usual(panic);
        }
    }));
}

struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &tracing_subscriber::fmt::FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        #[cfg(not(feature = "sim"))]
        let here = None::<(u64, &str)>;
        #[cfg(feature = "sim")]
        let here = simq_sim::here();
        match here {
            Some((nanos, process)) => write!(writer, "{:>12.6}s {process:<12} ", nanos as f64 / 1e9)?,
            None => {
                SystemTime.format_time(&mut writer)?;
                writer.write_char(' ')?;
            }
        }
        write!(writer, "{:>5} {}: ", event.metadata().level(), event.metadata().target())?;
        ctx.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

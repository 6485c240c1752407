//! What was found, as a scenario file that anyone can run.

use super::shrink::Shrunk;
use std::fmt::Write;

/// Where a failure came from.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The file that was explored.
    pub file: &'a str,
    /// Its variant.
    pub variant: Option<&'a str>,
    /// The seed on which it failed.
    pub seed: u64,
    /// The strategy that chose the run; `None` when somebody named the seed.
    pub strategy: Option<&'a str>,
    /// Hash of that run.
    pub trace_hash: &'a str,
    /// The text of that file. If it is one of a failure, that comes from where the file says.
    pub text: &'a str,
}

/// Lines of a file that say where its failure came from begin so.
const FOUND: &str = "# Found by exploring (";
const SHRUNK: &str = "# Shrunk from ";

/// What the file of a failure says of where that came from; `None` for any other file.
fn provenance(text: &str) -> Option<&str> {
    text.lines()
        .take_while(|line| line.starts_with('#'))
        .find(|line| line.starts_with(FOUND) || line.starts_with(SHRUNK))
}

/// Whether a file of this name and text was written for a failure, and is where it was put.
pub fn is_found(name: &str, text: &str) -> bool {
    stem(name) != name && provenance(text).is_some()
}

/// The name without what [`file_name`] has added to it.
fn stem(scenario: &str) -> &str {
    let mut parts = scenario.rsplitn(3, '-');
    let is_digest = |part: &str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(digest), Some(_), Some(stem)) if is_digest(digest) => stem,
        _ => scenario,
    }
}

/// A name for the file of a failure, the same for all failures of one kind: `worker_crash-lost-1a2b3c4d`. That of a
/// failure that has a file has the same name.
pub fn file_name(scenario: &str, shrunk: &Shrunk) -> String {
    let scenario = stem(scenario);
    let outcome = shrunk.signature.outcome.rsplit('.').next().unwrap_or_default();
    let outcome: String =
        outcome.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let digest = xxhash_rust::xxh3::xxh3_64(shrunk.signature.to_string().as_bytes()) as u32;
    format!("{scenario}-{}-{digest:08x}.toml", outcome.trim_matches('-'))
}

/// The file's text; `command` shows the run again.
pub fn file_text(shrunk: &Shrunk, origin: &Origin<'_>, command: &str) -> String {
    let mut text = String::new();
    let Origin { file, variant, seed, strategy, trace_hash, text: original } = origin;
    let _ = writeln!(text, "# {}", shrunk.signature);
    let how =
        strategy.map_or_else(|| "Shrunk".to_owned(), |strategy| format!("Found by exploring ({strategy}) and shrunk"));
    let variant = variant.map_or_else(String::new, |variant| format!(", variant {variant}"));
    let from = format!("# {how} from {file}{variant}, seed {seed}, trace {trace_hash}.");
    let _ = writeln!(text, "{}", provenance(original).unwrap_or(&from));
    let _ = writeln!(text, "# simq {}, trace of this file {}", env!("CARGO_PKG_VERSION"), shrunk.trace_hash);
    let _ = writeln!(text, "# Replay: {command}");
    let _ = write!(text, "\n{}", shrunk.text);
    text
}

//! `simq run --check-determinism`: the same run again, here and in a fresh process.

use super::jobs::Job;
use super::run::run_traced;
use crate::scenario::{Keep, Report, first_difference};
use std::io;
use std::path::Path;
use std::process::Command;
use tracing::subscriber::{NoSubscriber, with_default};

/// Runs a job again here and in a fresh process, and compares. A difference fails the report.
pub(super) fn check(job: &Job<'_>, report: &mut Report) -> Result<(), String> {
    let failed = |error: io::Error| format!("the check of determinism did not run: {error}");
    let dir = tempfile::tempdir().map_err(failed)?;
    let (here, there) = (dir.path().join("here.jsonl"), dir.path().join("there.jsonl"));
    // What it has to say was said the first time.
    let again = with_default(NoSubscriber::default(), || run_traced(job, Keep::default(), &here))?;
    let fresh = run_in_a_fresh_process(job, &there)?;
    let difference = difference([&report.trace_hash, &again.trace_hash, &fresh], [&here, &there]).map_err(failed)?;
    if let Some(difference) = difference {
        report.failures.push(difference);
        report.verdict = "fail";
    }
    Ok(())
}

/// Its trace's hash.
fn run_in_a_fresh_process(job: &Job<'_>, trace: &Path) -> Result<String, String> {
    let failed = |why: String| format!("the check of determinism did not run: {why}");
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    #[allow(clippy::disallowed_methods, reason = "the fresh process is this program, and outside of any simulation")]
    let mut fresh = Command::new(program);
    fresh.args(["run", "--format", "json", "--seed", &job.seed.to_string(), "--trace"]).arg(trace);
    fresh.args(job.variant.map(|variant| format!("--variant={variant}"))).arg("--").arg(job.scenario.path());
    let output = fresh.env_remove("RUST_LOG").output().map_err(|error| failed(error.to_string()))?;
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match theirs["trace_hash"].as_str() {
        Some(hash) => Ok(hash.to_owned()),
        None => Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))),
    }
}

/// How three runs differ: the first one here, the second one here, and the one in a fresh process. There are traces of
/// the last two.
fn difference(hashes: [&str; 3], traces: [&Path; 2]) -> io::Result<Option<String>> {
    if hashes.iter().all(|hash| *hash == hashes[0]) {
        return Ok(None);
    }
    let text = match first_difference(traces[0], traces[1])? {
        Some(difference) => {
            let line = |line: &Option<String>| line.clone().unwrap_or_else(|| "(the trace has ended)".to_owned());
            let [a, b] = &difference.lines;
            format!("first difference at event {}:\n    here:  {}\n    there: {}", difference.record, line(a), line(b))
        }
        None if hashes[1] == hashes[2] => {
            "the fresh process agrees with the second run here, not with the first".to_owned()
        }
        None => "the traces read the same; the choices differ".to_owned(),
    };
    Ok(Some(format!("not deterministic: hashes {}; {text}", hashes.join(", "))))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "writes the traces that are compared")]
mod tests {
    use super::difference;
    use std::fs::write;

    #[test]
    fn a_difference_is_told_with_its_event() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write(&a, "{\"n\":0}\n{\"n\":1,\"t\":1}\n{\"n\":2}\n").unwrap();
        write(&b, "{\"n\":0}\n{\"n\":1,\"t\":9}\n{\"n\":2}\n").unwrap();
        let told = |hashes| difference(hashes, [&a, &b]).unwrap();
        assert_eq!(told(["x", "x", "x"]), None);
        let text = told(["x", "x", "y"]).unwrap();
        assert!(text.contains("hashes x, x, y") && text.contains("at event 1"), "{text}");
        assert!(text.contains("here:  {\"n\":1,\"t\":1}") && text.contains("there: {\"n\":1,\"t\":9}"), "{text}");
    }

    #[test]
    fn a_process_that_repeats_itself_wrongly_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let same = dir.path().join("same");
        write(&same, "{\"n\":0}\n").unwrap();
        let told = |hashes| difference(hashes, [&same, &same]).unwrap().unwrap();
        assert!(told(["x", "y", "y"]).contains("not with the first"));
        assert!(told(["x", "x", "y"]).contains("the choices differ"));
    }
}

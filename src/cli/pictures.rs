//! Timelines on their way to files: one for each variant.

use super::files;
use super::jobs::{Group, Job};
use crate::scenario::Report;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where to write them.
pub(super) struct Pictures<'a> {
    timeline: Option<&'a Path>,
    perfetto: Option<&'a Path>,
    /// There are several variants, so each has files of its own.
    many: bool,
}

impl<'a> Pictures<'a> {
    pub(super) fn new(
        timeline: Option<&'a Path>,
        perfetto: Option<&'a Path>,
        groups: &[Group<'_>],
    ) -> Result<Pictures<'a>, String> {
        let one_file = groups.windows(2).all(|pair| pair[0].scenario.path() == pair[1].scenario.path());
        let one_seed = groups.iter().all(|group| group.seeds.start() == group.seeds.end());
        let pictures = Pictures { timeline, perfetto, many: groups.len() > 1 };
        if !pictures.are_wanted() || (one_file && one_seed) {
            return Ok(pictures);
        }
        let option = if timeline.is_some() { "--timeline" } else { "--perfetto" };
        Err(format!("{option} takes one scenario and one seed: name one file and one --seed"))
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.timeline.is_some() || self.perfetto.is_some()
    }

    /// Writes what is wanted of a run.
    pub(super) fn write(&self, job: &Job<'_>, report: &Report) -> Result<(), String> {
        let Some(timeline) = &report.timeline else { return Ok(()) };
        if let Some(path) = self.timeline {
            let page = timeline.html(report, "simq");
            self.write_to(path, job, "timeline", |out| out.write_all(page.as_bytes()))?;
        }
        if let Some(path) = self.perfetto {
            self.write_to(path, job, "trace", |out| timeline.perfetto(report, out))?;
        }
        Ok(())
    }

    fn write_to(
        &self,
        path: &Path,
        job: &Job<'_>,
        what: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), String> {
        let path = match job.variant.filter(|_| self.many) {
            Some(variant) => of_variant(path, variant),
            None => path.to_owned(),
        };
        if files::are_same(&path, job.scenario.path()) {
            return Err(format!("{}: this is the scenario; the {what} would overwrite it", path.display()));
        }
        let unwritable = |error: io::Error| format!("{}: the {what} was not written: {error}", path.display());
        let mut out = BufWriter::new(files::create(&path).map_err(unwritable)?);
        write(&mut out).and_then(|()| out.flush()).map_err(unwritable)
    }
}

/// `out.html` of variant `safe` is `out.safe.html`. A variant's name is no path.
fn of_variant(path: &Path, variant: &str) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(".");
    name.push(variant.chars().map(plain).collect::<String>());
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::of_variant;
    use std::path::Path;

    #[test]
    fn a_variant_has_a_file_beside_the_others() {
        assert_eq!(of_variant(Path::new("a/out.html"), "safe"), Path::new("a/out.safe.html"));
        assert_eq!(of_variant(Path::new("out"), "../../x"), Path::new("out..._.._x"));
    }
}

//! Timelines on their way to files: one for each variant.

use super::files;
use super::jobs::{Group, Job};
use crate::scenario::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where to write them.
pub(super) struct Pictures<'a> {
    timeline: Option<&'a Path>,
    perfetto: Option<&'a Path>,
    /// Names that variants have in files. There are several variants, so each has files of its own; else there are none.
    names: BTreeMap<String, String>,
}

impl<'a> Pictures<'a> {
    pub(super) fn new(
        timeline: Option<&'a Path>,
        perfetto: Option<&'a Path>,
        groups: &[Group<'_>],
    ) -> Result<Pictures<'a>, String> {
        let one_file = groups.windows(2).all(|pair| pair[0].scenario.path() == pair[1].scenario.path());
        let one_seed = groups.iter().all(|group| group.seeds.start() == group.seeds.end());
        let variants: Vec<&str> = groups.iter().filter_map(|group| group.variant.as_deref()).collect();
        let names = if groups.len() > 1 { names(&variants) } else { BTreeMap::new() };
        let pictures = Pictures { timeline, perfetto, names };
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
        let path = match job.variant.and_then(|variant| self.names.get(variant)) {
            Some(name) => of_variant(path, name),
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

/// What variants are called in names of files. A variant's name is no path: what is odd in it becomes `_`, and a name that
/// is another's then, also where case makes no difference, gets a number.
fn names(variants: &[&str]) -> BTreeMap<String, String> {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let mut taken = BTreeSet::new();
    // Whoever needs no change keeps its name.
    let (plain_ones, odd_ones): (Vec<&str>, Vec<&str>) =
        variants.iter().partition(|name| name.chars().all(|c| plain(c) == c));
    let in_files = plain_ones.into_iter().chain(odd_ones).map(|variant| {
        let name: String = variant.chars().map(plain).collect();
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| taken.insert(name.to_lowercase()));
        (variant.to_owned(), free.unwrap_or(name))
    });
    in_files.collect()
}

/// `out.html` of variant `safe` is `out.safe.html`.
fn of_variant(path: &Path, variant: &str) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(".");
    name.push(variant);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::{names, of_variant};
    use std::path::Path;

    #[test]
    fn a_variant_has_a_file_beside_the_others() {
        assert_eq!(of_variant(Path::new("a/out.html"), "safe"), Path::new("a/out.safe.html"));
        assert_eq!(of_variant(Path::new("out"), "x"), Path::new("out.x"));
    }

    #[test]
    fn no_two_variants_share_a_file() {
        let names = names(&["a/b", "a b", "a_b", "../../x", "Safe", "safe"]);
        let in_file = |variant: &str| names[variant].as_str();
        assert_eq!(["a_b", "a/b", "a b"].map(in_file), ["a_b", "a_b_2", "a_b_3"]);
        assert_eq!(["../../x", "Safe", "safe"].map(in_file), [".._.._x", "Safe", "safe_2"]);
    }
}

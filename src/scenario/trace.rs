//! The trace as lines of JSON, and where two traces first differ.

use simq_sim::{Record, Sink, What};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::rc::Rc;

type Writer = Rc<RefCell<Result<BufWriter<File>, io::Error>>>;

/// A file that gets every record of a run as a line of JSON.
pub struct TraceFile(Writer);

struct Lines(Writer);

impl TraceFile {
    /// Creates (or empties) a file.
    ///
    /// # Errors
    ///
    /// When it can't be created.
    pub fn create(path: &Path) -> io::Result<TraceFile> {
        let file = crate::cli::files::create(path)?;
        Ok(TraceFile(Rc::new(RefCell::new(Ok(BufWriter::new(file))))))
    }

    /// What a run writes to.
    pub fn sink(&self) -> Box<dyn Sink> {
        Box::new(Lines(self.0.clone()))
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// Whatever went wrong with writing since it was created.
    pub fn finish(self) -> io::Result<()> {
        match &mut *self.0.borrow_mut() {
            Ok(writer) => writer.flush(),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl Sink for Lines {
    fn record(&mut self, record: &Record<'_>) {
        let mut writer = self.0.borrow_mut();
        if let Ok(file) = &mut *writer
            && let Err(error) = writeln!(file, "{}", line(record))
        {
            // Reported when the file is finished; the run goes on.
            *writer = Err(error);
        }
    }
}

fn line(record: &Record<'_>) -> serde_json::Value {
    let mut line = serde_json::json!({
        "n": record.number,
        "t": record.at as f64 / 1e9,
        "process": record.process,
    });
    let mut set = |key: &str, value: serde_json::Value| {
        line[key] = value;
    };
    let hex = |digest: u64| format!("{digest:016x}").into();
    match record.what {
        What::Started { incarnation } => {
            set("what", "process.started".into());
            set("incarnation", incarnation.into());
        }
        What::Exited { how, .. } => {
            set("what", "process.exited".into());
            set("how", how.to_string().into());
        }
        What::Connected { connection, peer } => {
            set("what", "connected".into());
            set("connection", connection.into());
            set("peer", peer.into());
        }
        What::Refused { peer } => {
            set("what", "refused".into());
            set("peer", peer.into());
        }
        What::Sent { connection, label, digest, payload } => {
            set("what", "sent".into());
            set("effect", label.into());
            set("connection", connection.into());
            set("text", payload.to_string().into());
            set("digest", hex(digest));
        }
        What::Arrived { connection, label, digest } => {
            set("what", "arrived".into());
            set("effect", label.into());
            set("connection", connection.into());
            set("digest", hex(digest));
        }
        What::Closed { connection, reset } => {
            set("what", if reset { "connection.reset" } else { "connection.closed" }.into());
            set("connection", connection.into());
        }
        What::Fault { fault, struck } => {
            set("what", "fault".into());
            set("text", fault.to_string().into());
            set("struck", struck.into());
        }
        What::Disk { effect, path, digest } => {
            set("what", effect.into());
            set("path", path.into());
            set("digest", hex(digest));
        }
        What::Note { kind, digest, text } => {
            set("what", kind.into());
            set("text", text.to_string().into());
            set("digest", hex(digest));
        }
    }
    line
}

/// Where two traces part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstDifference {
    /// Number of the record, from 0.
    pub record: usize,
    /// The record of each; `None` where the trace had already ended.
    pub lines: [Option<String>; 2],
}

/// Compares two trace files.
///
/// # Errors
///
/// When one can't be read.
pub fn first_difference(a: &Path, b: &Path) -> io::Result<Option<FirstDifference>> {
    let open = |path: &Path| crate::cli::files::open(path).map(|file| BufReader::new(file).lines());
    let (mut a, mut b) = (open(a)?, open(b)?);
    for record in 0.. {
        let lines = [a.next().transpose()?, b.next().transpose()?];
        match &lines {
            [None, None] => break,
            [Some(a), Some(b)] if a == b => {}
            _ => return Ok(Some(FirstDifference { record, lines })),
        }
    }
    Ok(None)
}

//! What is wrong with a file, where, and what was expected.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Something wrong with a file: one message that names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line and column, from 1; `None` when it could not be read at all.
    pub place: Option<(usize, usize)>,
    /// What is wrong, what was expected, and the nearest valid name if there is one.
    pub message: String,
    snippet: Option<Snippet>,
}

/// The line, or what is around the place in a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Snippet {
    text: String,
    /// Characters of `text` before the place.
    before: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let (Some((line, _)), Some(snippet)) = (self.place, &self.snippet) {
            let margin = " ".repeat(line.to_string().len());
            let caret = " ".repeat(snippet.before);
            write!(f, "\n{margin} |\n{line} | {}\n{margin} | {caret}^", snippet.text)?;
        }
        Ok(())
    }
}

/// Most characters of a line that are shown, and of a message: both may quote what the file holds.
const SNIPPET: usize = 120;
const MESSAGE: usize = 2_000;

impl Problem {
    /// About a file that can't be read.
    pub(crate) fn whole(file: &Path, message: impl Into<String>) -> Self {
        Problem { file: file.to_owned(), place: None, message: shown(&message.into()), snippet: None }
    }

    /// Without the line of the file, in which a secret may stand.
    pub(crate) fn without_snippet(self) -> Self {
        Problem { snippet: None, ..self }
    }

    /// About a place in its text.
    pub(crate) fn at(file: &Path, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = &text.as_bytes()[..span.start.min(text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        let snippet = text.lines().nth(line - 1).filter(|line| !line.is_empty()).map(|line| Snippet::of(line, column));
        Problem { file: file.to_owned(), place: Some((line, column)), message: shown(&message.into()), snippet }
    }
}

impl Snippet {
    fn of(line: &str, column: usize) -> Snippet {
        let skipped = if column <= SNIPPET { 0 } else { column - SNIPPET / 2 };
        let lead = if skipped > 0 { "..." } else { "" };
        // One column each, so that the caret stays below its character.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let mut text: String = lead.chars().chain(line.chars().skip(skipped).take(SNIPPET).map(plain)).collect();
        if line.chars().nth(skipped + SNIPPET).is_some() {
            text.push_str("...");
        }
        Snippet { text, before: column - 1 - skipped + lead.len() }
    }
}

/// A message that can't take over a terminal, nor fill it.
fn shown(message: &str) -> String {
    let mut shown = String::new();
    for c in message.chars().take(MESSAGE) {
        match c {
            c if c.is_control() && c != '\n' => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    if message.chars().nth(MESSAGE).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, at: usize, message: &str) -> String {
        Problem::at(Path::new("f.toml"), text, at..at, message).to_string()
    }

    #[test]
    fn the_caret_stands_below_the_character() {
        assert_eq!(told("a\r\n\t\tb = x\r\n", 9, "odd"), "f.toml:2:7: odd\n  |\n2 |   b = x\n  |       ^");
        assert_eq!(told("\u{e9}\u{e9} = x", 7, "odd"), "f.toml:1:6: odd\n  |\n1 | \u{e9}\u{e9} = x\n  |      ^");
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let told = told(&format!("{}!{}", "a".repeat(500), "b".repeat(500)), 500, "odd");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "f.toml:1:501: odd");
        assert_eq!(lines[2].find('!'), lines[3].find('^'));
        assert!(told.len() < 400, "{told}");
    }

    #[test]
    fn what_a_file_holds_is_not_sent_to_the_terminal() {
        assert!(!told("\u{1b}[31m = 1", 0, "no key \u{1b}[31m").contains('\u{1b}'));
        assert!(told("a", 0, &"x".repeat(1 << 20)).len() < 3_000);
    }

    #[test]
    fn a_place_outside_of_the_text_is_its_end() {
        assert!(told("a\nb", 99, "odd").starts_with("f.toml:2:2: "));
        assert_eq!(told("", 0, "odd"), "f.toml:1:1: odd");
    }
}

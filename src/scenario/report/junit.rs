//! Reports as JUnit's XML, for whatever shows test results.

use super::super::Report;
use super::human::title;
use super::replay::replay;
use std::fmt::Write;

/// A document that grows run by run.
#[derive(Clone, Debug, Default)]
pub struct Junit {
    cases: String,
    tests: u64,
    failures: u64,
    wall_seconds: f64,
}

impl Junit {
    /// Adds a run.
    pub fn add(&mut self, report: &Report) {
        self.tests += 1;
        self.failures += u64::from(!report.passed());
        self.wall_seconds += report.wall_seconds;
        let name = escape(&format!("{}, seed {}", title(report), report.seed));
        let (class, time) = (escape(&report.scenario), report.wall_seconds);
        let xml = &mut self.cases;
        let _ = write!(xml, "  <testcase classname=\"{class}\" name=\"{name}\" time=\"{time:.3}\"");
        if report.passed() {
            xml.push_str("/>\n");
            return;
        }
        let message = escape(&report.failures.join("; ").replace('\n', " "));
        let text = escape(&format!("{}\nreplay: {}", report.failures.join("\n"), replay(report, "simq")));
        let _ = writeln!(xml, ">\n    <failure message=\"{message}\">{text}</failure>\n  </testcase>");
    }

    /// The whole document.
    pub fn document(&self) -> String {
        let Junit { cases, tests, failures, wall_seconds } = self;
        let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{wall_seconds:.3}\"");
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        format!("{head}\n<testsuite name=\"simq\" {counts}>\n{cases}</testsuite>\n")
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write other control characters, nor these two.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_breaks_out_of_the_document() {
        assert_eq!(escape("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;\u{fffd}");
    }
}

//! A real browser without a window, for one page at a time.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one page may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    Dark,
    Light,
}

/// What a page came to.
pub(crate) struct Seen {
    /// The document after its scripts have run.
    pub(crate) dom: String,
    /// What was written to the console: errors of scripts, and what the policy of the page forbids.
    pub(crate) console: Vec<String>,
}

impl Seen {
    /// The text of `data-NAME` of the root element.
    pub(crate) fn data(&self, name: &str) -> String {
        let start = format!("data-{name}=\"");
        let rest = self.dom.split_once(&start).unwrap_or_else(|| panic!("no data-{name}: {:?}", self.console)).1;
        let text = rest.split('"').next().unwrap_or_default();
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }
}

/// Opens a page, and then runs `script` in it as if it stood at its end.
pub(crate) fn open(html: &str, fragment: &str, script: &str, scheme: Scheme) -> Seen {
    let directory = TempDir::new().expect("a directory");
    let page = directory.path().join("page.html");
    let (before, after) = html.rsplit_once("</body>").expect("a page");
    std::fs::write(&page, format!("{before}<script>{script}</script></body>{after}")).expect("a page");
    let output = chromium(directory.path(), &page, fragment, scheme, &["--dump-dom"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let console = said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Seen { dom: String::from_utf8_lossy(&output.stdout).into_owned(), console }
}

/// Takes a picture of a page.
pub(crate) fn photograph(html: &str, fragment: &str, scheme: Scheme, size: (u32, u32), to: &Path) {
    let directory = TempDir::new().expect("a directory");
    let page = directory.path().join("page.html");
    std::fs::write(&page, html).expect("a page");
    let shot = format!("--screenshot={}", to.display());
    let size = format!("--window-size={},{}", size.0, size.1);
    let output = chromium(directory.path(), &page, fragment, scheme, &[&shot, &size]);
    assert!(to.exists(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn chromium(home: &Path, page: &Path, fragment: &str, scheme: Scheme, more: &[&str]) -> Output {
    let scheme = match scheme {
        Scheme::Dark => "--blink-settings=preferredColorScheme=0",
        Scheme::Light => "--blink-settings=preferredColorScheme=1",
    };
    let mut command = Command::new("chromium");
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        scheme,
    ]);
    command.arg(format!("--user-data-dir={}", home.join("profile").display())).args(["--window-size=1440,900"]);
    command.args(more).arg(format!("file://{}{fragment}", page.display()));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("chromium is needed: scripts/setup installs it (apt-get install chromium)");
    let pid = child.id();
    let waiting = std::thread::spawn(move || wait(child));
    let since = Instant::now();
    while !waiting.is_finished() {
        if since.elapsed() > PATIENCE {
            let _ = Command::new("kill").arg("-9").arg(pid.to_string()).status();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    waiting.join().expect("a thread")
}

fn wait(child: Child) -> Output {
    child.wait_with_output().expect("chromium ends")
}

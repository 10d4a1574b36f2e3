//! The README's first command is a test too: it fails unless all that it says happens.

use super::browser::perform;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A demo, and what it has said so far.
struct Demo {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo"))
            .arg("--folder")
            .arg(folder)
            .arg("--stay")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            process,
            lines,
            said: String::new(),
        }
    }

    /// The next line with these words.
    fn line(&mut self, with: &str) -> String {
        loop {
            let Some(line) = self.lines.next() else {
                panic!("it ended before it said {with:?}: {}", self.said);
            };
            let line = line.unwrap();
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(with) {
                return line;
            }
        }
    }

    /// The link below a line that begins with these words.
    fn link(&mut self, of: &str) -> String {
        let line = self.line(of);
        assert!(line.starts_with(of), "{line}");
        self.line("/welcome/").trim().to_owned()
    }

    /// Tells it to end, and whether it ended well.
    fn end(&mut self) -> bool {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        self.process.wait().unwrap().success()
    }
}

/// A test that fails leaves no hospital behind.
impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

/// Without a terminal it stays until it is told to end; what it says can be tried is tried as
/// it stands there, and so are the five minutes of the README.
#[test]
fn the_demo_does_what_it_says_and_stays_until_it_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path());
    demo.line("The programs are built.");
    let page = demo.line("The hospital keeps running.");
    let page = page.split_whitespace().last().unwrap();
    let invited = [
        ("ADA", "Ada, approver; begin with her"),
        ("BEN", "Ben, approver too"),
        ("WELCOME", "Adam, administrator"),
    ];
    let links = invited.map(|(name, of)| (name, demo.link(of)));
    let command = demo.line("machine list");
    demo.line("SIGINT or SIGTERM ends it.");
    let mut words = command.split_whitespace();
    let tried = Command::new(words.next().unwrap()).args(words).output();
    let tried = tried.unwrap();
    let listed = String::from_utf8_lossy(&tried.stdout);
    assert!(
        tried.status.success() && listed.contains("station-1"),
        "{tried:?}"
    );
    let mut asked = vec![("PAGE", page), ("DRAFT", "Viewer 4.2.2")];
    asked.extend(links.iter().map(|(name, link)| (*name, link.as_str())));
    perform("five_minutes.py", folder.path(), &asked);
    demo.line("Rita, the registrar, enrols ada's browser key");
    assert!(
        demo.process.try_wait().unwrap().is_none(),
        "it ended by itself"
    );
    assert!(demo.end());
}

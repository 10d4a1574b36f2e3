//! The README's first command is a test too: it fails unless all that it says happens.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// Without a terminal it stays until it is told to end, and what it says can be tried is
/// tried as it stands there.
#[test]
fn the_demo_does_what_it_says_and_stays_until_it_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg("--folder")
        .arg(folder.path())
        .arg("--stay")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut all = String::new();
    let mut line = |until: &str| loop {
        let Some(line) = said.next() else {
            panic!("it ended before it said {until:?}: {all}");
        };
        let line = line.unwrap();
        all.push_str(&line);
        all.push('\n');
        if line.contains(until) {
            return line;
        }
    };
    line("The hospital keeps running.");
    let command = line("machine list");
    line("SIGINT or SIGTERM ends it.");
    let mut words = command.split_whitespace();
    let tried = Command::new(words.next().unwrap()).args(words).output();
    let tried = tried.unwrap();
    let listed = String::from_utf8_lossy(&tried.stdout);
    assert!(
        tried.status.success() && listed.contains("station-1"),
        "{tried:?}"
    );
    assert!(demo.try_wait().unwrap().is_none(), "it ended by itself");
    let process = Pid::from_child(&demo);
    kill_process(process, Signal::TERM).unwrap();
    assert!(demo.wait().unwrap().success());
}

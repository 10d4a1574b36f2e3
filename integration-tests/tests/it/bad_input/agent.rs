//! The agent: its settings, its flags, the token that it is handed.

use super::{bad_settings, refused};
use patchward_integration_tests::fixture::Hospital;
use patchward_integration_tests::machine::now;
use patchward_integration_tests::programs::Program;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Agent(tempfile::TempDir);

impl Agent {
    /// Settings with a folder of its own, and no installer.
    fn new() -> Self {
        let agent = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(agent.path("state")).unwrap();
        let text = format!(
            "state_dir = {:?}\ninstaller_socket = {:?}\nroot_dir = {:?}\n",
            agent.path("state"),
            agent.path("installer.sock"),
            agent.folder()
        );
        agent.write("good.toml", text.as_bytes());
        agent
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn command(&self, settings: &str) -> Command {
        let mut command = Command::new(Program::Agent.path().unwrap());
        command.arg("--config").arg(self.path(settings));
        command
    }
}

#[test]
fn settings() {
    let agent = Agent::new();
    let refuses = |words: &str| {
        let mut command = agent.command("bad.toml");
        refused(
            command.arg("status"),
            agent.folder(),
            8,
            &["bad.toml", words],
        );
    };
    refuses("No such file");
    for (bytes, words) in bad_settings("state_dir") {
        agent.write("bad.toml", &bytes);
        refuses(words);
    }
    for (line, words) in [
        (
            "state_dir = \"../x\"",
            "state_dir: \"../x\" must be absolute",
        ),
        (
            "collectors = [\"c\"]",
            "collectors: \"c\" must be host:port",
        ),
        ("look_minutes = 0", "look_minutes: must be at least 1"),
    ] {
        agent.write("bad.toml", line.as_bytes());
        refuses(words);
    }
    std::fs::remove_file(agent.path("bad.toml")).unwrap();
    std::fs::create_dir(agent.path("bad.toml")).unwrap();
    refuses("--config FILE");
    std::fs::remove_dir(agent.path("bad.toml")).unwrap();
    std::os::unix::fs::symlink("bad.toml", agent.path("bad.toml")).unwrap();
    refuses("symbolic links");
}

#[test]
fn flags() {
    let agent = Agent::new();
    let not_text = OsStr::from_bytes(b"\xff\xfe");
    for (arguments, words) in [
        (&["hold", "--for", "13h"][..], "at most 12h"),
        (&["hold", "--for", "1d"], "such as 45m or 2h"),
        (
            &["hold", "--for", "1h", "--reason", "Mr Smith"],
            "procedure",
        ),
        (&["enroll"], "--token"),
        (&["enrol", "--token", "x"], "enroll"),
    ] {
        let mut command = agent.command("good.toml");
        refused(command.args(arguments), agent.folder(), 2, &[words]);
    }
    let mut command = agent.command("good.toml");
    command.args(["enroll", "--token"]).arg(not_text);
    refused(&mut command, agent.folder(), 2, &["UTF-8"]);
    let mut command = agent.command("good.toml");
    let nobody = ["installer.sock", "installer"];
    refused(command.arg("status"), agent.folder(), 6, &nobody);
}

#[test]
fn a_token() {
    let agent = Agent::new();
    let good = Hospital::new(1, now()).token().to_text();
    let changed = good.replace("patchward1", "patchward9");
    let refuses = |words: &[&str]| {
        let mut command = agent.command("good.toml");
        command.args(["enroll", "--wait", "0", "--token-file"]);
        refused(command.arg(agent.path("token")), agent.folder(), 1, words);
    };
    refuses(&["token file", "No such file"]);
    for (bytes, words) in [
        (&b""[..], "copy the whole of it"),
        (&good.as_bytes()[..good.len() - 1], "cut off"),
        (&good.as_bytes()[..good.len() - 2], "cannot be read"),
        (changed.as_bytes(), "a token begins with patchward1"),
        (b"\xff\xfe", "UTF-8"),
        (&[good.as_bytes(), b"\0"].concat(), "wrong character"),
        (&[good.as_bytes(), &[b'0'; 1 << 20]].concat(), "longer than"),
    ] {
        agent.write("token", bytes);
        refuses(&[words]);
    }
    std::fs::remove_file(agent.path("token")).unwrap();
    std::fs::create_dir(agent.path("token")).unwrap();
    refuses(&["token file", "directory"]);
}

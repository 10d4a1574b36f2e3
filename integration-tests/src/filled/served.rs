//! The filled hospital with its collector running, and people at its page.

use super::{Ports, Progress, Spec, fill};
use crate::bench::report::clock;
use crate::ports::{free_port, free_tcp_port};
use crate::process::Daemon;
use crate::programs::Program;
use crate::visitor::Visitor;
use anyhow::{Context as _, ensure};
use patchward_collector::config::Settings;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A password that is long enough.
const PASSWORD: &str = "correct-horse-battery-staple";

/// A hospital that is served.
pub struct Served {
    /// The collector's folder.
    pub folder: PathBuf,
    /// Where it listens.
    pub ports: Ports,
    /// The collector.
    pub collector: Daemon,
    /// The administrator's link.
    link: String,
}

impl Served {
    /// Fills a new folder and serves it.
    pub async fn filled(
        folder: &Path,
        spec: &Spec,
        progress: Progress<'_>,
    ) -> anyhow::Result<Self> {
        let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ports = Ports {
            machines: on(free_port()?),
            page: on(free_tcp_port()?),
        };
        let path = folder.join("collector");
        let link = fill(&path, &ports, None, spec, progress).await?;
        let collector = serve(&path, &folder.join("collector.log"))?;
        Ok(Self {
            folder: path,
            ports,
            collector,
            link,
        })
    }

    /// Serves what `fill` filled before; the collector's log goes into `log`.
    pub fn again(path: &Path, log: &Path) -> anyhow::Result<Self> {
        let settings = std::fs::read(path.join("collector.toml")).context("no filled hospital")?;
        let settings = Settings::parse(&settings)?;
        let collector = serve(path, log)?;
        let link = &ask(path, &["user", "link", "admin"])?["link"];
        Ok(Self {
            folder: path.to_owned(),
            ports: Ports {
                machines: settings.listen,
                page: settings.web_listen.context("it has no page")?,
            },
            collector,
            link: link.as_str().context("no link")?.to_owned(),
        })
    }

    /// Tells the collector to end, as systemd does, and starts it as soon as it has; gives back
    /// when that was, and waits for nothing more.
    pub fn restarted(self, log: &Path) -> anyhow::Result<(Self, Instant)> {
        self.collector.terminate()?;
        let at = clock();
        let collector = started(&self.folder, log)?;
        Ok((Self { collector, ..self }, at))
    }

    /// Asks the collector by a command.
    pub fn ask(&self, words: &[&str]) -> anyhow::Result<Value> {
        ask(&self.folder, words)
    }

    /// The administrator, signed in for the first time.
    pub fn admin(&self) -> anyhow::Result<Visitor> {
        self.person(&self.link)
    }

    /// Somebody new with this role, signed in.
    pub fn somebody(&self, name: &str, role: &str) -> anyhow::Result<Visitor> {
        let words = ["user", "add", name, "--title", name, "--role", role];
        let made = self.ask(&words)?;
        let link = made["link"].as_str().context("no link")?;
        self.person(link)
    }

    fn person(&self, link: &str) -> anyhow::Result<Visitor> {
        let mut visitor = Visitor::new(&self.folder, self.ports.page.port())?;
        visitor.welcome(link, PASSWORD)?;
        Ok(visitor)
    }
}

/// The collector of a folder, as soon as its process is there.
fn started(path: &Path, log: &Path) -> anyhow::Result<Daemon> {
    Daemon::start(
        "collector",
        Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(path)
            .arg("serve"),
        log,
    )
}

fn serve(path: &Path, log: &Path) -> anyhow::Result<Daemon> {
    let mut collector = started(path, log)?;
    collector.wait_until("it answers", || ask(path, &["site", "list"]).is_ok())?;
    Ok(collector)
}

/// Asks the collector of a folder by a command.
pub fn ask(folder: &Path, words: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(Program::Collector.path()?)
        .arg("--folder")
        .arg(folder)
        .arg("--json")
        .args(words)
        .output()
        .context("asking the collector")?;
    ensure!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("reading what the collector says")
}

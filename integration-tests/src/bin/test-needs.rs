//! Installs what the tests need from Debian; does nothing where all of it is there.

use anyhow::{Context as _, bail};
use std::path::Path;
use std::process::Command;

/// What a test needs: a file that shows that it is there, and the Debian package.
const NEEDS: [(&str, &str); 6] = [
    ("/usr/lib/postgresql", "postgresql"),
    ("/usr/bin/rpm", "rpm"),
    ("/usr/bin/rpmbuild", "rpm"),
    ("/usr/bin/dpkg-deb", "dpkg"),
    ("/usr/bin/faketime", "faketime"),
    (
        "/usr/lib/python3/dist-packages/icalendar",
        "python3-icalendar",
    ),
];

fn main() -> anyhow::Result<()> {
    let mut missing: Vec<&str> = NEEDS
        .iter()
        .filter(|(file, _)| !Path::new(file).exists())
        .map(|(_, package)| *package)
        .collect();
    missing.dedup();
    if missing.is_empty() {
        println!("Everything that the tests need is installed.");
        return Ok(());
    }
    println!("Installing {} from Debian.", missing.join(", "));
    if !rustix::process::geteuid().is_root() {
        bail!("this needs root: apt-get install {}", missing.join(" "));
    }
    apt(&["update", "--quiet"])?;
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt(&[&install[..], &missing].concat())
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .context("starting apt-get; the tests run on Debian")?;
    if !status.success() {
        bail!("apt-get {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

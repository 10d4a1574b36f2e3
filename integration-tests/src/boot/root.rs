//! The root that is booted: made once by debootstrap, and copied for each run.

use crate::process::run;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the boot id stands for what looks from a sandbox of its own.
pub(super) const BOOT_ID: &str = "/run/boot-id";
/// What is booted.
const SUITE: &str = "bookworm";
/// Beside what every Debian has: what boots, logs people in and installs packages.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,libpam-systemd,ca-certificates";
/// Stands in a root that is whole.
const MARK: &str = "whole";

/// A root of its own, as it is before anything of ours is installed.
pub(super) fn fresh(folder: &Path) -> anyhow::Result<PathBuf> {
    for program in ["debootstrap", "systemd-nspawn", "nsenter"] {
        let found = Command::new("which").arg(program).output()?;
        if !found.status.success() {
            bail!("{program} is missing: apt-get install debootstrap systemd-container");
        }
    }
    if !rustix::process::geteuid().is_root() {
        bail!("only root can boot a machine");
    }
    std::fs::create_dir_all(folder)?;
    let base = folder.join("base");
    let mark = folder.join(MARK);
    let wanted = format!("{SUITE} {PACKAGES}");
    if std::fs::read_to_string(&mark).unwrap_or_default() != wanted {
        remove(&base)?;
        run(Command::new("debootstrap")
            .args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE])
            .arg(&base))?;
        std::fs::write(&mark, &wanted)?;
    }
    let root = folder.join("root");
    remove(&root)?;
    // All of it for real: a volatile overlay would forget at the restart.
    run(Command::new("cp")
        .args(["--archive", "--reflink=auto"])
        .args([&base, &root]))?;
    std::fs::write(root.join("etc/hostname"), "reading-1\n")?;
    std::fs::write(
        root.join("etc/tmpfiles.d/boot-id.conf"),
        format!("f+ {BOOT_ID} 0444 root root - %b\n"),
    )?;
    Ok(root)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("deleting {}", folder.display()))
        }
        _ => Ok(()),
    }
}

//! The root that is booted: made once by debootstrap, and copied for each run.

use super::apt;
use super::patience::doing;
use crate::process::run;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the boot id stands for what looks from a sandbox of its own.
pub(super) const BOOT_ID: &str = "/run/boot-id";
/// Beside what every Debian has: what boots, logs people in and installs packages.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,libpam-systemd,ca-certificates,rpm";
/// What all of them are copied from.
const BASE: &str = "base";
/// Stands in a folder whose base is whole.
const MARK: &str = "whole";
/// Longest debootstrap: 250 MB from a mirror that is slow.
const DEBOOTSTRAP_SECONDS: &str = "1200";

/// A root of its own for the host of this name, as it is before anything of ours is installed.
pub(super) fn fresh(folder: &Path, host: &str) -> anyhow::Result<PathBuf> {
    for program in ["debootstrap", "systemd-nspawn", "nsenter", "setpriv", "ip"] {
        let found = Command::new("which").arg(program).output()?;
        if !found.status.success() {
            bail!("{program} is missing: cargo test-needs --boot installs it");
        }
    }
    if !rustix::process::geteuid().is_root() {
        bail!("only root can boot a machine");
    }
    std::fs::create_dir_all(folder)?;
    let base = folder.join(BASE);
    let mark = folder.join(MARK);
    let archive = apt::archive()?;
    let wanted = format!("{} {PACKAGES}", archive.suite);
    if std::fs::read_to_string(&mark).unwrap_or_default() != wanted {
        let what = format!("debootstrap lays out Debian ({})", archive.suite);
        doing(&what, || debootstrap(&archive, &base))?;
        std::fs::write(&mark, &wanted)?;
    }
    let root = folder.join(host);
    remove(&root)?;
    // All of it for real: a volatile overlay would forget at the restart.
    doing("copying it", || {
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--reflink=auto"]);
        run(copy.args([&base, &root]))
    })?;
    std::fs::write(root.join("etc/hostname"), format!("{host}\n"))?;
    std::fs::write(
        root.join("etc/tmpfiles.d/boot-id.conf"),
        format!("f+ {BOOT_ID} 0444 root root - %b\n"),
    )?;
    // The journal outlives restarts, so that it can tell of them.
    std::fs::create_dir_all(root.join("var/log/journal"))?;
    Ok(root)
}

fn debootstrap(archive: &apt::Archive, base: &Path) -> anyhow::Result<()> {
    remove(base)?;
    // What it mounts is mounted in a namespace of its own, and gone with it however it ends.
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=10", DEBOOTSTRAP_SECONDS])
        .args(["unshare", "--mount", "--propagation=private", "debootstrap"])
        .args(["--variant=minbase", &format!("--include={PACKAGES}")])
        .arg(&archive.suite)
        .arg(base)
        .arg(&archive.mirror);
    if let Some(proxy) = apt::proxy() {
        command.env("http_proxy", proxy);
    }
    run(&mut command).map(drop)
}

/// Deletes a folder and the lock that nspawn leaves beside it.
pub(super) fn remove(folder: &Path) -> anyhow::Result<()> {
    let name = folder.file_name().context("a folder has a name")?;
    let lock = format!(".#{}.lck", name.to_string_lossy());
    let gone = [
        std::fs::remove_dir_all(folder),
        std::fs::remove_file(folder.with_file_name(lock)),
    ];
    for gone in gone {
        match gone {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("deleting {}", folder.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

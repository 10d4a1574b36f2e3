//! Installs what the tests need from Debian, one program out of a package of it, programs of
//! Python's and Node's, and cargo-deb; does nothing where all of it is there.

use anyhow::{Context as _, bail};
use clap::Parser;
use patchward_integration_tests::{node, packages, postgres, promtool, python};
use std::path::Path;
use std::process::Command;

/// What a test needs: a file that shows that it is there, and the Debian package. The
/// server of PostgreSQL, which has no place of its own name, is asked for beside these.
const NEEDS: [(&str, &str); 19] = [
    ("usr/bin/systemd-analyze", "systemd"),
    ("usr/bin/rpm", "rpm"),
    ("usr/bin/rpmbuild", "rpm"),
    ("usr/bin/dpkg-deb", "dpkg"),
    ("usr/bin/lintian", "lintian"),
    ("usr/bin/objcopy", "binutils"),
    ("usr/bin/xz", "xz-utils"),
    ("usr/bin/faketime", "faketime"),
    ("usr/bin/dbus-daemon", "dbus-daemon"),
    ("usr/bin/storescp", "dcmtk"),
    ("usr/sbin/snmpd", "snmpd"),
    ("usr/sbin/nginx", "nginx-light"),
    (
        "usr/lib/python3/dist-packages/icalendar",
        "python3-icalendar",
    ),
    ("usr/bin/gpg", "gnupg"),
    ("usr/bin/minisign", "minisign"),
    ("usr/bin/pdftotext", "poppler-utils"),
    ("usr/lib/python3.11/ensurepip", "python3-venv"),
    ("usr/bin/chromium", "chromium"),
    (
        "usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "fonts-dejavu-core",
    ),
];

/// The same for the boot test (`cargo boot`), which is no part of `cargo test`.
const BOOT_NEEDS: [(&str, &str); 3] = [
    ("usr/sbin/debootstrap", "debootstrap"),
    ("usr/bin/ip", "iproute2"),
    ("usr/bin/systemd-nspawn", "systemd-container"),
];

/// Installs what the tests need; does nothing where all of it is there.
#[derive(Debug, Parser)]
#[command(name = "cargo test-needs")]
struct Cli {
    /// What `cargo boot` needs, too
    #[arg(long)]
    boot: bool,
}

fn main() -> anyhow::Result<()> {
    let root = Path::new("/");
    let mut missing = missing(root);
    if Cli::parse().boot {
        missing.extend(missing_of(root, &BOOT_NEEDS));
    }
    if !missing.is_empty() {
        install(&missing)?;
    }
    python::TUF.install()?;
    python::BROWSER.install()?;
    python::API.install()?;
    node::install()?;
    promtool::install()?;
    packages::install_tool()?;
    println!("Everything that the tests need is installed.");
    Ok(())
}

fn install(missing: &[&str]) -> anyhow::Result<()> {
    println!("Installing {} from Debian.", missing.join(", "));
    if !rustix::process::geteuid().is_root() {
        bail!("this needs root: apt-get install {}", missing.join(" "));
    }
    apt(&["update", "--quiet"])?;
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt(&[&install[..], missing].concat())
}

/// The packages of which nothing lies below `root`.
fn missing(root: &Path) -> Vec<&'static str> {
    let server = postgres::programs(&root.join(postgres::INSTALLED));
    let mut missing: Vec<&str> = server.err().map(|_| "postgresql").into_iter().collect();
    missing.extend(missing_of(root, &NEEDS));
    missing
}

/// Those of some packages of which nothing lies below `root`, each once.
fn missing_of(root: &Path, needs: &[(&str, &'static str)]) -> Vec<&'static str> {
    let files = needs.iter().filter(|(file, _)| !root.join(file).exists());
    let mut missing: Vec<&str> = files.map(|(_, package)| *package).collect();
    missing.dedup();
    missing
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

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, file: &str) {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }

    /// Debian's package of the client alone makes the folder and most of the programs.
    #[test]
    fn a_client_of_postgresql_is_no_server() {
        let root = tempfile::tempdir().unwrap();
        for (file, _) in NEEDS {
            put(root.path(), file);
        }
        assert_eq!(missing(root.path()), ["postgresql"]);
        put(root.path(), "usr/lib/postgresql/15/bin/psql");
        assert_eq!(missing(root.path()), ["postgresql"]);
        for server in ["initdb", "postgres", "pg_ctl"] {
            put(root.path(), &format!("usr/lib/postgresql/15/bin/{server}"));
        }
        assert_eq!(missing(root.path()), [""; 0]);
    }

    #[test]
    fn a_package_is_named_once() {
        let root = tempfile::tempdir().unwrap();
        let all = [
            "postgresql",
            "systemd",
            "rpm",
            "dpkg",
            "lintian",
            "binutils",
            "xz-utils",
            "faketime",
            "dbus-daemon",
            "dcmtk",
            "snmpd",
            "nginx-light",
            "python3-icalendar",
            "gnupg",
            "minisign",
            "poppler-utils",
            "python3-venv",
            "chromium",
            "fonts-dejavu-core",
        ];
        assert_eq!(missing(root.path()), all);
    }
}

//! The RPM database, by the `rpm` command: its formats are rpm's own.

use crate::probe::run;
use patchward_common::component::{Component, Source};
use patchward_common::probe::Ran;
use std::path::{Path, PathBuf};

/// Where distributions keep the database, below the root.
const FOLDERS: [&str; 2] = ["var/lib/rpm", "usr/lib/sysimage/rpm"];
/// The files of its formats: SQLite with its log, Berkeley DB, NDB.
const FILES: [&str; 4] = [
    "rpmdb.sqlite",
    "rpmdb.sqlite-wal",
    "Packages",
    "Packages.db",
];
/// The program that reads it.
const PROGRAM: &str = "/usr/bin/rpm";
/// One row per package; an epoch only where there is one.
const FORMAT: &str =
    "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%|ARCH?{%{ARCH}}:{}|\\n";
/// Longest run in milliseconds; 2,000 packages take about 1 s on a slow disk.
const LIMIT_MS: u64 = 30_000;
/// Most output: 20,000 packages of 100 bytes.
const MAX_BYTES: usize = 2_000_000;

/// The files of the database below `root`; empty where there is none.
pub(super) fn files(root: &Path) -> Vec<PathBuf> {
    let folders = FOLDERS.iter().map(|folder| root.join(folder));
    let files = folders.flat_map(|folder| FILES.map(|file| folder.join(file)));
    files.filter(|path| path.is_file()).collect()
}

/// Lists the packages of the database below `root`; the error is for people.
pub(super) async fn read(root: &Path) -> Result<Vec<Component>, String> {
    let Some(folder) = files(root)
        .first()
        .and_then(|f| f.parent().map(Path::to_owned))
    else {
        return Ok(Vec::new());
    };
    let words = ["--dbpath", &folder.to_string_lossy(), "-qa", "--qf", FORMAT].map(String::from);
    let argv: Vec<String> = std::iter::once(PROGRAM.to_owned()).chain(words).collect();
    match run::run(&argv, LIMIT_MS, MAX_BYTES).await {
        Ran::Exited {
            status: Some(0),
            output,
            ..
        } => parse(&output),
        Ran::Exited { status, .. } => Err(format!("rpm -qa ended with {status:?}")),
        Ran::TimedOut => Err(format!("rpm -qa took longer than {LIMIT_MS} ms")),
        Ran::TooMuchOutput => Err(format!("rpm -qa wrote more than {MAX_BYTES} bytes")),
        Ran::NotStarted(why) => Err(format!("{PROGRAM}: {why}")),
    }
}

/// Reads the rows that `rpm -qa` is asked for; the error is for people.
pub fn parse(output: &[u8]) -> Result<Vec<Component>, String> {
    let text = std::str::from_utf8(output).map_err(|_| "rpm -qa is not UTF-8".to_owned())?;
    let mut packages = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, version, arch] = fields[..] else {
            return Err(format!("rpm -qa, line {}: not three fields", at + 1));
        };
        // Imported keys are listed like packages; they are not software.
        if name != "gpg-pubkey" {
            packages.push(Component {
                source: Source::Rpm,
                name: name.to_owned(),
                version: version.to_owned(),
                arch: arch.to_owned(),
            });
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_components() {
        let rows = b"bash\t5.1.8-6.el9\tx86_64\nbind\t32:9.16-1.el9\tx86_64\ngpg-pubkey\tab-cd\t\n";
        let found = parse(rows).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].version, "32:9.16-1.el9");
        assert_eq!(parse(b""), Ok(Vec::new()));
        assert_eq!(
            parse(b"bash\t5\n").unwrap_err(),
            "rpm -qa, line 1: not three fields"
        );
        assert!(parse(b"\xff\t1\t\n").is_err());
    }

    #[test]
    fn no_database_is_found_in_an_empty_root() {
        let root = tempfile::tempdir().unwrap();
        assert!(files(root.path()).is_empty());
        let folder = root.path().join("var/lib/rpm");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(
            files(root.path()).is_empty(),
            "Debian's rpm has the folder only"
        );
        std::fs::write(folder.join("rpmdb.sqlite"), "x").unwrap();
        assert_eq!(files(root.path()), [folder.join("rpmdb.sqlite")]);
    }
}

use super::*;
use proptest::prelude::*;
use std::process::Command;

/// `dpkg-query`'s own list of installed packages, sorted.
fn dpkg_query(admin_folder: &Path) -> Vec<Component> {
    let output = Command::new("dpkg-query")
        .arg(format!("--admindir={}", admin_folder.display()))
        .args([
            "-W",
            "-f",
            "${Package}\t${Version}\t${Architecture}\t${db:Status-Abbrev}\n",
        ])
        .output()
        .expect("dpkg-query is part of Debian");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let installed = rows.filter(|row| row[3].as_bytes()[1] == b'i');
    let mut list: Vec<_> = installed
        .map(|row| Component {
            source: Source::Deb,
            name: row[0].into(),
            version: row[1].into(),
            arch: row[2].into(),
        })
        .collect();
    list.sort();
    list
}

fn sorted(mut packages: Packages) -> Packages {
    packages.installed.sort();
    packages
}

fn stanza(name: &str, status: &str, version: &str, arch: &str, more: &str) -> String {
    format!(
        "Package: {name}\nStatus: {status}\n{more}Architecture: {arch}\nVersion: {version}\nMaintainer: A <a@example>\nDescription: text\n more: text\n\n"
    )
}

/// A database in a folder of its own.
fn database(status: &str, updates: &[(&str, String)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(FOLDER);
    std::fs::create_dir_all(folder.join("updates")).unwrap();
    std::fs::write(folder.join("status"), status).unwrap();
    for (name, text) in updates {
        std::fs::write(folder.join("updates").join(name), text).unwrap();
    }
    root
}

#[test]
fn this_computer_equals_dpkg_query() {
    let found = sorted(read(Path::new("/")).unwrap().unwrap());
    assert!(
        found.installed.len() > 50,
        "a Debian has more packages than that"
    );
    assert_eq!(found.installed, dpkg_query(Path::new("/var/lib/dpkg")));
}

#[test]
fn every_state_equals_dpkg_query() {
    let mut status = String::new();
    for (at, (want, state)) in [
        ("install", "installed"),
        ("hold", "installed"),
        ("deinstall", "installed"),
        ("deinstall", "config-files"),
        ("purge", "not-installed"),
        ("install", "half-installed"),
        ("install", "unpacked"),
        ("install", "half-configured"),
    ]
    .iter()
    .enumerate()
    {
        let status_line = format!("{want} ok {state}");
        status += &stanza(&format!("p{at}"), &status_line, "0:1.0-1", "amd64", "");
    }
    for arch in ["amd64", "i386"] {
        status += &stanza(
            "libc6",
            "install ok installed",
            "2.36-9",
            arch,
            "Multi-Arch: same\n",
        );
    }
    status += &stanza("epoch", "install ok installed", "1:2:3-4", "all", "");
    let root = database(&status, &[]);
    let found = sorted(read(root.path()).unwrap().unwrap());
    assert_eq!(found.installed, dpkg_query(&root.path().join(FOLDER)));
    assert_eq!(found.installed.len(), 6);
    assert_eq!(found.unfinished, ["p5", "p6", "p7"]);
}

/// dpkg was killed: what it did since stands in `updates`, not in `status`.
#[test]
fn an_interrupted_dpkg_equals_dpkg_query() {
    let ok = "install ok installed";
    let mut status = stanza("curl", ok, "7.88", "amd64", "");
    status += &stanza("bash", ok, "5.2", "amd64", "");
    status += &stanza("libc6", ok, "2.36", "amd64", "Multi-Arch: same\n");
    status += &stanza("libc6", ok, "2.36", "i386", "Multi-Arch: same\n");
    let updates = [
        (
            "0000",
            stanza("curl", "install ok unpacked", "8.0", "amd64", ""),
        ),
        ("0001", stanza("curl", ok, "8.0", "amd64", "")),
        ("0002", stanza("new", ok, "1", "all", "")),
        (
            "0003",
            stanza("bash", "install ok half-configured", "5.3", "amd64", ""),
        ),
        (
            "0004",
            stanza("libc6", ok, "2.37", "i386", "Multi-Arch: same\n"),
        ),
        ("tmp.i", "Package: curl\nVer".to_owned()),
    ];
    let root = database(&status, &updates);
    let found = sorted(read(root.path()).unwrap().unwrap());
    assert_eq!(found.installed, dpkg_query(&root.path().join(FOLDER)));
    let versions: Vec<_> = found.installed.iter().map(|c| c.version.as_str()).collect();
    assert_eq!(versions, ["8.0", "2.36", "2.37", "1"]);
    assert_eq!(found.unfinished, ["bash"]);
}

#[test]
fn no_database_is_no_packages_but_a_missing_file_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(read(root.path()).unwrap(), None);
    std::fs::create_dir_all(root.path().join(FOLDER)).unwrap();
    assert!(matches!(read(root.path()), Err(BadDatabase::Io { .. })));
    let root = database("", &[]);
    assert_eq!(read(root.path()).unwrap(), Some(Packages::default()));
}

#[test]
fn damaged_files_are_refused() {
    let good = stanza("a", "install ok installed", "1", "all", "");
    let line = |line, problem| BadStatus::Line { line, problem };
    for (text, expected) in [
        (good.trim_end().to_owned(), BadStatus::CutOff),
        ("Package: a\nStat".to_owned(), BadStatus::CutOff),
        (
            "Package: a\nStatus: install ok\n".to_owned(),
            line(2, "the status is unknown"),
        ),
        (
            "Package: a\nStatus: install ok broken\n".to_owned(),
            line(2, "the status is unknown"),
        ),
        (
            "Package: a\nPackage: b\n".to_owned(),
            line(2, "a field stands twice"),
        ),
        (
            "Version: 1\n\n".to_owned(),
            line(2, "the package above has no name"),
        ),
        (
            "Section: x\n\n".to_owned(),
            line(2, "the package above has no name"),
        ),
        (
            "Package: a\nStatus: install ok installed\n\n".to_owned(),
            line(3, "the package above is installed without a version"),
        ),
        (
            "Package: a\nSome text\n".to_owned(),
            line(2, "a field has no colon"),
        ),
    ] {
        assert_eq!(parse(text.as_bytes()), Err(expected), "{text:?}");
    }
    assert_eq!(
        parse(b"Package: \xff\n"),
        Err(line(1, "the value is not UTF-8"))
    );
}

#[test]
fn lines_longer_than_a_piece_are_passed_over() {
    let provides = format!("Provides: {}\n", "x".repeat(5 * PIECE_BYTES));
    let status = stanza("a", "install ok installed", "1", "all", &provides)
        + &stanza("b", "install ok installed", "2", "all", "");
    let root = database(&status, &[]);
    let found = read(root.path()).unwrap().unwrap();
    assert_eq!(found.installed.len(), 2);
    assert_eq!(found, parse(status.as_bytes()).unwrap());
}

proptest! {
    /// Where the pieces are cut makes no difference, and no bytes panic.
    #[test]
    fn pieces_make_no_difference(text in "(Package: [ab]\n|Status: install ok installed\n|Version: 1\n| x\n|\n|S|V:\n|\\PC{0,9}){0,12}", cuts in prop::collection::vec(0usize..200, 0..6)) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut parser = Parser::default();
        let fed = cuts.windows(2).try_for_each(|pair| parser.feed(&bytes[pair[0]..pair[1]]));
        let in_pieces = fed.and_then(|()| parser.finish()).map(packages);
        prop_assert_eq!(in_pieces, parse(bytes));
    }
}

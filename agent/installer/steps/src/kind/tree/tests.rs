use super::*;

fn header(kind: tar::EntryType, size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header
}

/// An archive of (name, kind, content or link target, mode), names written as they are.
fn archive(folder: &Path, entries: &[(&str, tar::EntryType, &str, u32)]) -> PathBuf {
    let entries = entries.iter().map(|(name, kind, content, mode)| {
        let name = name.as_bytes();
        (name, *kind, *content, *mode)
    });
    archive_of(folder, entries)
}

/// The same of names that need not be text.
fn archive_of<'a>(
    folder: &Path,
    entries: impl IntoIterator<Item = (&'a [u8], tar::EntryType, &'a str, u32)>,
) -> PathBuf {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content, mode) in entries {
        let is_link = kind == tar::EntryType::Symlink || kind == tar::EntryType::Link;
        let body = if is_link { "" } else { content };
        let mut header = header(kind, body.len() as u64, mode);
        // Past the checks of the tar crate, as an attacker would.
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        if is_link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_cksum();
        builder.append(&header, body.as_bytes()).unwrap();
    }
    let path = folder.join("archive.tar");
    std::fs::write(&path, builder.into_inner().unwrap()).unwrap();
    path
}

use tar::EntryType::{Directory, Fifo, Link, Regular, Symlink};

#[test]
fn a_tree_is_unpacked_switched_measured_and_switched_back() {
    let folder = tempfile::tempdir().unwrap();
    let trees = folder.path().join("trees/viewer");
    assert_eq!(current(&trees).unwrap(), ABSENT);
    for version in ["1.0", "2.0"] {
        let entries = [
            ("./", Directory, "", 0o755),
            ("bin/run", Regular, version, 0o755),
            ("data/a", Regular, "a", 0o644),
            ("lib", Symlink, "data/../data", 0o777),
        ];
        let archive = archive(folder.path(), &entries);
        unpack(&archive, &trees, version).unwrap();
        unpack(&archive, &trees, version).unwrap();
        switch(&trees, version).unwrap();
        assert_eq!(current(&trees).unwrap(), version);
    }
    let run = trees.join("current/bin/run");
    assert_eq!(std::fs::read(&run).unwrap(), b"2.0");
    assert_eq!(run.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    switch(&trees, "1.0").unwrap();
    assert_eq!(std::fs::read(&run).unwrap(), b"1.0");
    switch(&trees, ABSENT).unwrap();
    switch(&trees, ABSENT).unwrap();
    assert_eq!(current(&trees).unwrap(), ABSENT);
}

#[test]
fn gzip_is_read_as_well() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let plain = archive(folder.path(), &[("a", Regular, "a", 0o644)]);
    let packed = folder.path().join("archive.tar.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::fast());
    encoder.write_all(&std::fs::read(plain).unwrap()).unwrap();
    encoder.finish().unwrap();
    unpack(&packed, &folder.path().join("t"), "1").unwrap();
    assert_eq!(std::fs::read(folder.path().join("t/1/a")).unwrap(), b"a");
}

#[test]
fn a_file_that_was_changed_or_lost_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let trees = folder.path().join("t");
    let archive = archive(folder.path(), &[("a", Regular, "a", 0o644)]);
    unpack(&archive, &trees, "1").unwrap();
    switch(&trees, "1").unwrap();
    std::fs::write(trees.join("1/log"), "the application's own file").unwrap();
    assert_eq!(current(&trees).unwrap(), "1");
    std::fs::write(trees.join("1/a"), "b").unwrap();
    assert!(current(&trees).unwrap_err().contains("was changed"));
    std::fs::remove_file(trees.join("1/a")).unwrap();
    assert!(current(&trees).is_err());
    // What was damaged is made anew, whole.
    unpack(&archive, &trees, "1").unwrap();
    assert_eq!(current(&trees).unwrap(), "1");
    std::fs::remove_file(trees.join("current")).unwrap();
    symlink("/etc", trees.join("current")).unwrap();
    assert!(current(&trees).unwrap_err().contains("elsewhere"));
}

#[test]
fn archives_that_reach_out_are_refused_and_leave_no_version() {
    let outside = ("escaped", Regular, "x", 0o644);
    for (problem, entries) in [
        ("leads out", vec![("../escaped", Regular, "x", 0o644)]),
        (
            "leads out",
            vec![("/tmp/escaped-patchward", Regular, "x", 0o644)],
        ),
        ("leads out", vec![("a/../../escaped", Regular, "x", 0o644)]),
        ("leads out", vec![("l", Symlink, "/etc", 0o777), outside]),
        ("leads out", vec![("d/l", Symlink, "../..", 0o777)]),
        ("no file", vec![("h", Link, "/etc/passwd", 0o644)]),
        ("no file", vec![("p", Fifo, "", 0o644)]),
        ("special", vec![("su", Regular, "x", 0o4755)]),
        ("not allowed", vec![(MANIFEST, Regular, "x", 0o644)]),
        ("not allowed", vec![("a\nb", Regular, "x", 0o644)]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let trees = folder.path().join("t");
        let path = archive(folder.path(), &entries);
        let error = unpack(&path, &trees, "1").unwrap_err().to_string();
        assert!(error.contains(problem), "{entries:?}: {error}");
        assert!(!trees.join("1").exists() && !folder.path().join("escaped").exists());
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let entries = [
        ("l", Symlink, "d", 0o777),
        ("d/x", Regular, "x", 0o644),
        ("l/y", Regular, "y", 0o644),
    ];
    let path = archive(folder.path(), &entries);
    // The link's name is taken by the folder that the file needed.
    assert!(unpack(&path, &folder.path().join("t"), "1").is_err());
}

#[test]
fn a_torn_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path(), &[("a", Regular, &"a".repeat(2_000), 0o644)]);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..1_024]).unwrap();
    assert!(unpack(&path, &folder.path().join("t"), "1").is_err());
    std::fs::write(&path, b"\x1f\x8bnot gzip").unwrap();
    assert!(unpack(&path, &folder.path().join("t"), "1").is_err());
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let trees = folder.path().join("t");
    let path = archive_of(folder.path(), [(&b"Z\xfcrich"[..], Regular, "x", 0o644)]);
    let error = unpack(&path, &trees, "1").unwrap_err().to_string();
    assert_eq!(error, "the archive has a name that is not UTF-8");
    assert!(!trees.join("1").exists());
}

/// Reads `entries` under small limits; a real archive would have to fill the disk.
fn within(most: &Limits, entries: &[(&str, tar::EntryType, &str, u32)]) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path(), entries);
    let found = extract(File::open(path).unwrap(), folder.path(), most);
    found.map(|listed| listed.len()).map_err(|e| e.to_string())
}

#[test]
fn an_archive_has_no_more_entries_than_it_may() {
    let most = Limits { entries: 2, ..MOST };
    let entries = ["a", "b", "c"].map(|name| (name, Regular, "x", 0o644));
    assert_eq!(within(&most, &entries[..2]), Ok(2));
    let error = within(&most, &entries).unwrap_err();
    assert_eq!(error, "the archive has more than 2 entries");
}

/// Two entries of 1 KiB each: the second is past the limit wherever that lies, also
/// between the two, where an archive that is cut off looks whole.
#[test]
fn an_archive_is_not_larger_than_it_may_be_once_unpacked() {
    let entries = ["a", "b"].map(|name| (name, Regular, "x", 0o644));
    let whole = 5 * 512 + 512; // Two headers, two contents, two blocks of zeros.
    let within = |bytes| within(&Limits { bytes, ..MOST }, &entries);
    assert_eq!(within(whole), Ok(2));
    for bytes in [0, 511, 512, 600, 1_024, 1_500, 2_047] {
        let error = within(bytes).unwrap_err();
        assert!(
            error.contains("more bytes than may be unpacked"),
            "{bytes}: {error}"
        );
    }
}

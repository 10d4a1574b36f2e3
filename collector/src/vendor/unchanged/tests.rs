use super::super::mirror::{self, tests::repository};
use super::*;
use patchward_common::time::DAY_MS;
use patchward_common::trust::charter::Publisher;

const NOW: UtcMs = UtcMs(1_795_400_040_000);

/// A repository in a folder, and what was stored of it.
struct World {
    folder: tempfile::TempDir,
    grant: VendorGrant,
    kept: Vec<TufFile>,
    last: LastRead,
}

impl World {
    fn new() -> Self {
        let (folder, grant) = repository(&[("viewer/1.tar", b"a", None)], Publisher::Vendor);
        let mut place = Place::Folder(folder.path().to_owned());
        let read = mirror::read(&mut place, "", &grant, Default::default(), &[], NOW).unwrap();
        let last = read_with(&grant, &read.files).unwrap();
        Self {
            folder,
            grant,
            kept: read.files,
            last,
        }
    }

    fn is_unchanged_at(&self, now: UtcMs) -> bool {
        let mut place = Place::Folder(self.folder.path().to_owned());
        is_unchanged(&mut place, &self.grant, &self.last, &self.kept, now)
    }

    fn is_unchanged(&self) -> bool {
        self.is_unchanged_at(NOW)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join("metadata").join(name), bytes).unwrap();
    }
}

#[test]
fn a_repository_that_offers_what_is_here_is_unchanged() {
    assert!(World::new().is_unchanged());
}

#[test]
fn another_timestamp_does_everything() {
    let world = World::new();
    let file = world.kept.iter().find(|file| file.file == "timestamp.json");
    let mut bytes = file.unwrap().bytes.clone();
    bytes.push(b'\n');
    world.write("timestamp.json", &bytes);
    assert!(!world.is_unchanged());
    std::fs::remove_file(world.folder.path().join("metadata/timestamp.json")).unwrap();
    assert!(!world.is_unchanged());
}

#[test]
fn a_next_root_does_everything() {
    let world = World::new();
    world.write("2.root.json", b"whatever it is");
    assert!(!world.is_unchanged());
}

/// Each file alone: the others still count.
#[test]
fn whatever_has_expired_does_everything() {
    assert!(!World::new().is_unchanged_at(NOW.plus_ms(2 * DAY_MS)));
    for role in [
        "1.root.json",
        "timestamp.json",
        "snapshot.json",
        "targets.json",
    ] {
        let mut world = World::new();
        let file = world.kept.iter_mut().find(|file| file.file == role);
        let file = file.unwrap_or_else(|| panic!("{role} was not stored"));
        let mut json: serde_json::Value = serde_json::from_slice(&file.bytes).unwrap();
        json["signed"]["expires"] = "2020-01-01T00:00:00Z".into();
        file.bytes = serde_json::to_vec(&json).unwrap();
        let bytes = file.bytes.clone();
        if role == "timestamp.json" {
            world.write(role, &bytes);
        }
        assert!(!world.is_unchanged(), "{role}");
        let file = world.kept.iter_mut().find(|file| file.file == role);
        file.unwrap().bytes = b"{}".to_vec();
        assert!(!world.is_unchanged(), "{role} without an end");
    }
}

#[test]
fn another_grant_or_missing_files_do_everything() {
    let mut world = World::new();
    world.grant.paths = vec!["viewer/".into()];
    assert!(!world.is_unchanged());
    for role in [
        "1.root.json",
        "timestamp.json",
        "snapshot.json",
        "targets.json",
    ] {
        let mut world = World::new();
        world.kept.retain(|file| file.file != role);
        assert!(!world.is_unchanged(), "{role}");
    }
}

/// Digits in front are a version where files have one.
#[test]
fn the_newest_file_of_each_role_counts() {
    let file = |name: &str, version| TufFile {
        file: name.into(),
        version,
        digest: Digest::of(b""),
        bytes: Vec::new(),
    };
    let versioned = [
        file("1.root.json", 1),
        file("2.root.json", 2),
        file("9.2024.json", 9),
    ];
    let found: Vec<_> = newest(&versioned)
        .into_iter()
        .map(|(role, file)| (role, file.version))
        .collect();
    assert_eq!(found, [("2024.json", 9), ("root.json", 2)]);
    let plain = [file("snapshot.json", 1), file("2024.tools.json", 1)];
    let found: Vec<_> = newest(&plain).into_keys().collect();
    assert_eq!(found, ["2024.tools.json", "snapshot.json"]);
}

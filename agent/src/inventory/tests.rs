use super::*;
use patchward_common::component::{
    Component, MAX_COMPONENTS, PackedComponents, PackedDelta, Source,
};
use patchward_common::digest::Digest;
use patchward_common::facts::{FileState, PackedFacts};
use patchward_common::probe::Probe;

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [
        (
            "etc/os-release",
            "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n",
        ),
        ("proc/sys/kernel/hostname", "pump-7\n"),
        ("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n"),
        ("etc/app.conf", "a=1\n"),
        ("sys/fs/cgroup/system.slice/ssh.service/cgroup.procs", ""),
        ("var/lib/dpkg/status", &status("5.2.15-2")),
    ] {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn status(bash: &str) -> String {
    format!(
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: {bash}\n\n\
         Package: zlib1g\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 1\n\n"
    )
}

fn settings() -> InventorySettings {
    InventorySettings {
        files: vec!["/etc/app.conf".into(), "/etc/none".into()],
        ..InventorySettings::default()
    }
}

#[test]
fn a_root_is_read_whole() {
    let root = root();
    let found = collect(root.path(), &settings());
    assert_eq!(found.components.len(), 1);
    assert_eq!(found.components[0].version, "5.2.15-2");
    let facts = &found.facts;
    assert_eq!(
        (facts.os_id.as_str(), facts.os_version.as_str()),
        ("debian", "12")
    );
    assert_eq!(
        (facts.hostname.as_str(), facts.kernel.as_str()),
        ("pump-7", "6.1.0-18-amd64")
    );
    assert_eq!(facts.services, ["ssh.service"]);
    assert_eq!(facts.unfinished, ["zlib1g"]);
    assert_eq!(
        facts.files[0].found,
        FileState::Sha256(Digest::of(b"a=1\n"))
    );
    assert_eq!(facts.files[1].found, FileState::Missing);
    assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
    assert_eq!(facts.check(), Ok(()));
}

#[test]
fn an_empty_root_is_an_empty_inventory() {
    let root = tempfile::tempdir().unwrap();
    let found = collect(root.path(), &InventorySettings::default());
    assert!(found.components.is_empty() && found.facts.gaps.is_empty());
    assert_eq!(found.facts.check(), Ok(()));
}

#[test]
fn this_computer_fits_its_figures_on_the_wire() {
    let found = collect(Path::new("/"), &InventorySettings::default());
    assert_eq!(found.facts.check(), Ok(()));
    let packed = PackedComponents::of(&found.components);
    let bytes = packed.as_bytes().len();
    let count = found.components.len();
    assert!(bytes <= count * 12, "{bytes} bytes for {count} packages");
    assert_eq!(packed.unpack().unwrap(), found.components);
    assert_eq!(PackedFacts::of(&found.facts).unpack().unwrap(), found.facts);
    let mut changed: Vec<Component> = found.components.clone().into();
    changed[count / 2].version.push_str("+deb12u9");
    let changed = ComponentSet::new(changed).unwrap();
    let delta = PackedDelta::of(&found.components.delta_to(&changed));
    assert!(
        delta.as_bytes().len() <= 250,
        "{} bytes for one change",
        delta.as_bytes().len()
    );
}

#[test]
fn a_watch_sees_what_changed_and_nothing_else() {
    let root = root();
    let mut watch = Watch::new(root.path().to_owned(), settings());
    let (none, all) = (
        Change::default(),
        Change {
            components: true,
            facts: true,
        },
    );
    assert_eq!(watch.look_at_files(), all);
    assert_eq!(watch.look_at_files(), none);
    let place = root.path().join("var/lib/dpkg/status");
    // As dpkg does: a new file in the old one's place.
    let new = root.path().join("new");
    std::fs::write(&new, status("5.2.15-3")).unwrap();
    std::fs::rename(&new, &place).unwrap();
    assert_eq!(
        watch.look_at_files(),
        Change {
            components: true,
            facts: false
        }
    );
    assert_eq!(watch.components()[0].version, "5.2.15-3");
    std::fs::write(root.path().join("etc/app.conf"), "a=22\n").unwrap();
    assert_eq!(
        watch.look_at_files(),
        Change {
            components: false,
            facts: true
        }
    );
    assert_eq!(watch.look_at_files(), none);
}

#[test]
fn packages_do_not_vanish_with_a_damaged_file() {
    let root = root();
    let mut watch = Watch::new(root.path().to_owned(), settings());
    watch.look_at_files();
    let place = root.path().join("var/lib/dpkg/status");
    std::fs::write(&place, "Package: bash\nStat").unwrap();
    assert_eq!(
        watch.look_at_files(),
        Change {
            components: false,
            facts: true
        }
    );
    assert_eq!(watch.components().len(), 1);
    let gap = &watch.facts().gaps[0];
    assert!(
        gap.starts_with("deb: ") && gap.ends_with("so it was cut off"),
        "{gap}"
    );
    std::fs::write(&place, status("6")).unwrap();
    assert_eq!(
        watch.look_at_files(),
        Change {
            components: true,
            facts: true
        }
    );
    assert!(watch.facts().gaps.is_empty());
}

/// What is in the folder `updates` changes without its stamp.
#[test]
fn a_list_that_could_not_be_read_is_tried_with_the_next_look() {
    let root = root();
    let updates = root.path().join("var/lib/dpkg/updates");
    std::fs::create_dir(&updates).unwrap();
    let update = updates.join("0001");
    std::fs::write(&update, "Package: bash\nStat").unwrap();
    let mut watch = Watch::new(root.path().to_owned(), settings());
    watch.look_at_files();
    assert_eq!(watch.components().len(), 0);
    assert_eq!(watch.facts().gaps.len(), 1);
    std::fs::write(&update, status("7")).unwrap();
    watch.look_at_files();
    assert_eq!(watch.components()[0].version, "7");
    assert!(watch.facts().gaps.is_empty());
}

#[test]
fn digests_follow_what_changed() {
    let root = root();
    let mut watch = Watch::new(root.path().to_owned(), settings());
    watch.look_at_files();
    let digests = (watch.components_digest(), watch.facts_digest());
    let real = |watch: &Watch| (watch.components().digest(), watch.facts().digest());
    assert_eq!(digests, real(&watch));
    watch.replace(Source::Tree, Vec::new());
    assert_eq!(digests, real(&watch));
    std::fs::write(root.path().join("var/lib/dpkg/status"), status("8")).unwrap();
    std::fs::write(root.path().join("etc/app.conf"), "a=3\n").unwrap();
    watch.look_at_files();
    let changed = (watch.components_digest(), watch.facts_digest());
    assert_eq!(changed, real(&watch));
    assert!(changed.0 != digests.0 && changed.1 != digests.1);
    let tree = Component {
        source: Source::Tree,
        name: "viewer".into(),
        version: "1".into(),
        arch: String::new(),
    };
    for trees in [vec![tree.clone()], vec![tree.clone(), tree], Vec::new()] {
        watch.replace(Source::Tree, trees);
        assert_eq!(watch.components_digest(), real(&watch).0);
    }
}

#[test]
fn what_breaks_a_limit_is_a_gap() {
    let mut watch = Watch::new("/nonexistent".into(), InventorySettings::default());
    let tree = |name: &str, version: &str| Component {
        source: Source::Tree,
        name: name.into(),
        version: version.into(),
        arch: String::new(),
    };
    watch.replace(Source::Tree, vec![tree("a", "1"), tree("b", "x\u{1b}[2J")]);
    watch.look_at_files();
    assert_eq!(watch.components().len(), 1);
    assert_eq!(
        watch.facts().gaps,
        ["tree: the version of \"b\" holds a control character"]
    );
    watch.replace(Source::Tree, vec![tree("a", "2")]);
    watch.look_at_files();
    assert!(watch.facts().gaps.is_empty());
    assert_eq!(watch.components()[0].version, "2");
}

/// All sources share one limit; what came last gives way, and says so.
#[test]
fn too_many_components_are_a_gap() {
    let mut watch = Watch::new("/nonexistent".into(), InventorySettings::default());
    let some = |source: Source, count: usize| -> Vec<Component> {
        let component = |number| Component {
            source,
            name: format!("part-{number}"),
            version: "1".into(),
            arch: String::new(),
        };
        (0..count).map(component).collect()
    };
    watch.replace(Source::Rpm, some(Source::Rpm, MAX_COMPONENTS - 1));
    watch.replace(Source::Tree, some(Source::Tree, 3));
    watch.look_at_files();
    assert_eq!(watch.components().len(), MAX_COMPONENTS);
    assert_eq!(
        watch.facts().gaps,
        [format!(
            "tree: {} components, of which {MAX_COMPONENTS} are reported",
            MAX_COMPONENTS + 2
        )]
    );
    watch.replace(Source::Rpm, Vec::new());
    watch.replace(Source::Tree, some(Source::Tree, 3));
    watch.look_at_files();
    assert_eq!(watch.components().len(), 3);
    assert!(watch.facts().gaps.is_empty());
}

#[tokio::test]
async fn probes_add_their_versions_and_their_gaps() {
    let root = root();
    let mut watch = Watch::new(root.path().to_owned(), InventorySettings::default());
    std::fs::write(root.path().join("etc/app.version"), "3.1\n").unwrap();
    let probe = |name: &str, path: &str| {
        let name = patchward_common::id::Name::new(name).unwrap();
        let text =
            format!("kind = 'file'\npurpose = 'version'\npath = '{path}'\nversion = 'first_line'");
        Probe::parse(name, &text).unwrap()
    };
    let probes = [probe("app", "/etc/app.version"), probe("gone", "/etc/gone")];
    let change = watch.look(&probes).await;
    assert_eq!(
        change,
        Change {
            components: true,
            facts: true
        }
    );
    let components = watch.components();
    let found: Vec<_> = components.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(found, ["bash", "app"]);
    assert_eq!(watch.facts().gaps.len(), 1);
    assert!(watch.facts().gaps[0].starts_with("probe gone: "));
    assert_eq!(watch.look(&probes).await, Change::default());
    assert!(watch.facts().ports.is_empty());
    std::fs::create_dir_all(root.path().join("proc/net")).unwrap();
    let row = "0: 0100007F:0016 00000000:0000 0A";
    std::fs::write(root.path().join("proc/net/tcp"), format!("head\n{row}\n")).unwrap();
    assert_eq!(
        watch.look_at_files(),
        Change::default(),
        "a cheap look leaves ports alone"
    );
    assert!(watch.look(&probes).await.facts);
    assert_eq!(watch.facts().ports[0].port, 22);
}

#[test]
fn settings_are_checked() {
    assert_eq!(settings().check(), Ok(()));
    for bad in ["relative", "/etc/../root/x", "/a\u{1b}b"] {
        let settings = InventorySettings {
            files: vec![bad.into()],
            ..settings()
        };
        assert_eq!(settings.check(), Err(BadSettings::Path(bad.into())));
    }
    let many = InventorySettings {
        files: vec!["/a".into(); 65],
        ..settings()
    };
    assert_eq!(many.check(), Err(BadSettings::TooManyFiles(65)));
    let read: Result<InventorySettings, _> = toml::from_str("fils = []");
    assert!(read.is_err(), "an unknown key");
    assert_eq!(toml::from_str("").ok(), Some(InventorySettings::default()));
}

#[test]
fn people_and_programs_can_read_it() {
    let root = root();
    let found = collect(root.path(), &settings());
    let text = table(&found);
    for part in [
        "Host            pump-7\n",
        "Half installed  zlib1g\n",
        "File            /etc/none missing\n",
        "SOURCE  NAME  VERSION   ARCH\n",
        "deb     bash  5.2.15-2  amd64\n",
        "\n1 components\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&json(&found)).unwrap();
    assert_eq!(
        json["components"][0]["purl"],
        "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12"
    );
    assert_eq!(json["facts"]["hostname"], "pump-7");
}

//! The RPM inventory against a database that rpm itself made.

use patchward_agent::inventory::{InventorySettings, Watch};
use patchward_common::component::{Component, Source};
use std::path::Path;
use std::process::Command;

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; the tests need it"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
}

/// An .rpm without files.
fn package(folder: &Path, name: &str, epoch: &str, version: &str) -> String {
    let spec = folder.join(format!("{name}.spec"));
    let text = format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\n{epoch}Summary: a test\n\
         License: none\nBuildArch: noarch\n%description\na test\n%files\n"
    );
    std::fs::write(&spec, text).unwrap();
    let top = format!("_topdir {}", folder.join("build").display());
    run(
        "rpmbuild",
        &[
            "--quiet",
            "-bb",
            "--define",
            &top,
            &spec.display().to_string(),
        ],
    );
    let file = format!("build/RPMS/noarch/{name}-{version}-1.noarch.rpm");
    folder.join(file).display().to_string()
}

fn component(name: &str, version: &str) -> Component {
    Component {
        source: Source::Rpm,
        name: name.into(),
        version: version.into(),
        arch: "noarch".into(),
    }
}

#[tokio::test]
async fn a_real_database_is_read_and_read_again_when_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let database = root.join("var/lib/rpm").display().to_string();
    std::fs::create_dir_all(&database).unwrap();
    let rpm = |verb: &str, package: &str| {
        let only = ["--justdb", "--nodeps", "--dbpath", &database, verb, package];
        run("rpm", &only);
    };
    rpm("-i", &package(folder.path(), "viewer", "", "1.0"));
    rpm(
        "-i",
        &package(folder.path(), "codec", "Epoch: 2\n", "9~rc1"),
    );
    let mut watch = Watch::new(root, InventorySettings::default());
    assert!(watch.look(&[]).await.components);
    let found = watch.inventory();
    let expected = [
        component("codec", "2:9~rc1-1"),
        component("viewer", "1.0-1"),
    ];
    assert_eq!(&found.components[..], expected, "{:?}", found.facts.gaps);
    assert!(!watch.look(&[]).await.components);
    let before = watch.components_digest();
    rpm("-U", &package(folder.path(), "viewer", "", "1.1"));
    assert!(watch.look(&[]).await.components);
    assert_eq!(
        watch.inventory().components[1],
        component("viewer", "1.1-1")
    );
    assert_ne!(watch.components_digest(), before);
}

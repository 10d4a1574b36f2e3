//! What is installed while somebody kills: every kind, the way back with what was staged
//! for it, a restart, and a rehearsal.

use patchward_common::digest::Digest;
use patchward_common::id::BootId;
use patchward_common::trust::approval::{ApprovedRelease, Rollback, RollbackRelease};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::release::{
    Kind, PackageManager, PackageRef, Packages, Reboot, RecipeKind,
};
use patchward_integration_tests::fixture::{Hospital, name};
use patchward_integration_tests::machine::{Machine, archive};
use patchward_integration_tests::package::{DPKG_OPTIONS, Package, database, put_installer};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// One way of installing, and what must come of it.
pub(super) struct Case {
    /// The installer on this machine, whose folder is given.
    pub(super) program: fn(&Path) -> PathBuf,
    /// Lays everything out on a machine that does not run yet, for the release that it gives.
    pub(super) lay_out: fn(&mut Machine, &Hospital) -> ApprovedRelease,
    /// What HTM lets the machine do.
    pub(super) mode: Mode,
    /// Whether steps 1 to 7 are done before the process that is killed: they are the same
    /// whatever is installed.
    pub(super) is_prepared: bool,
    /// The boot in which it is killed.
    pub(super) boot: usize,
    /// The word of the state in which it ends.
    pub(super) ends: &'static str,
    /// Fewer durable changes than this it cannot make.
    pub(super) least_changes: usize,
    /// What is installed.
    pub(super) found: fn(&Machine) -> String,
    /// What that is before.
    pub(super) before: &'static str,
    /// What that is once it is verified.
    pub(super) after: &'static str,
}

pub(super) static TREE: Case = Case {
    program: |_| super::PROGRAM.into(),
    lay_out: |machine, hospital| tree(machine, hospital, "exit 0"),
    mode: Mode::Active,
    is_prepared: false,
    boot: 1,
    ends: "verified",
    least_changes: 20,
    found: current,
    before: "",
    after: "2.0",
};

pub(super) static TREE_THAT_FAILS: Case = Case {
    lay_out: |machine, hospital| tree(machine, hospital, "exit 1"),
    ends: "rolled_back",
    ..TREE
};

pub(super) static STAGED_WAY_BACK: Case = Case {
    lay_out: staged_way_back,
    is_prepared: true,
    ends: "rolled_back",
    before: "1.0",
    ..TREE
};

pub(super) static BEFORE_THE_RESTART: Case = Case {
    lay_out: restarting,
    is_prepared: true,
    ..TREE
};

pub(super) static AFTER_THE_RESTART: Case = Case {
    boot: 2,
    least_changes: 5,
    ..BEFORE_THE_RESTART
};

pub(super) static PACKAGES: Case = Case {
    lay_out: packages,
    is_prepared: true,
    found: |machine| read(machine, "root/usr/lib/viewer/version"),
    ..TREE
};

/// The package brings a successor of the very installer that works.
pub(super) static ITSELF: Case = Case {
    program: |folder| put_installer(super::PROGRAM.as_ref(), &folder.join("root")).unwrap(),
    lay_out: itself,
    ..PACKAGES
};

pub(super) static RECIPE: Case = Case {
    lay_out: recipe,
    is_prepared: true,
    found: |machine| read(machine, "pump"),
    ..TREE
};

pub(super) static REHEARSAL: Case = Case {
    mode: Mode::Rehearse,
    is_prepared: true,
    ends: "deferred",
    least_changes: 3,
    ..TREE
};

/// The version that the tree's link leads to.
fn current(machine: &Machine) -> String {
    let link = std::fs::read_link(machine.path("trees/viewer/current"));
    link.map_or(String::new(), |link| link.display().to_string())
}

fn read(machine: &Machine, file: &str) -> String {
    let text = std::fs::read_to_string(machine.path(file));
    text.map_or(String::new(), |text| text.trim().to_owned())
}

/// Version 2.0 of a tree, whose check afterwards does as `check` says.
fn tree(machine: &mut Machine, hospital: &Hospital, check: &str) -> ApprovedRelease {
    let archive = archive(&[("viewer", "new")]);
    machine.put_artifact(&archive).unwrap();
    machine.says("works", "ready", check).unwrap();
    let mut release = hospital.release("2.0", 2, &archive);
    release.release.checks_after = vec![name("works")];
    release
}

/// The same beside 1.0, which is there and goes back from the archive that is staged.
fn staged_way_back(machine: &mut Machine, hospital: &Hospital) -> ApprovedRelease {
    let mut release = tree(machine, hospital, "exit 1");
    let archive = archive(&[("viewer", "old")]);
    machine.put_artifact(&archive).unwrap();
    let file = Digest::of(&archive).to_string();
    let folder = machine.path("trees/viewer");
    let unpacked = Command::new(super::PROGRAM)
        .arg("tree-unpack")
        .arg(machine.path("agent/artifacts").join(file))
        .args([folder.as_os_str(), "1.0".as_ref()])
        .status()
        .unwrap();
    assert!(unpacked.success());
    symlink("1.0", folder.join("current")).unwrap();
    let back = hospital.release("1.0", 1, &archive);
    release.rollback = Rollback::Release(Box::new(RollbackRelease {
        path: back.path,
        release: back.release,
    }));
    release
}

/// The same with a restart, for which the machine becomes busy between switch and restart.
fn restarting(machine: &mut Machine, hospital: &Hospital) -> ApprovedRelease {
    let mut release = tree(machine, hospital, "exit 0");
    release.release.reboot = Reboot::Machine;
    machine.next_boot(BootId([2; 16])).unwrap();
    let (flag, free) = (machine.path("trees/viewer/current"), machine.path("free"));
    let script = format!(
        "test -e {} && ! test -e {} && echo in_use || echo idle",
        flag.display(),
        free.display()
    );
    machine.says("interlock", "interlock", &script).unwrap();
    release
}

/// Built once: every run installs the same.
static DEB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    Package::plain("2.0").deb(folder.path()).unwrap()
});

/// The same with an installer.
static OWN_DEB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let successor = put_installer(super::PROGRAM.as_ref(), folder.path()).unwrap();
    let package = Package {
        installer: Some(successor),
        ..Package::plain("2.0")
    };
    package.deb(folder.path()).unwrap()
});

/// A package of Debian.
fn packages(machine: &mut Machine, hospital: &Hospital) -> ApprovedRelease {
    package(machine, hospital, &DEB)
}

/// The package of the installer itself.
fn itself(machine: &mut Machine, hospital: &Hospital) -> ApprovedRelease {
    package(machine, hospital, &OWN_DEB)
}

fn package(machine: &mut Machine, hospital: &Hospital, bytes: &[u8]) -> ApprovedRelease {
    machine.settings(&[DPKG_OPTIONS]).unwrap();
    database(&machine.path("root")).unwrap();
    machine.put_artifact(bytes).unwrap();
    let mut release = hospital.release("2.0", 2, bytes);
    release.release.kind = Kind::Packages(Packages {
        manager: PackageManager::Deb,
        packages: vec![PackageRef {
            name: "viewer".to_owned(),
            version: "2.0".to_owned(),
            artifact: Digest::of(bytes),
        }],
    });
    release
}

/// A recipe that copies its artifact.
fn recipe(machine: &mut Machine, hospital: &Hospital) -> ApprovedRelease {
    let store = machine.path("pump").display().to_string();
    let text = format!(
        "install = [\"/bin/cp\", \"{{artifact}}\", \"{store}\"]\n\
         version = [\"/bin/sh\", \"-c\", \"cat {store} 2>/dev/null || true\"]\n\
         check = [\"/usr/bin/test\", \"-s\", \"{store}\"]\n\
         rollback = [\"/bin/rm\", \"-f\", \"{store}\"]\n"
    );
    machine.write("recipes.d/pump.toml", &text).unwrap();
    let bytes = b"2.0\n";
    machine.put_artifact(bytes).unwrap();
    let mut release = hospital.release("2.0", 2, bytes);
    release.release.kind = Kind::Recipe(RecipeKind {
        name: name("pump"),
        sha256: Digest::of(text.as_bytes()),
    });
    release
}

//! What the packages' scripts do in a root of their own: first installation, upgrade, downgrade,
//! removal, purge. Nothing is started there; the boot test sees that on a whole system.

use super::{made, say};
use patchward_integration_tests::package::database;
use patchward_integration_tests::packages::{self, Effort, Package, VERSION};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A root with nothing in it but dpkg's empty database.
struct Root {
    folder: tempfile::TempDir,
    package: Package,
}

impl Root {
    fn new(package: Package) -> Self {
        let folder = tempfile::tempdir().unwrap();
        database(folder.path()).unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        Self { folder, package }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn has(&self, below: &str) -> bool {
        self.path(below).symlink_metadata().is_ok()
    }

    fn put(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap_or_default()
    }

    /// Calls dpkg as the installer does; what the packages depend on is not in this root.
    #[track_caller]
    fn dpkg(&self, words: &[&str]) -> String {
        let root = format!("--root={}", self.folder.path().display());
        let force = [
            "script-chrootless",
            "not-root",
            "depends",
            "confdef",
            "confold",
        ];
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(root).arg("--log=/dev/null");
        dpkg.args(force.map(|what| format!("--force-{what}")));
        say(dpkg.args(words).env("DEBIAN_FRONTEND", "noninteractive"))
    }

    #[track_caller]
    fn install(&self, deb: &Path) -> String {
        self.dpkg(&["--install", deb.to_str().unwrap()])
    }

    /// Whether systemd would begin a unit by itself.
    fn begins(&self, target: &str, unit: &str) -> bool {
        self.has(&format!("etc/systemd/system/{target}.wants/{unit}"))
    }

    fn mode(&self, below: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        self.path(below).metadata().unwrap().permissions().mode() & 0o777
    }

    /// Number of the user of this name, by the root's own table.
    fn user(&self, name: &str) -> u32 {
        let table = self.read("etc/passwd");
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("{name}:")));
        let row = row.unwrap_or_else(|| panic!("no user {name}: {table}"));
        row.split(':').nth(2).unwrap().parse().unwrap()
    }

    fn owner(&self, below: &str) -> u32 {
        use std::os::unix::fs::MetadataExt as _;
        self.path(below).metadata().unwrap().uid()
    }

    /// The version that is installed, and dpkg's word for how.
    fn stands(&self) -> String {
        let database = format!("--admindir={}", self.path("var/lib/dpkg").display());
        let format = "${db:Status-Status} ${Version}";
        let mut query = Command::new("dpkg-query");
        say(query.args([&database, "-W", "-f", format, self.package.name()]))
    }
}

/// The same package in another version.
fn other(package: Package, version: &str) -> PathBuf {
    let made = made(package);
    let out = made.folder.path().join(format!("scripts-{version}"));
    packages::deb(&made.tree, version, Effort::Least, &out).unwrap()
}

#[test]
fn a_machines_state_stays_until_it_is_purged() {
    let root = Root::new(Package::Agent);
    let deb = &made(Package::Agent).deb;
    let next = "patchward-installer pin TOKEN";
    assert!(root.install(deb).contains(next));
    assert_eq!(root.stands(), format!("installed {VERSION}"));
    let agent = root.user("patchward");
    assert_eq!(root.owner("var/lib/patchward-agent"), agent);
    assert!(root.read("etc/group").contains("patchward-ward:"));
    for private in ["var/lib/patchward-agent", "var/lib/patchward-installer"] {
        assert_eq!(root.mode(private), 0o700, "{private}");
    }
    assert_eq!(root.owner("var/lib/patchward-installer"), 0);
    let units = [
        ("multi-user.target", "patchward-agent.service"),
        ("multi-user.target", "patchward-installer-resume.service"),
        ("multi-user.target", "patchward-notice.service"),
        ("sockets.target", "patchward-installer.socket"),
    ];
    for (target, unit) in units {
        assert!(root.begins(target, unit), "{unit}");
    }
    // What the machine knows, what IT wrote, and a unit that IT does not want.
    let kept = [
        ("var/lib/patchward-agent/credentials/certificate", "a"),
        ("var/lib/patchward-installer/key", "b"),
        ("var/lib/patchward-installer/pin", "p"),
        ("var/lib/patchward-installer/jobs/7/start", "c"),
        ("etc/patchward/agent.toml", "look_minutes = 5\n"),
        ("etc/patchward/probes.d/in-use.toml", "d"),
    ];
    for (file, text) in kept {
        root.put(file, text);
    }
    std::fs::remove_file(
        root.path("etc/systemd/system/multi-user.target.wants/patchward-agent.service"),
    )
    .unwrap();
    let all_there = |when: &str| {
        for (file, text) in kept {
            assert_eq!(root.read(file), text, "{file} {when}");
        }
    };
    let said = root.install(&other(Package::Agent, "99.0"));
    assert!(!said.contains(next), "it is pinned: {said}");
    assert_eq!(root.stands(), "installed 99.0");
    all_there("after the upgrade");
    assert!(!root.begins("multi-user.target", "patchward-agent.service"));
    assert!(root.begins("sockets.target", "patchward-installer.socket"));
    root.install(deb);
    assert_eq!(root.stands(), format!("installed {VERSION}"));
    all_there("after the downgrade");
    assert_eq!(root.user("patchward"), agent);
    // In the middle of a job, and while systemd lets nobody in.
    root.put(
        "run/nologin",
        "Patchward: This computer is being updated.\n",
    );
    root.dpkg(&["--remove", "patchward-agent"]);
    all_there("after the removal");
    assert!(!root.has("run/nologin"));
    root.put("run/nologin", "System is going down.\n");
    assert!(!root.has("usr/sbin/patchward-installer"));
    root.install(deb);
    all_there("when it came back");
    assert!(root.begins("sockets.target", "patchward-installer.socket"));
    root.dpkg(&["--purge", "patchward-agent"]);
    assert!(root.has("run/nologin"), "it is systemd's");
    for gone in [
        "var/lib/patchward-agent",
        "var/lib/patchward-installer",
        "etc/patchward/agent.toml",
    ] {
        assert!(!root.has(gone), "{gone}");
    }
    for (target, unit) in units {
        assert!(!root.begins(target, unit), "{unit}");
        assert!(
            !root.has(&format!("etc/systemd/system/{unit}")),
            "{unit} is masked"
        );
    }
    assert_eq!(
        root.read("etc/patchward/probes.d/in-use.toml"),
        "d",
        "people wrote it"
    );
}

#[test]
fn a_purge_leaves_no_empty_folder() {
    let root = Root::new(Package::Agent);
    root.install(&made(Package::Agent).deb);
    std::fs::create_dir_all(root.path("etc/patchward/recipes.d")).unwrap();
    root.dpkg(&["--purge", "patchward-agent"]);
    assert!(!root.has("etc/patchward"));
    // The same once more, as after a removal.
    root.install(&made(Package::Agent).deb);
    root.dpkg(&["--remove", "patchward-agent"]);
    root.dpkg(&["--purge", "patchward-agent"]);
    assert!(!root.has("etc/patchward"));
}

#[test]
fn a_removal_says_that_a_job_is_open() {
    let root = Root::new(Package::Agent);
    root.install(&made(Package::Agent).deb);
    root.put("var/lib/patchward-installer/jobs/7/start", "");
    let dpkg = Command::new("dpkg")
        .arg(format!("--root={}", root.folder.path().display()))
        .args([
            "--log=/dev/null",
            "--force-script-chrootless",
            "--force-not-root",
        ])
        .args(["--remove", "patchward-agent"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&dpkg.stderr);
    assert!(
        dpkg.status.success() && said.contains("a job is open"),
        "{said}"
    );
    assert!(root.has("var/lib/patchward-installer/jobs/7/start"));
}

#[test]
fn a_collectors_state_stays_until_it_is_purged() {
    let root = Root::new(Package::Collector);
    let deb = &made(Package::Collector).deb;
    root.install(deb);
    let user = root.user("patchward-collector");
    assert_eq!(root.owner("var/lib/patchward-collector"), user);
    assert_eq!(root.mode("var/lib/patchward-collector"), 0o700);
    assert!(root.begins("multi-user.target", "patchward-collector.service"));
    // A relay is another user, who reads nothing of the collector.
    let relay = root.user("patchward-relay");
    assert_ne!(relay, user);
    assert_eq!(root.owner("var/lib/patchward-relay"), relay);
    assert_eq!(root.mode("var/lib/patchward-relay"), 0o700);
    assert!(root.begins("multi-user.target", "patchward-relay.service"));
    let database = "var/lib/patchward-collector/collector.db";
    let key = "var/lib/patchward-relay/relay.key";
    root.put(database, "a");
    root.put(key, "b");
    root.install(&other(Package::Collector, "99.0"));
    root.install(deb);
    assert_eq!(root.stands(), format!("installed {VERSION}"));
    root.dpkg(&["--remove", "patchward-collector"]);
    assert_eq!(root.read(database), "a");
    assert_eq!(root.read(key), "b");
    root.dpkg(&["--purge", "patchward-collector"]);
    assert!(!root.has("var/lib/patchward-collector") && !root.has("var/lib/patchward-relay"));
    assert!(!root.begins("multi-user.target", "patchward-collector.service"));
}

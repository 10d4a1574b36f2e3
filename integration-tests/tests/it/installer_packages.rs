//! Real dpkg and real rpm in private roots, with a package that brings a service.

use patchward_common::digest::Digest;
use patchward_common::job::State;
use patchward_common::trust::approval::{ApprovedRelease, Rollback, RollbackRelease};
use patchward_common::trust::check::Step;
use patchward_common::trust::release::{
    ArtifactRef, Kind, PackageManager, PackageRef, Packages, RecipeKind,
};
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, now};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");

struct Setting {
    folder: tempfile::TempDir,
    hospital: Hospital,
    machine: Machine,
    edition: u64,
}

/// What a package does, beside bringing its files.
struct Script {
    /// Shell text that runs when it is configured.
    configure: &'static str,
    depends: Option<&'static str>,
}

const PLAIN: Script = Script {
    configure: "exit 0",
    depends: None,
};

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; the tests need it"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    String::from_utf8(output.stdout).unwrap()
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let mut machine =
            Machine::new(folder.path(), Path::new(PROGRAM), &hospital.token()).unwrap();
        // Maintainer scripts run outside of the private root, which has no shell.
        let dpkg = "dpkg_options = [\"--force-script-chrootless\", \"--force-not-root\", \"--log=/dev/null\"]";
        machine.settings(&[dpkg]).unwrap();
        let database = folder.path().join("root/var/lib/dpkg");
        for below in ["info", "updates", "triggers"] {
            std::fs::create_dir_all(database.join(below)).unwrap();
        }
        for file in ["status", "available"] {
            std::fs::write(database.join(file), "").unwrap();
        }
        assert!(machine.start(None).unwrap());
        Self {
            folder,
            hospital,
            machine,
            edition: 0,
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A .deb of the viewer: a program, a unit of systemd and a script.
    fn deb(&self, version: &str, script: &Script) -> Vec<u8> {
        let tree = self.path(&format!("build-{version}"));
        for below in ["DEBIAN", "usr/lib/viewer", "usr/lib/systemd/system"] {
            std::fs::create_dir_all(tree.join(below)).unwrap();
        }
        let depends = script
            .depends
            .map(|on| format!("Depends: {on}\n"))
            .unwrap_or_default();
        let control = format!(
            "Package: viewer\nVersion: {version}\nArchitecture: all\n\
             Maintainer: Acme <acme@example>\n{depends}Description: Viewer\n"
        );
        std::fs::write(tree.join("DEBIAN/control"), control).unwrap();
        let postinst = tree.join("DEBIAN/postinst");
        std::fs::write(&postinst, format!("#!/bin/sh\n{}\n", script.configure)).unwrap();
        run("chmod", &["755", postinst.to_str().unwrap()]);
        std::fs::write(tree.join("usr/lib/viewer/version"), version).unwrap();
        let unit = "[Service]\nExecStart=/usr/lib/viewer/run\n";
        std::fs::write(tree.join("usr/lib/systemd/system/viewer.service"), unit).unwrap();
        let file = self.path("viewer.deb");
        let (tree, file) = (tree.to_str().unwrap(), file.to_str().unwrap());
        run("dpkg-deb", &["--build", "--root-owner-group", tree, file]);
        self.artifact(std::fs::read(file).unwrap())
    }

    /// An .rpm of the viewer.
    fn rpm(&self, version: &str, script: &Script) -> Vec<u8> {
        let spec = self.path("viewer.spec");
        let text = format!(
            "Name: viewer\nVersion: {version}\nRelease: 1\nSummary: Viewer\nLicense: None\n\
             BuildArch: noarch\n%description\nViewer\n%install\n\
             mkdir -p %{{buildroot}}/usr/lib/viewer\n\
             echo -n {version} > %{{buildroot}}/usr/lib/viewer/version\n\
             %pre -p <lua>\n{}\n%files\n/usr/lib/viewer/version\n",
            script.configure
        );
        std::fs::write(&spec, text).unwrap();
        let top = format!("_topdir {}", self.path("rpmbuild").display());
        run(
            "rpmbuild",
            &["-bb", "--quiet", "--define", &top, spec.to_str().unwrap()],
        );
        let file = format!("rpmbuild/RPMS/noarch/viewer-{version}-1.noarch.rpm");
        self.artifact(std::fs::read(self.path(&file)).unwrap())
    }

    fn artifact(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.machine.put_artifact(&bytes).unwrap();
        bytes
    }

    fn release(
        &self,
        manager: PackageManager,
        version: &str,
        counter: u64,
        bytes: &[u8],
    ) -> ApprovedRelease {
        let mut release = self.hospital.release(version, counter, bytes);
        let path = format!("viewer/{version}.package");
        let release_suffix = match manager {
            PackageManager::Deb => "",
            PackageManager::Rpm => "-1",
        };
        release.release.kind = Kind::Packages(Packages {
            manager,
            packages: vec![PackageRef {
                name: "viewer".to_owned(),
                version: format!("{version}{release_suffix}"),
                artifact: Digest::of(bytes),
            }],
        });
        release.path.clone_from(&path);
        release.release.artifacts[0].path = path;
        release
    }

    /// Approves a release and takes it as far as it goes.
    fn install(&mut self, release: ApprovedRelease) -> Result<State, Box<Answer>> {
        self.edition += 1;
        let (hospital, machine) = (&self.hospital, &self.machine);
        let row = hospital.row(machine.id);
        let approval = hospital.approval(vec![release]);
        let files = hospital
            .repository(self.edition, &approval.releases)
            .unwrap();
        machine.put_metadata(&name("acme"), &files).unwrap();
        let placed = hospital.approve(&approval, &[hospital.leaf(&row)], &[&hospital.alice]);
        let job = job_of(&placed[0], machine.id);
        let documents = hospital.documents(&row, placed);
        assert_eq!(machine.give(&documents).unwrap(), [""; 0]);
        match machine.ask(&Request::Prepare(job)).unwrap() {
            Answer::Prepared => {}
            other => return Err(Box::new(other)),
        }
        let go = hospital.go(&machine.draw(job).unwrap(), now());
        match machine.ask(&Request::Start(job, go)).unwrap() {
            Answer::Started => {}
            other => return Err(Box::new(other)),
        }
        let state = machine.wait_for(job, State::is_final).unwrap();
        let record = self.path(&format!("state/jobs/{job}/start"));
        patchward_integration_tests::machine::until("it is settled", || {
            (!record.exists()).then_some(())
        })
        .unwrap();
        Ok(state)
    }

    fn installed(&self) -> String {
        std::fs::read_to_string(self.path("root/usr/lib/viewer/version")).unwrap_or_default()
    }
}

fn back_to(release: &ApprovedRelease) -> Rollback {
    Rollback::Release(Box::new(RollbackRelease {
        path: release.path.clone(),
        release: release.release.clone(),
    }))
}

#[test]
fn debian_packages_are_installed_and_rolled_back() {
    let mut setting = Setting::new();
    let deb = PackageManager::Deb;
    let first = setting.release(deb, "1.0", 1, &setting.deb("1.0", &PLAIN));
    assert_eq!(setting.install(first.clone()).unwrap(), State::Verified);
    assert_eq!(setting.installed(), "1.0");
    assert!(
        setting
            .path("root/usr/lib/systemd/system/viewer.service")
            .exists()
    );
    // Its own script fails when it is configured: half configured, then back.
    let script = Script {
        configure: "echo no licence >&2; exit 1",
        ..PLAIN
    };
    let mut broken = setting.release(deb, "2.0", 2, &setting.deb("2.0", &script));
    broken.rollback = back_to(&first);
    let state = setting.install(broken).unwrap();
    assert!(
        matches!(&state, State::RolledBack(why) if why.text.contains("configure")),
        "{state:?}"
    );
    assert_eq!(setting.installed(), "1.0");
    let database = format!("--admindir={}", setting.path("root/var/lib/dpkg").display());
    let status = run(
        "dpkg-query",
        &[
            &database,
            "-W",
            "-f",
            "${db:Status-Status} ${Version}",
            "viewer",
        ],
    );
    assert_eq!(status, "installed 1.0");
    let mut good = setting.release(deb, "3.0", 3, &setting.deb("3.0", &PLAIN));
    good.rollback = back_to(&first);
    assert_eq!(setting.install(good).unwrap(), State::Verified);
    assert_eq!(setting.installed(), "3.0");
}

#[test]
fn packages_that_cannot_work_are_refused_before_anything_changes() {
    let mut setting = Setting::new();
    let script = Script {
        depends: Some("no-such-package"),
        ..PLAIN
    };
    let deb = PackageManager::Deb;
    let lonely = setting.release(deb, "1.0", 1, &setting.deb("1.0", &script));
    let answer = setting.install(lonely).unwrap_err();
    assert!(
        matches!(&*answer, Answer::Refused(why) if why.step == Some(Step::Artifacts)),
        "{answer:?}"
    );
    // Another version inside than was approved.
    let mut other = setting.release(deb, "2.0", 2, &setting.deb("2.1", &PLAIN));
    let answer = setting.install(other.clone()).unwrap_err();
    assert!(
        matches!(&*answer, Answer::Refused(why) if why.text.contains("holds viewer 2.1")),
        "{answer:?}"
    );
    // A file that belongs to no package of the set.
    let stray = setting.artifact(b"stray".to_vec());
    other.release.artifacts.push(ArtifactRef {
        path: "viewer/stray".to_owned(),
        sha256: Digest::of(&stray),
        length: stray.len() as u64,
    });
    let answer = setting.install(other).unwrap_err();
    assert!(
        matches!(&*answer, Answer::Refused(why) if why.text.contains("one to one")),
        "{answer:?}"
    );
    assert_eq!(setting.installed(), "");
}

#[test]
fn rpm_packages_are_installed_and_rolled_back() {
    let mut setting = Setting::new();
    let rpm = PackageManager::Rpm;
    let plain = Script {
        configure: "return 0",
        ..PLAIN
    };
    let first = setting.release(rpm, "1.0", 1, &setting.rpm("1.0", &plain));
    assert_eq!(setting.install(first.clone()).unwrap(), State::Verified);
    assert_eq!(setting.installed(), "1.0");
    let mut next = setting.release(rpm, "2.0", 2, &setting.rpm("2.0", &plain));
    next.rollback = back_to(&first);
    setting.machine.says("works", "ready", "exit 1").unwrap();
    next.release.checks_after = vec![name("works")];
    let state = setting.install(next).unwrap();
    assert!(
        matches!(&state, State::RolledBack(why) if why.text.contains("works")),
        "{state:?}"
    );
    assert_eq!(setting.installed(), "1.0");
    let last = setting.release(rpm, "3.0", 3, &setting.rpm("3.0", &plain));
    assert_eq!(setting.install(last).unwrap(), State::Verified);
    assert_eq!(setting.installed(), "3.0");
}

const RECIPE: &str = r#"
install = ["/bin/sh", "-c", 'cp "$1" STORE; test "$2" != 2.0', "install", "{artifact}", "{version}"]
version = ["/bin/sh", "-c", "cat STORE 2>/dev/null || true"]
check = ["/usr/bin/test", "-s", "STORE"]
rollback = ["/bin/sh", "-c", 'if [ "$1" = absent ]; then rm -f STORE; else echo "$1" > STORE; fi', "rollback", "{version}"]
"#;

#[test]
fn a_recipe_is_run_checked_and_rolled_back_and_never_a_changed_one() {
    let mut setting = Setting::new();
    let recipe = RECIPE.replace("STORE", setting.path("pump").to_str().unwrap());
    setting
        .machine
        .write("recipes.d/pump.toml", &recipe)
        .unwrap();
    let release = |setting: &Setting, version: &str, counter| {
        let bytes = setting.artifact(format!("{version}\n").into_bytes());
        let mut release = setting.hospital.release(version, counter, &bytes);
        release.release.kind = Kind::Recipe(RecipeKind {
            name: name("pump"),
            sha256: Digest::of(recipe.as_bytes()),
        });
        release
    };
    let first = release(&setting, "1.0", 1);
    assert_eq!(setting.install(first).unwrap(), State::Verified);
    let fails = release(&setting, "2.0", 2);
    let state = setting.install(fails).unwrap();
    assert!(matches!(state, State::RolledBack(_)), "{state:?}");
    assert_eq!(
        std::fs::read_to_string(setting.path("pump")).unwrap(),
        "1.0\n"
    );
    setting
        .machine
        .write("recipes.d/pump.toml", &format!("{recipe}\n# changed"))
        .unwrap();
    let last = release(&setting, "3.0", 3);
    let answer = setting.install(last).unwrap_err();
    assert!(
        matches!(&*answer, Answer::Refused(why) if why.step == Some(Step::Artifacts) && why.text.contains("recipe")),
        "{answer:?}"
    );
}

//! Real dpkg and real rpm in private roots, with a package that brings a service.

mod itself;
mod recipes;

use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::job::State;
use patchward_common::trust::approval::{ApprovedRelease, Rollback, RollbackRelease};
use patchward_common::trust::check::Step;
use patchward_common::trust::release::{ArtifactRef, Kind, PackageManager, PackageRef, Packages};
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, now};
use patchward_integration_tests::package::{DPKG_OPTIONS, Package, Root};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");

struct Setting {
    // Dropped first: the service and the process end before their folder goes.
    root: Root,
    machine: Machine,
    hospital: Hospital,
    folder: tempfile::TempDir,
    edition: u64,
}

impl Setting {
    fn new() -> Self {
        Self::with(&[])
    }

    /// One whose installer has these settings too.
    fn with(settings: &[&str]) -> Self {
        Self::run_by(|_| PROGRAM.into(), settings)
    }

    /// One whose installer is the program that is given for its folder.
    fn run_by(program: impl FnOnce(&Path) -> PathBuf, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let program = program(folder.path());
        let mut machine = Machine::new(folder.path(), &program, &hospital.token()).unwrap();
        let settings = [&[DPKG_OPTIONS], settings].concat();
        machine.settings(&settings).unwrap();
        let root = Root::lay_out(&folder.path().join("root")).unwrap();
        assert!(machine.start(None).unwrap());
        Self {
            root,
            machine,
            hospital,
            folder,
            edition: 0,
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn deb(&self, package: &Package) -> Vec<u8> {
        self.artifact(package.deb(self.folder.path()).unwrap())
    }

    fn rpm(&self, package: &Package) -> Vec<u8> {
        self.artifact(package.rpm(self.folder.path()).unwrap())
    }

    /// A check that passes where the service that runs is of this version.
    fn serves(&self, version: &str) -> Name {
        let check = format!("serves-{}", version.replace('.', "-"));
        let script = self.root.is_serving(version);
        self.machine.says(&check, "ready", &script).unwrap();
        name(&check)
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
        self.install_all(vec![release])
    }

    fn install_all(&mut self, releases: Vec<ApprovedRelease>) -> Result<State, Box<Answer>> {
        self.edition += 1;
        let (hospital, machine) = (&self.hospital, &self.machine);
        let row = hospital.row(machine.id);
        let approval = hospital.approval(releases);
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

    /// Asserts that what runs is what is installed, in this version.
    #[track_caller]
    fn has(&self, version: &str) {
        assert_eq!(self.root.installed(), version);
        assert_eq!(self.root.serving(), version);
    }

    /// Asserts that step 7 refuses a release, with this in its words.
    #[track_caller]
    fn refuses(&mut self, release: ApprovedRelease, why: &str) {
        let answer = self.install(release).unwrap_err();
        assert!(
            matches!(&*answer, Answer::Refused(refused)
                if refused.step == Some(Step::Artifacts) && refused.text.contains(why)),
            "{why:?} was expected, and came {answer:?}"
        );
    }

    /// Writes dpkg's status of one package that is there.
    fn status(&self, name: &str, more: &str) {
        let text = format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: all\n\
             Version: 1.0\n{more}Description: Other\n"
        );
        std::fs::write(self.path("root/var/lib/dpkg/status"), text).unwrap();
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
    let mut first = setting.release(deb, "1.0", 1, &setting.deb(&Package::serving("1.0")));
    first.release.checks_after = vec![setting.serves("1.0")];
    assert_eq!(setting.install(first.clone()).unwrap(), State::Verified);
    setting.has("1.0");
    assert!(
        setting
            .path("root/usr/lib/systemd/system/viewer.service")
            .exists()
    );
    // Its own script fails when it is configured: half configured, then back.
    let package = Package {
        configure: "echo no licence >&2; exit 1".to_owned(),
        ..Package::serving("1.5")
    };
    let mut broken = setting.release(deb, "1.5", 2, &setting.deb(&package));
    broken.rollback = back_to(&first);
    let state = setting.install(broken).unwrap();
    assert!(
        matches!(&state, State::RolledBack(why) if why.text.contains("configure")),
        "{state:?}"
    );
    setting.has("1.0");
    let database = format!("--admindir={}", setting.path("root/var/lib/dpkg").display());
    let format = "${db:Status-Status} ${Version}";
    let status = Command::new("dpkg-query")
        .args([&database, "-W", "-f", format, "viewer"])
        .output()
        .unwrap();
    assert_eq!(status.stdout, b"installed 1.0");
    goes_forth_and_back(&mut setting, deb, &first, Setting::deb);
}

/// A second version serves, and where only another check fails, the first one serves again.
/// Then the third one stays.
fn goes_forth_and_back(
    setting: &mut Setting,
    manager: PackageManager,
    first: &ApprovedRelease,
    build: fn(&Setting, &Package) -> Vec<u8>,
) {
    let package = build(setting, &Package::serving("2.0"));
    let mut second = setting.release(manager, "2.0", 3, &package);
    second.rollback = back_to(first);
    setting.machine.says("works", "ready", "exit 1").unwrap();
    second.release.checks_after = vec![setting.serves("2.0"), name("works")];
    let state = setting.install(second).unwrap();
    // The first check that fails is told: the service of 2.0 had answered.
    assert!(
        matches!(&state, State::RolledBack(why) if why.text.contains("check works fails")),
        "{state:?}"
    );
    setting.has("1.0");
    let package = build(setting, &Package::serving("3.0"));
    let mut last = setting.release(manager, "3.0", 4, &package);
    last.rollback = back_to(first);
    last.release.checks_after = vec![setting.serves("3.0")];
    assert_eq!(setting.install(last).unwrap(), State::Verified);
    setting.has("3.0");
}

#[test]
fn packages_that_cannot_work_are_refused_before_anything_changes() {
    let mut setting = Setting::new();
    let package = Package {
        depends: Some("no-such-package".to_owned()),
        ..Package::plain("1.0")
    };
    let deb = PackageManager::Deb;
    let lonely = setting.release(deb, "1.0", 1, &setting.deb(&package));
    setting.refuses(lonely, "nothing provides no-such-package");
    // Another version inside than was approved.
    let mut other = setting.release(deb, "2.0", 2, &setting.deb(&Package::plain("2.1")));
    setting.refuses(other.clone(), "holds viewer 2.1");
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
    assert_eq!(setting.root.installed(), "");
}

#[test]
fn a_warning_of_dpkg_meets_no_dependency() {
    let mut setting = Setting::new();
    let deb = PackageManager::Deb;
    let maintained = Package {
        depends: Some("no-such-package".to_owned()),
        ..Package::plain("1.0")
    };
    // dpkg-deb warns of a package without a maintainer whenever it is asked about it.
    let warned_of = Package {
        maintainer: None,
        ..maintained.clone()
    };
    let why = "nothing provides no-such-package";
    let release = setting.release(deb, "1.0", 1, &setting.deb(&warned_of));
    setting.refuses(release, why);
    // dpkg-query does for one that is there.
    setting.status("other", "");
    let release = setting.release(deb, "1.0", 1, &setting.deb(&maintained));
    setting.refuses(release, why);
    // What was removed and left its settings behind is not there.
    let gone = "Conffiles:\n /etc/other 00000000000000000000000000000000\n";
    setting.status("no-such-package", gone);
    let status = setting.path("root/var/lib/dpkg/status");
    let text = std::fs::read_to_string(&status).unwrap();
    let text = text.replace("install ok installed", "deinstall ok config-files");
    std::fs::write(&status, text).unwrap();
    let release = setting.release(deb, "1.0", 1, &setting.deb(&maintained));
    setting.refuses(release, why);
    assert_eq!(setting.root.installed(), "");
    // Warned of, and there: it is met.
    setting.status("no-such-package", "");
    let mut release = setting.release(deb, "1.0", 1, &setting.deb(&warned_of));
    release.install_minutes += 1;
    assert_eq!(setting.install(release).unwrap(), State::Verified);
    assert_eq!(setting.root.installed(), "1.0");
}

#[test]
fn rpm_packages_are_installed_and_rolled_back() {
    let mut setting = Setting::new();
    let rpm = PackageManager::Rpm;
    let mut first = setting.release(rpm, "1.0", 1, &setting.rpm(&Package::serving("1.0")));
    first.release.checks_after = vec![setting.serves("1.0")];
    assert_eq!(setting.install(first.clone()).unwrap(), State::Verified);
    setting.has("1.0");
    goes_forth_and_back(&mut setting, rpm, &first, Setting::rpm);
}

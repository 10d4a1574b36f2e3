//! Faults of a machine.

use super::{Environment, STATION, examined, hospital};
use patchward_agent::apart::Apart;
use patchward_common::digest::Digest;
use patchward_common::time::DAY_MS;
use patchward_integration_tests::hospital::{Hospital, now};
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::programs::Program;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checks whose faults are planted here.
pub(super) const PLANTED: [&str; 15] = [
    "installer",
    "watermark",
    "root",
    "keys",
    "certificate",
    "renewal",
    "clock",
    "dns",
    "udp",
    "disk",
    "recipes",
    "probes",
    "interlock",
    "units",
    "revoked",
];

struct Station {
    hospital: Hospital,
    planted: BTreeSet<&'static str>,
}

impl Station {
    fn path(&self, name: &str) -> PathBuf {
        let machine = self.hospital.machines.iter();
        let mut machine = machine.filter(|machine| machine.name == STATION);
        machine.next().unwrap().path(name)
    }

    fn doctor(&self, arguments: &[&str], environment: &Environment) -> (i32, BTreeSet<String>) {
        let installer = self.path("installer.toml");
        self.doctor_with(&installer, arguments, environment)
    }

    fn doctor_with(
        &self,
        installer: &Path,
        arguments: &[&str],
        environment: &Environment,
    ) -> (i32, BTreeSet<String>) {
        let mut command = Command::new(Program::Agent.path().unwrap());
        command.arg("--config").arg(self.path("agent.toml"));
        command
            .args(["doctor", "--json", "--installer-config"])
            .arg(installer);
        command.args(arguments);
        let (code, named, said) = examined(&mut command, environment);
        assert_eq!(code == 0, named.is_empty(), "{said}");
        (code, named)
    }

    fn is_well(&self) {
        assert_eq!(self.doctor(&[], &Vec::new()), (0, BTreeSet::new()));
    }

    fn named(&mut self, check: &'static str, found: (i32, BTreeSet<String>)) {
        let (code, named) = found;
        assert_ne!(code, 0, "{check}");
        assert!(named.contains(check), "{check} is not among {named:?}");
        self.planted.insert(check);
    }

    fn names(&mut self, check: &'static str) {
        let found = self.doctor(&[], &Vec::new());
        self.named(check, found);
    }

    /// With this in a file, and with what it was before afterwards.
    fn with_file(&mut self, name: &str, check: &'static str, text: &str) {
        let path = self.path(name);
        let before = std::fs::read(&path).ok();
        std::fs::write(&path, text).unwrap();
        self.names(check);
        match before {
            Some(before) => std::fs::write(&path, before).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
    }

    fn with_mode(&mut self, name: &str, check: &'static str, mode: u32) {
        let path = self.path(name);
        let before = path.metadata().unwrap().permissions();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        self.names(check);
        std::fs::set_permissions(&path, before).unwrap();
    }
}

#[test]
fn the_machines_doctor_names_each_planted_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut it = Station {
        hospital: hospital(folder.path()),
        planted: BTreeSet::new(),
    };
    it.is_well();
    own(&mut it);
    it.is_well();
    network(&mut it);
    it.is_well();
    installer(&mut it);
    it.is_well();
    let revoke = ["machine", "revoke", STATION, "--reason", "a test"];
    it.hospital.ask(&revoke).unwrap();
    it.names("revoked");
    assert_eq!(it.planted, BTreeSet::from(PLANTED));
}

fn own(it: &mut Station) {
    // Nobody writes these beside the test.
    it.hospital.machine(STATION).unwrap().stop_agent().unwrap();
    let other = Digest([7; 32]).to_string();
    it.with_file("agent/hospital-root", "root", &other);
    it.with_mode("agent/credentials", "keys", 0o644);
    it.with_mode("recipes.d", "recipes", 0o777);
    it.with_file("probes.d/bad.toml", "probes", "nonsense");
    let (credentials, aside) = (it.path("agent/credentials"), it.path("aside"));
    std::fs::rename(&credentials, &aside).unwrap();
    it.names("certificate");
    std::fs::rename(&aside, &credentials).unwrap();
    let late = it.doctor(&[], &apart(70 * DAY_MS).unwrap());
    it.named("renewal", late);
    let noted = Apart::of(now().plus_ms(600_000), now());
    Apart::save(noted, &it.path("agent")).unwrap();
    it.names("clock");
    Apart::save(None, &it.path("agent")).unwrap();
    let full = it.doctor(&["--least-free-megabytes", "9999999999"], &Vec::new());
    it.named("disk", full);
    // Systemd runs here, says this root, and has no unit of ours.
    let (root, by_systemd) = (it.path("other-root"), it.path("by-systemd.toml"));
    std::fs::create_dir_all(root.join("run/systemd/system")).unwrap();
    let settings = std::fs::read_to_string(it.path("agent.toml")).unwrap();
    std::fs::write(
        it.path("agent.toml"),
        format!("root_dir = {root:?}\n{settings}"),
    )
    .unwrap();
    std::fs::write(&by_systemd, "runner = \"systemd\"\n").unwrap();
    let missing = it.doctor_with(&by_systemd, &[], &Vec::new());
    it.named("units", missing);
    std::fs::write(it.path("agent.toml"), settings).unwrap();
}

fn network(it: &mut Station) {
    let settings = std::fs::read_to_string(it.path("agent.toml")).unwrap();
    for (address, check) in [("no-such-host.invalid:9", "dns"), ("127.0.0.1:9", "udp")] {
        let elsewhere = format!("collectors = [\"{address}\"]\n{settings}");
        it.with_file("agent.toml", check, &elsewhere);
    }
}

fn installer(it: &mut Station) {
    // The probe that says whether somebody uses the machine has nothing to say.
    let (flag, aside) = (it.path("use"), it.path("aside"));
    std::fs::rename(&flag, &aside).unwrap();
    it.names("interlock");
    std::fs::rename(&aside, &flag).unwrap();
    let machine = it.hospital.machine(STATION).unwrap();
    machine.kill_installer();
    it.names("installer");
    let copies = ["installer/watermark.a", "installer/watermark.b"].map(|name| it.path(name));
    let before = copies.clone().map(|path| std::fs::read(path).unwrap());
    for copy in &copies {
        std::fs::write(copy, b"torn").unwrap();
    }
    it.hospital
        .machine(STATION)
        .unwrap()
        .start_installer()
        .unwrap();
    it.names("watermark");
    it.hospital.machine(STATION).unwrap().kill_installer();
    for (copy, bytes) in copies.iter().zip(before) {
        std::fs::write(copy, bytes).unwrap();
    }
    it.hospital
        .machine(STATION)
        .unwrap()
        .start_installer()
        .unwrap();
}

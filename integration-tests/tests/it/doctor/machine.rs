//! Faults of a machine.

use super::{Environment, Planted, STATION, examined, give_away, hospital};
use patchward_agent::apart::Apart;
use patchward_common::digest::Digest;
use patchward_common::time::DAY_MS;
use patchward_integration_tests::hospital::{Hospital, Machine, now};
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::programs::Program;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A machine on which one fault after another is planted, and taken away again.
struct Station {
    hospital: Hospital,
    planted: Planted,
}

impl Station {
    fn path(&self, name: &str) -> PathBuf {
        let machine = self.hospital.machines.iter();
        let mut machine = machine.filter(|machine| machine.name == STATION);
        machine.next().unwrap().path(name)
    }

    /// Gives the agent a root of its own, with one package: what this computer has installed, and
    /// how far, is nobody's business here.
    fn own_root(&self) {
        let database = self.path("root/var/lib/dpkg");
        std::fs::create_dir_all(&database).unwrap();
        std::fs::write(database.join("status"), status("installed")).unwrap();
        let agent = self.path("agent.toml");
        let settings = std::fs::read_to_string(&agent).unwrap();
        let line = format!("root_dir = {:?}", self.path("root"));
        std::fs::write(agent, format!("{line}\n{settings}")).unwrap();
    }

    fn machine(&mut self) -> &mut Machine {
        self.hospital.machine(STATION).unwrap()
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

    #[track_caller]
    fn is_well(&self) {
        assert_eq!(self.doctor(&[], &Vec::new()), (0, BTreeSet::new()));
    }

    #[track_caller]
    fn named(&mut self, check: &str, fault: &str, found: (i32, BTreeSet<String>)) {
        let (code, named) = found;
        assert_ne!(code, 0, "{fault}");
        assert!(
            named.contains(check),
            "{fault}: {check} is not among {named:?}"
        );
        self.planted.add(check, fault);
    }

    /// The doctor names `check`, and nothing else.
    #[track_caller]
    fn names(&mut self, check: &str, fault: &str) {
        let found = self.doctor(&[], &Vec::new());
        assert_eq!(found.1, BTreeSet::from([check.to_owned()]), "{fault}");
        self.named(check, fault, found);
    }

    /// With the clock so many days from now; other things may be wrong by it.
    #[track_caller]
    fn names_at(&mut self, check: &str, fault: &str, days: i64) {
        let found = self.doctor(&[], &apart(days * DAY_MS).unwrap());
        self.named(check, fault, found);
    }

    /// With this in a file, and with what it was before afterwards.
    #[track_caller]
    fn with_file(&mut self, name: &str, (check, fault): (&str, &str), text: &str) {
        let path = self.path(name);
        let before = std::fs::read(&path).ok();
        std::fs::write(&path, text).unwrap();
        self.names(check, fault);
        match before {
            Some(before) => std::fs::write(&path, before).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
    }

    /// Without a file that is there.
    #[track_caller]
    fn without(&mut self, name: &str, check: &str, fault: &str) {
        let (path, aside) = (self.path(name), self.path("aside"));
        std::fs::rename(&path, &aside).unwrap();
        self.names(check, fault);
        std::fs::rename(&aside, &path).unwrap();
    }

    /// With this line before all others of the agent's settings.
    #[track_caller]
    fn with_settings(&mut self, planted: (&str, &str), line: &str) {
        let settings = std::fs::read_to_string(self.path("agent.toml")).unwrap();
        self.with_file("agent.toml", planted, &format!("{line}\n{settings}"));
    }

    #[track_caller]
    fn with_mode(&mut self, name: &str, (check, fault): (&str, &str), mode: u32) {
        let path = self.path(name);
        let before = path.metadata().unwrap().permissions();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let found = self.doctor(&[], &Vec::new());
        self.named(check, fault, found);
        std::fs::set_permissions(&path, before).unwrap();
    }

    /// With an installer that was begun anew on what `change` made of its folder, which is what it
    /// was before afterwards.
    #[track_caller]
    fn with_installer(&mut self, check: &str, fault: &str, change: impl FnOnce(&mut Self)) {
        let (own, aside) = (self.path("installer"), self.path("installer-aside"));
        self.machine().kill_installer();
        let copied = Command::new("cp").arg("-a").args([&own, &aside]).status();
        assert!(copied.unwrap().success());
        change(self);
        self.machine().start_installer().unwrap();
        self.names(check, fault);
        self.machine().kill_installer();
        std::fs::remove_dir_all(&own).unwrap();
        std::fs::rename(&aside, &own).unwrap();
        self.machine().start_installer().unwrap();
    }
}

#[test]
fn the_machines_doctor_names_each_planted_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut it = Station {
        hospital: hospital(folder.path()),
        planted: Planted::default(),
    };
    it.own_root();
    it.is_well();
    // Nobody writes its files beside the test.
    it.machine().stop_agent().unwrap();
    settings(&mut it);
    own(&mut it);
    it.is_well();
    system(&mut it);
    it.is_well();
    time(&mut it);
    network(&mut it, &folder.path().join("other"));
    it.is_well();
    interlock(&mut it);
    installer(&mut it);
    it.is_well();
    let revoke = ["machine", "revoke", STATION, "--reason", "a test"];
    it.hospital.ask(&revoke).unwrap();
    it.names("revoked", "a person took the machine out of the fleet");
    it.planted.are_all_of("Of a machine");
}

fn settings(it: &mut Station) {
    let unknown = ("settings", "a key that does not exist, in agent.toml");
    it.with_settings(unknown, "colour = 1");
    let broken = it.path("broken.toml");
    std::fs::write(&broken, "runner = [").unwrap();
    let found = it.doctor_with(&broken, &[], &Vec::new());
    it.named("settings", "installer.toml cannot be read as TOML", found);
}

fn own(it: &mut Station) {
    let other = Digest([7; 32]).to_string();
    let fault = "the agent was enrolled for another hospital root than the installer is pinned to";
    it.with_file("agent/hospital-root", ("root", fault), &other);
    let fault = "the agent's credentials are readable by others (0644)";
    it.with_mode("agent/credentials", ("keys", fault), 0o644);
    let fault = "others may write into the folder of recipes (0777)";
    it.with_mode("recipes.d", ("recipes", fault), 0o777);
    let fault = "others may write into the folder of probes (0777)";
    it.with_mode("probes.d", ("probes", fault), 0o777);
    let fault = "a probe's file that cannot be read as one";
    let bad = it.path("probes.d/bad.toml");
    std::fs::write(&bad, "nonsense").unwrap();
    // The interlock knows nothing either where a probe cannot be read.
    let found = it.doctor(&[], &Vec::new());
    it.named("probes", fault, found);
    std::fs::remove_file(&bad).unwrap();
    it.without(
        "agent/credentials",
        "certificate",
        "there are no credentials",
    );
    let fault = "the credentials are damaged";
    it.with_file("agent/credentials", ("certificate", fault), "nonsense");
    let stray = it.path("agent/stray");
    std::fs::write(&stray, "").unwrap();
    give_away(&stray);
    it.names("owner", "a file of another user in the agent's folder");
    std::fs::remove_file(&stray).unwrap();
    let full = it.doctor(&["--least-free-megabytes", "9999999999"], &Vec::new());
    it.named("disk", "less is free than should be", full);
}

/// What the system below gives, or does not.
fn system(it: &mut Station) {
    it.without("boot_id", "boot", "the file of the boot id is not there");
    let list = "root/var/lib/dpkg/status";
    let (half, cut_off) = (status("half-configured"), "Package: view");
    let fault = "dpkg was broken off: a package is half configured";
    it.with_file(list, ("packages", fault), &half);
    it.with_file(list, ("packages", "dpkg's database was cut off"), cut_off);
    // That is no fault while somebody installs.
    std::fs::write(it.path(list), half).unwrap();
    let (lock, held) = (it.path("root/var/lib/dpkg/lock"), it.path("root/proc"));
    std::fs::write(&lock, "").unwrap();
    std::fs::create_dir(&held).unwrap();
    let inode = lock.metadata().unwrap().ino();
    let line = format!("1: POSIX  ADVISORY  WRITE 7 fe:00:{inode} 0 EOF\n");
    std::fs::write(held.join("locks"), line).unwrap();
    it.is_well();
    std::fs::remove_dir_all(held).unwrap();
    std::fs::write(it.path(list), status("installed")).unwrap();
    // Systemd runs here, says this root, and has no unit of ours.
    let (run, by_systemd) = (it.path("root/run"), it.path("by-systemd.toml"));
    std::fs::create_dir_all(run.join("systemd/system")).unwrap();
    std::fs::write(&by_systemd, "runner = \"systemd\"\n").unwrap();
    let missing = it.doctor_with(&by_systemd, &[], &Vec::new());
    it.named(
        "units",
        "systemd runs here and has no units of ours",
        missing,
    );
    std::fs::remove_dir_all(run).unwrap();
}

/// A list of packages in which one is in this state.
fn status(state: &str) -> String {
    format!("Package: viewer\nStatus: install ok {state}\nArchitecture: all\nVersion: 1\n\n")
}

/// What comes with time, or with a clock that was set wrong.
fn time(it: &mut Station) {
    let fault = "the certificate should have been renewed by now";
    it.names_at("renewal", fault, 70);
    it.names_at("certificate", "the certificate has ended", 91);
    let fault = "by this clock the collector's certificate is not valid yet";
    it.names_at("clock", fault, -2);
    let noted = Apart::of(now().plus_ms(600_000), now());
    Apart::save(noted, &it.path("agent")).unwrap();
    it.names("clock", "the clock is ten minutes off");
    Apart::save(None, &it.path("agent")).unwrap();
}

fn network(it: &mut Station, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let other = Hospital::found(folder, &["icu"], &["viewer"]).unwrap();
    let elsewhere = other.address();
    for (address, check, fault) in [
        (
            "no-such-host.invalid:9",
            "dns",
            "the collector's name does not resolve",
        ),
        // The kernel gives nobody a way to everybody.
        (
            "255.255.255.255:9",
            "route",
            "the kernel has no way to the collector",
        ),
        (
            "127.0.0.1:9",
            "udp",
            "nothing answers at the collector's port",
        ),
        (
            &*elsewhere,
            "tls",
            "another collector answers at the address",
        ),
    ] {
        it.with_settings((check, fault), &format!("collectors = [\"{address}\"]"));
    }
}

/// Whether somebody uses the machine cannot be told.
fn interlock(it: &mut Station) {
    it.without("use", "interlock", "a probe of the interlock fails");
    it.without(
        "probes.d/busy.toml",
        "interlock",
        "there is no interlock probe",
    );
}

fn installer(it: &mut Station) {
    it.machine().kill_installer();
    it.names("installer", "nobody answers at the installer's socket");
    it.machine().start_installer().unwrap();
    let fault = "both copies of the installer's watermark are torn";
    it.with_installer("watermark", fault, |it| {
        for copy in ["installer/watermark.a", "installer/watermark.b"] {
            std::fs::write(it.path(copy), b"torn").unwrap();
        }
    });
    it.with_installer("pin", "the machine's key is damaged", |it| {
        std::fs::write(it.path("installer/machine.key"), b"torn").unwrap();
    });
    let anew = |it: &Station| std::fs::remove_dir_all(it.path("installer")).unwrap();
    it.with_installer("pin", "the machine was never pinned", |it| anew(it));
    let fault = "the agent's credentials are another machine's, as after pinning anew";
    it.with_installer("identity", fault, |it| {
        anew(it);
        let made = ["token", "new", "again", "--unit", "icu"];
        let made = it.hospital.ask_json(&made).unwrap();
        let token = made["token"].as_str().unwrap();
        it.machine().ask_installer(&["pin", token]).unwrap();
    });
}

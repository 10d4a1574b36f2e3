//! Faults of a site relay.

use super::{Environment, Planted, examined};
use patchward_common::time::DAY_MS;
use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::ports::free_port;
use patchward_integration_tests::process::{Daemon, run};
use patchward_integration_tests::programs::Program;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A relay of a collector: its folder, and the port that it has.
pub(super) struct Relay {
    pub(super) hospital: Hospital,
    folder: PathBuf,
    listen: String,
    planted: Planted,
}

impl Relay {
    /// Names it in the collector's settings, has it certified, and writes its settings.
    pub(super) fn set_up(folder: &Path) -> Self {
        let hospital = Hospital::found(folder, &["icu"], &["viewer"]).unwrap();
        let listen = format!("127.0.0.1:{}", free_port().unwrap());
        let mut it = Self {
            hospital,
            folder: folder.join("relay"),
            listen,
            planted: Planted::default(),
        };
        std::fs::create_dir(&it.folder).unwrap();
        let known = format!(
            "[[relays]]\nname = \"site-b\"\naddress = {:?}\nsite = \"main\"\n",
            it.listen
        );
        it.collector_with(|text| format!("{text}\n{known}"));
        let request = run(it.command().args(["relay", "--request"])).unwrap();
        std::fs::write(it.path("relay.csr"), request).unwrap();
        let request = it.path("relay.csr");
        let certify = ["ca", "relay", "site-b", &request.to_string_lossy()];
        let certificate = it.hospital.ask(&certify).unwrap();
        std::fs::write(it.path("relay.crt"), certificate).unwrap();
        let settings = format!(
            "log = \"json\"\nlisten = {:?}\ncollectors = [{:?}]\nmost_megabytes = 1\n",
            it.listen,
            it.hospital.address()
        );
        std::fs::write(it.path("relay.toml"), settings).unwrap();
        it
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(Program::Collector.path().unwrap());
        command.arg("--folder").arg(&self.folder);
        command
    }

    /// Starts the collector anew with other settings.
    fn collector_with(&mut self, change: impl FnOnce(&str) -> String) {
        let settings = self.hospital.collector_folder().join("collector.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        self.hospital.stop_collector().unwrap();
        std::fs::write(settings, change(&text)).unwrap();
        self.hospital.start_collector().unwrap();
    }

    /// Starts the relay with its clock so many days from now, and waits until it is ready.
    pub(super) fn start(&self, days: i64) -> Daemon {
        let mut command = self.command();
        command.arg("relay").envs(apart(days * DAY_MS).unwrap());
        let log = self.path(&format!("relay-{days}.log"));
        let mut relay = Daemon::start("relay", &mut command, &log).unwrap();
        let is_ready = || {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            told.contains("the relay is ready")
        };
        relay.wait_until("it is ready", is_ready).unwrap();
        relay
    }

    fn doctor(&self, environment: &Environment) -> (i32, BTreeSet<String>) {
        let mut command = self.command();
        command.args(["doctor", "--json", "--least-free-megabytes", "0"]);
        let (code, named, _) = examined(&mut command, environment);
        (code, named)
    }

    #[track_caller]
    fn is_well(&self) {
        assert_eq!(self.doctor(&Vec::new()), (0, BTreeSet::new()));
    }

    /// The doctor names `check`, and nothing else.
    #[track_caller]
    fn names(&mut self, check: &str, fault: &str) {
        let found = self.doctor(&Vec::new());
        assert_eq!(found, (6, BTreeSet::from([check.to_owned()])), "{fault}");
        self.planted.add(check, fault);
    }

    #[track_caller]
    fn with_settings(&mut self, planted: (&str, &str), change: impl FnOnce(&str) -> String) {
        let before = std::fs::read_to_string(self.path("relay.toml")).unwrap();
        std::fs::write(self.path("relay.toml"), change(&before)).unwrap();
        self.names(planted.0, planted.1);
        std::fs::write(self.path("relay.toml"), before).unwrap();
    }
}

#[test]
fn the_relays_doctor_names_each_planted_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut it = Relay::set_up(folder.path());
    it.is_well();
    settings(&mut it);
    ports(&mut it);
    keys(&mut it);
    it.is_well();
    let fault = "the collector's settings do not name the relay";
    it.collector_with(|text| text.split("[[relays]]").next().unwrap().to_owned());
    it.names("collector", fault);
    it.planted.are_all_of("Of a relay");
}

fn settings(it: &mut Relay) {
    let fault = "a key that does not exist, in relay.toml";
    it.with_settings(("settings", fault), |text| format!("{text}colour = 1\n"));
    let fault = "artifacts may take more than there is";
    it.with_settings(("disk", fault), |text| {
        text.replace("most_megabytes = 1", "most_megabytes = 900000000000")
    });
    // Nor is the collector found then.
    let address = it.hospital.address();
    let before = std::fs::read_to_string(it.path("relay.toml")).unwrap();
    let unknown = before.replace(&address, "no-such-host.invalid:9443");
    std::fs::write(it.path("relay.toml"), unknown).unwrap();
    let both = ["address", "collector"].map(str::to_owned);
    assert_eq!(it.doctor(&Vec::new()), (6, BTreeSet::from(both)));
    it.planted
        .add("address", "a name in collectors that does not resolve");
    std::fs::write(it.path("relay.toml"), before).unwrap();
}

fn ports(it: &mut Relay) {
    let listen = it.listen.clone();
    let fault = "an address to listen at that this computer does not have";
    it.with_settings(("port", fault), |text| {
        text.replace(&listen, "192.0.2.1:9444")
    });
    // A relay that runs has its port itself, and no other runs beside it.
    let running = it.start(0);
    it.is_well();
    let refused = run(it.command().arg("relay")).unwrap_err().to_string();
    assert!(refused.contains("another relay runs"), "{refused}");
    drop(running);
    let other = UdpSocket::bind(&listen).unwrap();
    it.names("port", "another program has the port");
    drop(other);
}

fn keys(it: &mut Relay) {
    let (key, certificate) = (it.path("relay.key"), it.path("relay.crt"));
    let mode = |bits| std::fs::set_permissions(&key, Permissions::from_mode(bits)).unwrap();
    mode(0o644);
    it.names("keys", "the relay's key is readable by others (0644)");
    mode(0o600);
    let before = std::fs::read_to_string(&certificate).unwrap();
    std::fs::write(&certificate, "").unwrap();
    it.names("certificate", "relay.crt is empty");
    std::fs::write(&certificate, before).unwrap();
    let (code, named) = it.doctor(&apart(315 * DAY_MS).unwrap());
    assert!(code == 6 && named.contains("certificate"), "{named:?}");
    it.planted
        .add("certificate", "the relay's certificate ends within 90 days");
}

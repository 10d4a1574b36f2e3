//! Faults of the collector.

use super::{Environment, examined, hospital};
use patchward_common::time::DAY_MS;
use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::programs::Program;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

/// The checks whose faults are planted here.
pub(super) const PLANTED: [&str; 17] = [
    "settings",
    "clock",
    "keys",
    "files",
    "disk",
    "address",
    "port",
    "authority",
    "page",
    "go-key",
    "store",
    "schema",
    "audit",
    "metadata",
    "roster",
    "backup",
    "restored",
];

/// A fault that is planted, until it is dropped.
struct Collector {
    hospital: Hospital,
    planted: BTreeSet<&'static str>,
}

impl Collector {
    fn path(&self, name: &str) -> PathBuf {
        self.hospital.collector_folder().join(name)
    }

    fn doctor(&self, arguments: &[&str], environment: &Environment) -> (i32, BTreeSet<String>) {
        let mut command = Command::new(Program::Collector.path().unwrap());
        command
            .arg("--folder")
            .arg(self.hospital.collector_folder());
        command.args(["doctor", "--json"]).args(arguments);
        let (code, named, said) = examined(&mut command, environment);
        assert_eq!(code == 0, named.is_empty(), "{said}");
        (code, named)
    }

    fn is_well(&self) {
        assert_eq!(self.doctor(&[], &Vec::new()), (0, BTreeSet::new()));
    }

    /// The doctor names `check`, and alone where nothing else can be wrong.
    fn names(&mut self, check: &'static str, arguments: &[&str], environment: &Environment) {
        let (code, named) = self.doctor(arguments, environment);
        assert_eq!(code, 6, "{check}");
        assert!(named.contains(check), "{check} is not among {named:?}");
        if environment.is_empty() {
            assert_eq!(named.len(), 1, "{check}: {named:?}");
        }
        self.planted.insert(check);
    }

    /// With a file as it is made by `change`, and as it was before afterwards.
    fn with_file(&mut self, name: &str, check: &'static str, change: impl FnOnce(&str) -> String) {
        let path = self.path(name);
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(&before)).unwrap();
        self.names(check, &[], &Vec::new());
        std::fs::write(&path, before).unwrap();
    }

    /// With a change of the database past the store; the collector does not run.
    fn with_sql(&mut self, check: &'static str, sql: &'static str) {
        let path = self.path("collector.sqlite");
        let before = std::fs::read(&path).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(&path);
            let mut connection = options.connect().await.unwrap();
            let changed = sqlx::query(sql).execute(&mut connection).await.unwrap();
            assert!(changed.rows_affected() > 0, "{sql}");
            sqlx::Connection::close(connection).await.unwrap();
        });
        self.names(check, &[], &Vec::new());
        std::fs::write(&path, before).unwrap();
    }
}

#[test]
fn the_collectors_doctor_names_each_planted_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut it = Collector {
        hospital: hospital(folder.path()),
        planted: BTreeSet::new(),
    };
    it.is_well();
    files(&mut it, folder.path());
    time(&mut it);
    it.hospital.stop_collector().unwrap();
    it.is_well();
    store(&mut it);
    it.hospital.ask(&["restore", "put-back"]).unwrap();
    it.names("restored", &[], &Vec::new());
    assert_eq!(it.planted, BTreeSet::from(PLANTED));
}

/// Whoever has only just installed the package reads what to do, and not of a loss.
#[test]
fn where_there_is_no_collector_yet_the_doctor_says_that_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(Program::Collector.path().unwrap());
    command.arg("--folder").arg(folder.path());
    command.args(["doctor", "--json"]);
    let (code, named, said) = examined(&mut command, &Vec::new());
    assert_eq!((code, named), (6, BTreeSet::from(["settings".to_owned()])));
    let todo = said["findings"][0]["todo"].as_str().unwrap();
    assert!(todo.contains("patchward-collector init"), "{todo}");
}

fn files(it: &mut Collector, folder: &std::path::Path) {
    it.with_file("collector.toml", "settings", |text| {
        format!("web_certificate = \"/x\"\n{text}")
    });
    let address = it.hospital.address();
    it.with_file("collector.toml", "address", |text| {
        let (before, after) = text.split_once("addresses").unwrap();
        let after = after.replacen(&address, "no-such-host.invalid:9443", 1);
        format!("{before}addresses{after}")
    });
    it.with_file("collector.toml", "files", |text| {
        let mail = "smtp_server = \"127.0.0.1:25\"\nsmtp_from = \"a@b\"\nsmtp_user = \"a\"";
        format!("{mail}\nsmtp_password_file = \"/nowhere/password\"\n{text}")
    });
    let (certificate, key) = (folder.join("page.crt"), folder.join("page.key"));
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    std::fs::write(&certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    it.with_file("collector.toml", "page", |text| {
        format!("web_certificate = {certificate:?}\nweb_key = {key:?}\n{text}")
    });
    it.with_file("ca/ca.crt", "authority", |_| "nothing".into());
    let key = it.path("go.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    it.names("keys", &[], &Vec::new());
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&key, folder.join("aside")).unwrap();
    it.names("go-key", &[], &Vec::new());
    std::fs::rename(folder.join("aside"), &key).unwrap();
    it.names(
        "disk",
        &["--least-free-megabytes", "9999999999"],
        &Vec::new(),
    );
    let backups = folder.join("backups");
    std::fs::rename(&backups, folder.join("aside")).unwrap();
    std::fs::create_dir(&backups).unwrap();
    it.names("backup", &[], &Vec::new());
    std::fs::remove_dir(&backups).unwrap();
    std::fs::rename(folder.join("aside"), &backups).unwrap();
    it.is_well();
}

/// What comes with time, or with a clock that was set wrong.
fn time(it: &mut Collector) {
    it.names("clock", &[], &apart(-10 * DAY_MS).unwrap());
    it.names("metadata", &[], &apart(29 * DAY_MS).unwrap());
    it.names("roster", &[], &apart(70 * DAY_MS).unwrap());
}

fn store(it: &mut Collector) {
    let listen = it.hospital.address();
    let other = UdpSocket::bind(listen).unwrap();
    it.names("port", &[], &Vec::new());
    drop(other);
    it.with_sql("audit", "UPDATE audit SET actor = 'nobody' WHERE seq = 2");
    it.with_sql(
        "schema",
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99999, 'later', 1, x'00', 0)",
    );
    let path = it.path("collector.sqlite");
    let before = std::fs::read(&path).unwrap();
    let mut damaged = before.clone();
    // All but the header: the file is one of SQLite, and what stands in it is not.
    damaged[200..].fill(0x5a);
    std::fs::write(&path, damaged).unwrap();
    it.names("store", &[], &Vec::new());
    std::fs::write(&path, before).unwrap();
    it.is_well();
}

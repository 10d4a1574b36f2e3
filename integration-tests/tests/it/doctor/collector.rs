//! Faults of the collector.

use super::{Environment, Planted, examined, give_away, hospital, take_back};
use patchward_common::time::DAY_MS;
use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::programs::Program;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A collector in which one fault after another is planted, and taken away again.
struct Collector {
    hospital: Hospital,
    planted: Planted,
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

    #[track_caller]
    fn is_well(&self) {
        assert_eq!(self.doctor(&[], &Vec::new()), (0, BTreeSet::new()));
    }

    /// The doctor names `check`, and nothing else.
    #[track_caller]
    fn names(&mut self, check: &str, fault: &str) {
        self.names_with(check, fault, &[]);
    }

    #[track_caller]
    fn names_with(&mut self, check: &str, fault: &str, arguments: &[&str]) {
        let found = self.doctor(arguments, &Vec::new());
        assert_eq!(found, (6, BTreeSet::from([check.to_owned()])), "{fault}");
        self.planted.add(check, fault);
    }

    /// With the clock so many days from now; other things may be wrong by it.
    #[track_caller]
    fn names_at(&mut self, check: &str, fault: &str, days: i64) {
        let (code, named) = self.doctor(&[], &apart(days * DAY_MS).unwrap());
        assert_eq!(code, 6, "{fault}");
        assert!(named.contains(check), "{check} is not among {named:?}");
        self.planted.add(check, fault);
    }

    /// With a file as it is made by `change`, and as it was before afterwards.
    #[track_caller]
    fn with_file(
        &mut self,
        name: &str,
        (check, fault): (&str, &str),
        change: impl FnOnce(&str) -> String,
    ) {
        let path = self.path(name);
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(&before)).unwrap();
        self.names(check, fault);
        std::fs::write(&path, before).unwrap();
    }

    /// With these lines before all others of the settings.
    #[track_caller]
    fn with_settings(&mut self, planted: (&str, &str), lines: &str) {
        self.with_file("collector.toml", planted, |text| format!("{lines}\n{text}"));
    }

    #[track_caller]
    fn with_mode(&mut self, path: &Path, planted: (&str, &str), mode: u32) {
        let before = path.metadata().unwrap().permissions();
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        self.names(planted.0, planted.1);
        std::fs::set_permissions(path, before).unwrap();
    }

    /// With a change of the database past the store; the collector does not run.
    #[track_caller]
    fn with_sql(&mut self, planted: (&str, &str), sql: &'static str) {
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
        self.names(planted.0, planted.1);
        std::fs::write(&path, before).unwrap();
    }
}

#[test]
fn the_collectors_doctor_names_each_planted_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut it = Collector {
        hospital: hospital(folder.path()),
        planted: Planted::default(),
    };
    it.is_well();
    not_yet(&mut it);
    settings(&mut it);
    keys(&mut it, folder.path());
    pages(&mut it, folder.path());
    backups(&mut it, folder.path());
    it.is_well();
    it.hospital.stop_collector().unwrap();
    it.is_well();
    time(&mut it);
    ports(&mut it);
    store(&mut it);
    damage(&mut it);
    it.is_well();
    it.hospital.ask(&["restore", "put-back"]).unwrap();
    let fault = "the collector was put back and nobody has confirmed it";
    it.names("restored", fault);
    it.planted.are_all_of("Of the collector");
}

/// Whoever has only just installed the package reads what to do, and not of a loss.
fn not_yet(it: &mut Collector) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(Program::Collector.path().unwrap());
    command.arg("--folder").arg(folder.path());
    command.args(["doctor", "--json"]);
    let (code, named, said) = examined(&mut command, &Vec::new());
    assert_eq!((code, named), (6, BTreeSet::from(["settings".to_owned()])));
    let todo = said["findings"][0]["todo"].as_str().unwrap();
    assert!(todo.contains("patchward-collector init"), "{todo}");
    it.planted.add("settings", "there is no collector yet");
}

fn settings(it: &mut Collector) {
    let fault = "settings that contradict each other: web_certificate without web_key";
    it.with_settings(("settings", fault), "web_certificate = \"/x\"");
    it.with_settings(("settings", "a key that does not exist"), "colour = 1");
    let address = it.hospital.address();
    let unknown = ("address", "a name in addresses that does not resolve");
    it.with_file("collector.toml", unknown, |text| {
        let (before, after) = text.split_once("addresses").unwrap();
        let after = after.replacen(&address, "no-such-host.invalid:9443", 1);
        format!("{before}addresses{after}")
    });
    let mail = "smtp_server = \"127.0.0.1:25\"\nsmtp_from = \"a@b\"\nsmtp_user = \"a\"";
    let missing = "a password's file that the settings name is not there";
    let lines = format!("{mail}\nsmtp_password_file = \"/nowhere/password\"");
    it.with_settings(("files", missing), &lines);
    let less = ["--least-free-megabytes", "9999999999"];
    it.names_with("disk", "less is free than should be", &less);
    let artifacts = it.path("artifacts");
    let closed = "the folder of artifacts may not be written (0500)";
    it.with_mode(&artifacts, ("folders", closed), 0o500);
}

fn keys(it: &mut Collector, folder: &Path) {
    let (key, aside) = (it.path("go.key"), folder.join("aside"));
    let fault = "the go-key is readable by others (0640)";
    it.with_mode(&key, ("keys", fault), 0o640);
    let own = it.hospital.collector_folder();
    let fault = "others may enter the collector's folder (0755)";
    it.with_mode(&own, ("keys", fault), 0o755);
    std::fs::rename(&key, &aside).unwrap();
    it.names("go-key", "the go-key is not there");
    // The key of a person, which no roster names as one of a collector.
    std::fs::copy(it.hospital.people().join("ada.pem"), &key).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    it.names("go-key", "the roster does not name the go-key");
    std::fs::rename(&aside, &key).unwrap();
    let damaged = ("authority", "the certificate authority's file is damaged");
    it.with_file("ca/ca.crt", damaged, |_| "nothing".into());
    let stray = it.path("stray");
    std::fs::write(&stray, "").unwrap();
    give_away(&stray);
    it.names("owner", "a file of another user than the folder's");
    std::fs::remove_file(&stray).unwrap();
}

fn pages(it: &mut Collector, folder: &Path) {
    let (certificate, key) = (folder.join("page.crt"), folder.join("page.key"));
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    std::fs::write(&certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let lines = format!("web_certificate = {certificate:?}\nweb_key = {key:?}");
    it.with_settings(("page", "the page's certificate has ended"), &lines);
    std::fs::write(&certificate, "nothing").unwrap();
    it.with_settings(("page", "the page's certificate is damaged"), &lines);
}

fn backups(it: &mut Collector, folder: &Path) {
    let (backups, aside) = (folder.join("backups"), folder.join("aside"));
    std::fs::rename(&backups, &aside).unwrap();
    std::fs::create_dir(&backups).unwrap();
    it.names("backup", "there is no backup");
    std::fs::remove_dir(&backups).unwrap();
    std::fs::rename(&aside, &backups).unwrap();
    // As `mkdir` by root leaves it.
    let before = backups.metadata().unwrap().permissions();
    std::fs::set_permissions(&backups, Permissions::from_mode(0o755)).unwrap();
    give_away(&backups);
    let fault = "the folder of backups belongs to another user (0755)";
    it.names("folders", fault);
    take_back(&backups);
    std::fs::set_permissions(&backups, before).unwrap();
    let none = ("backup", "no folder of backups is set");
    it.with_file("collector.toml", none, |text| {
        let lines = text.lines();
        let others = lines.filter(|line| !line.starts_with("backup_folder"));
        others.map(|line| format!("{line}\n")).collect()
    });
}

/// What comes with time, or with a clock that was set wrong.
fn time(it: &mut Collector) {
    let late = [
        ("clock", "the clock was set back by ten days", -10),
        ("backup", "the newest backup is older than 36 hours", 2),
        ("metadata", "a vendor's metadata ends within three days", 29),
        ("roster", "the roster ends within 14 days", 70),
        ("charter", "the charter ends within 14 days", 355),
        (
            "authority",
            "the certificate authority ends within 14 days",
            20 * 365 - 10,
        ),
    ];
    for (check, fault, days) in late {
        it.names_at(check, fault, days);
    }
}

/// The collector does not run.
fn ports(it: &mut Collector) {
    let listen = it.hospital.address();
    let other = UdpSocket::bind(&listen).unwrap();
    it.names("port", "another program has the UDP port");
    drop(other);
    let other = TcpListener::bind(&listen).unwrap();
    let taken = ("port", "another program has the TCP port of listen_tcp");
    it.with_file("collector.toml", taken, |text| {
        let others = text.lines().filter(|line| !line.starts_with("listen_tcp"));
        let others: String = others.map(|line| format!("{line}\n")).collect();
        format!("listen_tcp = true\n{others}")
    });
    drop(other);
}

fn store(it: &mut Collector) {
    it.with_sql(
        ("audit", "a row of the audit log was changed"),
        "UPDATE audit SET actor = 'nobody' WHERE seq = 2",
    );
    it.with_sql(
        ("schema", "a newer program has served the database"),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99999, 'later', 1, x'00', 0)",
    );
    it.with_sql(
        ("store", "the database is another collector's"),
        "UPDATE meta SET value = 'another' WHERE key = 'collector'",
    );
    it.with_sql(
        ("collectors", "a collector on this database is silent"),
        "INSERT INTO collectors (id, host, address, version, started_at, beat, beat_at, connected,
                                 reach)
         VALUES ('a', 'h', '127.0.0.1:1', '1', 0, 1, 0, 0, '')",
    );
    it.with_sql(
        (
            "collectors",
            "collectors of different versions run on this database",
        ),
        "INSERT INTO collectors (id, host, address, version, started_at, beat, beat_at, connected,
                                 reach)
         SELECT version, 'h', '127.0.0.1:1', version, 0, 1,
                CAST(strftime('%s', 'now') AS INTEGER) * 1000, 0, ''
         FROM (SELECT '1' AS version UNION ALL SELECT '2')",
    );
}

fn damage(it: &mut Collector) {
    let path = it.path("collector.sqlite");
    let before = std::fs::read(&path).unwrap();
    let mut damaged = before.clone();
    // All but the header: the file is one of SQLite, and what stands in it is not.
    damaged[200..].fill(0x5a);
    std::fs::write(&path, damaged).unwrap();
    it.names("store", "the database is damaged");
    std::fs::write(&path, before).unwrap();
}

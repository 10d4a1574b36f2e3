//! Doctors find each planted fault and name it, in a hospital in a folder; in one that is well they
//! find nothing. The tables of `docs/operations.md` say what the operator sees and does.

mod collector;
mod machine;
mod relay;
mod told;

use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::process::run;
use patchward_integration_tests::vendor::tree_release;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const STATION: &str = "station";

/// What the processes of a doctor find in their environment.
type Environment = Vec<(&'static str, PathBuf)>;

/// A hospital with a machine, a release, and a backup.
fn hospital(folder: &Path) -> Hospital {
    let mut hospital = Hospital::found(folder, &["icu"], &["viewer"]).unwrap();
    let row = Row::plain(STATION, "icu");
    hospital.add_machine(row).unwrap();
    hospital.assign().unwrap();
    let (release, bytes) = tree_release("viewer", "1.0", 1, &[("viewer", b"1")]).unwrap();
    hospital.vendor.publish(&release, &[&bytes], now()).unwrap();
    hospital.import().unwrap();
    let settings = hospital.collector_folder().join("collector.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let backups = folder.join("backups");
    std::fs::write(&settings, format!("backup_folder = {backups:?}\n{text}")).unwrap();
    hospital.ask(&["backup", "make"]).unwrap();
    hospital
}

/// Runs a doctor: its exit code, the checks that found something, and all that it said.
fn examined(command: &mut Command, environment: &Environment) -> (i32, BTreeSet<String>, Value) {
    let output = command.envs(environment.iter().cloned()).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let named = said["findings"].as_array().into_iter().flatten();
    let named = named.chain(
        said["checks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|check| {
                // The machine's doctor tells of what is well too.
                check["ok"] == false
            }),
    );
    let named: BTreeSet<String> = named
        .map(|found| {
            for part in ["matters", "todo"] {
                assert!(
                    !found[part].as_str().unwrap_or_default().is_empty(),
                    "{found}"
                );
            }
            found["check"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(said["well"], named.is_empty(), "{said}");
    (output.status.code().unwrap(), named, said)
}

/// The faults of one table for operators: the check that finds it, and what is planted.
fn table(heading: &str) -> BTreeSet<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let mut parts = page.split("\n### ");
    let part = parts.find(|part| part.starts_with(heading)).unwrap();
    let part = part.split("\n## ").next().unwrap();
    let mut faults = BTreeSet::new();
    for row in part.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [check, fault, sees, does] = cells[..] else {
            panic!("{row}");
        };
        assert!(!sees.is_empty() && !does.is_empty(), "{row}");
        let plain = |cell: &str| cell.replace('`', "");
        assert!(faults.insert((plain(check), plain(fault))), "twice: {row}");
    }
    faults
}

/// What was planted in real programs, and found.
#[derive(Debug, Default)]
struct Planted(BTreeSet<(String, String)>);

impl Planted {
    fn add(&mut self, check: &str, fault: &str) {
        let is_new = self.0.insert((check.to_owned(), fault.to_owned()));
        assert!(is_new, "{check}: {fault} was planted twice");
    }

    /// No row of the table stands there that was not planted, and none is missing.
    #[track_caller]
    fn are_all_of(&self, heading: &str) {
        assert_eq!(self.0, table(heading));
    }
}

/// Gives a file to another user.
fn give_away(path: &Path) {
    give(path, 65_534);
}

/// Takes back what was given away.
fn take_back(path: &Path) {
    give(path, rustix::process::geteuid().as_raw());
}

/// Makes a file a user's, which root alone may.
fn give(path: &Path, user: u32) {
    if std::os::unix::fs::chown(path, Some(user), None).is_err() {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "chown", &user.to_string()]);
        run(sudo.arg(path)).expect("a file is given away by root, or by whom sudo asks nothing");
    }
}

/// Each table is compared with what its test has planted when that test ends; here, that there are
/// enough of them.
#[test]
fn every_planted_fault_stands_in_the_table() {
    for (heading, checks, faults) in [
        ("Of the collector", 20, 30),
        ("Of a machine", 20, 28),
        ("Of a relay", 7, 9),
    ] {
        let table = table(heading);
        let names: BTreeSet<&String> = table.iter().map(|(check, _)| check).collect();
        assert!(names.len() >= checks, "{heading}: {names:?}");
        assert!(table.len() >= faults, "{heading}: {}", table.len());
    }
}

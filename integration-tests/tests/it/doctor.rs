//! Both doctors find each planted fault and name it, in a hospital in a folder; in one that is
//! well they find nothing. `docs/doctor.md` says what the operator sees.

mod collector;
mod machine;

use patchward_integration_tests::hospital::{Hospital, Row, now};
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

/// Every check that a test here plants a fault for stands in the table for operators.
#[test]
fn every_planted_fault_stands_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/doctor.md")).unwrap();
    let rows = |heading: &str| {
        let part = page
            .split("\n## ")
            .find(|part| part.starts_with(heading))
            .unwrap();
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split('`').next().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let planted = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let (collector, machine) = (planted(&collector::PLANTED), planted(&machine::PLANTED));
    assert!(collector.len() >= 10 && machine.len() >= 10);
    assert!(
        rows("Of the collector").is_superset(&collector),
        "{collector:?}"
    );
    assert!(rows("Of a machine").is_superset(&machine), "{machine:?}");
}

//! What ends is told by the logs of the programs themselves.

use super::hospital;
use super::relay::Relay;
use patchward_common::time::DAY_MS;
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::process::{Daemon, wait_until};
use patchward_integration_tests::programs::Program;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Waits for a line of a log in JSON that has all of these fields.
#[track_caller]
fn tells(log: &Path, fields: &[(&str, Value)]) {
    let waited = wait_until(&format!("the log tells {fields:?}"), || {
        let told = std::fs::read_to_string(log).unwrap_or_default();
        let mut lines = told.lines().filter_map(|line| {
            let read: Result<Value, _> = serde_json::from_str(line);
            read.ok()
        });
        lines.any(|line| fields.iter().all(|(name, value)| line[*name] == *value))
    });
    waited.unwrap_or_else(|error| {
        let told = std::fs::read_to_string(log).unwrap_or_default();
        panic!("{error}\n{told}")
    });
}

/// A relay tells of its certificate at each step, louder the nearer the end is.
#[test]
fn a_relays_log_tells_of_its_certificates_end() {
    let folder = tempfile::tempdir().unwrap();
    let it = Relay::set_up(folder.path());
    let log = |days: i64| folder.path().join(format!("relay/relay-{days}.log"));
    // It counts for 400 days.
    for (at, days, level) in [(311, 90, "INFO"), (371, 30, "WARN"), (394, 7, "WARN")] {
        let running = it.start(at);
        let fields: [(&str, Value); 3] = [
            ("message", "the certificate ends soon".into()),
            ("level", level.into()),
            ("days", days.into()),
        ];
        tells(&log(at), &fields);
        drop(running);
    }
    let running = it.start(401);
    let ended: [(&str, Value); 2] = [
        ("message", "the certificate has ended".into()),
        ("level", "ERROR".into()),
    ];
    tells(&log(401), &ended);
    drop(running);
}

/// A vendor's metadata lives for 30 days here, and is told of when three are left, and when it has
/// ended.
#[test]
fn the_collectors_log_tells_of_a_vendors_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = hospital(folder.path());
    hospital.stop_collector().unwrap();
    let settings = hospital.collector_folder().join("collector.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let others = text.lines().filter(|line| !line.starts_with("log "));
    let others: String = others.map(|line| format!("{line}\n")).collect();
    std::fs::write(&settings, format!("log = \"json\"\n{others}")).unwrap();
    for (at, message, level) in [(29, "it ends soon", "WARN"), (31, "it has ended", "ERROR")] {
        let mut command = Command::new(Program::Collector.path().unwrap());
        command.arg("--folder").arg(hospital.collector_folder());
        command.arg("serve").envs(apart(at * DAY_MS).unwrap());
        let log = folder.path().join(format!("collector-{at}.log"));
        let running = Daemon::start("collector", &mut command, &log).unwrap();
        let fields: [(&str, Value); 4] = [
            ("message", message.into()),
            ("level", level.into()),
            ("what", "vendor_metadata".into()),
            ("subject", "acme".into()),
        ];
        tells(&log, &fields);
        running.terminate().unwrap();
    }
}

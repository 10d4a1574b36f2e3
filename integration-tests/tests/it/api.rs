//! The API, asked by programs that are not ours.

use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::python;
use std::process::Command;

const UNITS: [&str; 2] = ["icu", "theatre"];

#[test]
fn programs_ask_for_what_they_may_and_for_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found_with_page(folder.path(), &UNITS, &[]).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/api/ask.py");
    let output = Command::new(python::API.program().unwrap())
        .arg(script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PAGE", &hospital.page().unwrap().address)
        .env("HOSPITAL", hospital.folder())
        .env("COLLECTOR", Program::Collector.path().unwrap())
        .output();
    passed(output.unwrap());
}

/// What the description promises is kept, for whatever follows from it.
#[test]
fn the_api_is_what_its_description_says() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found_with_page(folder.path(), &UNITS, &[]).unwrap();
    let add = [
        "--json",
        "program",
        "add",
        "schemathesis",
        "--scope",
        "decide",
        "--role",
        "operator",
        "--role",
        "approver",
        "--role",
        "security",
        "--role",
        "auditor",
    ];
    let added: serde_json::Value = serde_json::from_str(&hospital.ask(&add).unwrap()).unwrap();
    let token = added["token"].as_str().unwrap();
    let page = &hospital.page().unwrap().address;
    let output = Command::new(python::API.program().unwrap())
        .current_dir(folder.path())
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("{page}/api/v1/openapi.json"))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        // The page's certificate is of the collector's own authority.
        .args(["--tls-verify", "false"])
        // What a field means beyond its type no schema says: a name that is nobody's is refused.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--exclude-path", "/events"])
        .args(["--phases", "coverage,fuzzing", "--max-examples", "10"])
        .args(["--workers", "2", "--seed", "20261127", "--no-color"])
        .args(["--continue-on-failure", "--request-timeout", "30"])
        .output();
    passed(output.unwrap());
}

fn passed(output: std::process::Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

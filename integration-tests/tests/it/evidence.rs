//! Evidence through the real programs: packs and archives that verify with nothing but the
//! hospital root, and every damage found.

mod damage;
mod hostile;

use patchward_common::digest::Digest;
use patchward_integration_tests::bench;
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::vendor::tree_release;
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

const UNIT: &str = "icu";
const OTHER: &str = "theatre";

/// A hospital with two units, one machine in each, and version 4.2 verified on both.
struct Scene {
    // Dropped first: its processes end before their folder goes.
    hospital: Hospital,
    root: String,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut hospital = Hospital::found(folder.path(), &[UNIT, OTHER], &["viewer"]).unwrap();
        let row = |(name, unit): (&str, &str)| Row::plain(name, unit);
        let places = [("icu-1", UNIT), ("theatre-1", OTHER)];
        hospital.add_machines(places.map(row).into()).unwrap();
        hospital.assign().unwrap();
        for unit in [UNIT, OTHER] {
            let name = format!("tonight-{unit}");
            let window = ["window", "once", &name, "--unit", unit, "--minutes", "180"];
            hospital.ask(&window).unwrap();
        }
        let files = [("viewer", &b"#!/bin/sh\necho viewer 4.2\n"[..])];
        let (release, bytes) = tree_release("viewer", "4.2", 1, &files).unwrap();
        hospital.vendor.publish(&release, &[&bytes], now()).unwrap();
        hospital.import().unwrap();
        let chosen = ["--machine", "icu-1", "--machine", "theatre-1"];
        let paced = ["--soak-seconds", "1", "--canaries", "9"];
        let plan = [
            &["Viewer 4.2", "--release", "viewer=4.2"][..],
            &chosen,
            &paced,
        ]
        .concat();
        let (plan, _) = hospital.plan(&plan).unwrap();
        hospital.approve(&plan, &["ada", "ben"]).unwrap();
        for (machine, _) in places {
            hospital.wait_for_job(&plan, machine, "verified").unwrap();
        }
        let root = hospital.root_fingerprint().unwrap();
        Self {
            hospital,
            root,
            _folder: folder,
        }
    }

    /// Where a file of the auditor's lies.
    fn path(&self, name: &str) -> PathBuf {
        self.hospital.people().join(name)
    }

    /// Has the collector write a file, and gives back what it says.
    fn written(&self, name: &str, arguments: &[&str]) -> String {
        let out = self.path(name).to_string_lossy().into_owned();
        let command = [&["evidence"], arguments, &["--out", &out]].concat();
        self.hospital.ask(&command).unwrap()
    }

    fn verified(&self, name: &str) -> Result<String, String> {
        let arguments = ["verify-evidence", name, "--root", &self.root];
        self.hospital
            .sign(&arguments)
            .map_err(|error| format!("{error:#}"))
    }

    /// What a program reads of it.
    fn report(&self, name: &str) -> Value {
        let arguments = ["verify-evidence", name, "--root", &self.root, "--json"];
        serde_json::from_str(&self.hospital.sign(&arguments).unwrap()).unwrap()
    }
}

fn has(bytes: &[u8], what: &str) -> bool {
    let what = what.as_bytes();
    bytes.windows(what.len()).any(|one| one == what)
}

/// The year now, as people name it.
fn year() -> String {
    now().to_string().chars().take(4).collect()
}

#[test]
fn an_auditor_takes_packs_and_papers_away_and_verifies_them() {
    let mut scene = Scene::new();
    let year = year();
    // Of one unit and one time.
    let chosen = ["--unit", UNIT, "--during", &year];
    scene.written("icu.pack", &[&["export"][..], &chosen].concat());
    let shown = scene.verified("icu.pack").unwrap();
    assert!(
        shown.contains("1 of 1 jobs are proved. No findings."),
        "{shown}"
    );
    assert!(
        shown.contains("icu-1") && !shown.contains("theatre-1"),
        "{shown}"
    );
    let content = scene.report("icu.pack")["content"]
        .as_str()
        .unwrap()
        .to_owned();
    // Paper and table repeat it, and name it.
    scene.written("icu.pdf", &[&["report"][..], &chosen].concat());
    let paper = std::fs::read(scene.path("icu.pdf")).unwrap();
    for what in [
        "%PDF-1.7",
        &content,
        &scene.root,
        "(icu-1)",
        "viewer absent -> viewer 4.2",
        "signed by the vendor",
        "Ada, HTM, Ben, HTM",
        "measured and signed by",
        "page 1 of 1",
    ] {
        assert!(has(&paper, what), "{what}");
    }
    assert!(!has(&paper, "theatre-1"));
    scene.written("icu.csv", &[&["table"][..], &chosen].concat());
    let table = std::fs::read_to_string(scene.path("icu.csv")).unwrap();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(
        table.contains(",icu-1,icu,standard,Viewer 4.2,viewer 4.2,"),
        "{table}"
    );
    // Of a release, of a machine, of both.
    scene.written("release.pack", &["export", "--release", "viewer=4.2"]);
    assert_eq!(
        scene.report("release.pack")["jobs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let both = [
        "export",
        "--release",
        "viewer=4.2",
        "--machine",
        "theatre-1",
    ];
    let refused = scene.hospital.ask(&[
        "evidence",
        "list",
        &report_job(&scene, "icu-1"),
        "--machine",
        "theatre-1",
    ]);
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.contains("No job is chosen by"), "{refused}");
    scene.written("both.pack", &both);
    let report = scene.report("both.pack");
    assert_eq!(report["jobs"][0]["name"], "theatre-1");
    assert_eq!(report["jobs"].as_array().unwrap().len(), 1);
    for nothing in [
        ["evidence", "list", "--during", "1999"],
        ["evidence", "list", "--release", "viewer=9"],
    ] {
        let refused = format!("{:#}", scene.hospital.ask(&nothing).unwrap_err());
        assert!(refused.contains("No job is chosen by"), "{refused}");
    }
    heads_are_known_to_machines(&mut scene);
}

/// The job of a machine in the pack of the release.
fn report_job(scene: &Scene, machine: &str) -> String {
    let report = scene.report("release.pack");
    let jobs = report["jobs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["name"] == machine).unwrap();
    job["job"].as_str().unwrap().to_owned()
}

/// A machine notes a head of the audit log, which the log still has.
fn heads_are_known_to_machines(scene: &mut Scene) {
    let status = ["status", "--json"];
    let machine = scene.hospital.machine("icu-1").unwrap();
    let mut head = String::new();
    patchward_integration_tests::process::wait_until("a head is noted", || {
        let said = machine.ask_agent(&status).unwrap_or_default();
        let said: Value = serde_json::from_str(&said).unwrap_or_default();
        head = said["audit_heads"][0]["hash"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        !head.is_empty()
    })
    .unwrap();
    let whole = scene
        .hospital
        .ask_json(&["audit", "verify", "--head", &head])
        .unwrap();
    assert_eq!(whole["intact"], true);
    assert!(whole["noted_row"].as_u64() < whole["rows"].as_u64());
    let never = Digest([7; 32]).to_string();
    let refused = scene.hospital.ask(&["audit", "verify", "--head", &never]);
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(
        refused.contains("No row of this log has the hash"),
        "{refused}"
    );
}

/// The benchmark, small: it measures something only where all of it is proved.
#[tokio::test]
async fn a_pack_of_the_benchmark_is_proved() {
    let report = bench::evidence::run(3).await.unwrap();
    assert_eq!(report.word, "evidence");
}

//! What `cargo demo` does and says. Each step checks what it says before it says it.

pub mod registrar;
mod script;
mod training;

pub use training::Links;

use crate::hospital::{Hospital, Row, now};
use crate::process::wait_until;
use crate::programs::Program;
use crate::vendor::tree_release;
use anyhow::{Context as _, ensure};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use script::Script;
use std::path::Path;

/// The unit of the demo.
const UNIT: &str = "reading-room-2";
/// Its coverage group: five stations, one of which must stay ready.
const GROUP: &str = "stations";
/// The vendor's product.
const PRODUCT: &str = "viewer";
/// The check that the vendor asks for after an install.
const CHECK: &str = "viewer-works";
/// How long the second wave waits for the canary: several times what an install takes.
const SOAK_SECONDS: &str = "20";
/// The stations that are patched. The third fails its check.
const STATIONS: [&str; 4] = ["station-1", "station-2", "station-3", "station-4"];
/// A station that only reports, and stays ready for patients meanwhile.
const OBSERVED: &str = "station-5";

/// Runs the demo in an empty folder and gives back the hospital, still running; where it stays,
/// with the links of those who come to look.
pub fn run(folder: &Path, stays: bool) -> anyhow::Result<(Hospital, Option<Links>)> {
    let mut script = Script::new();
    built(&mut script)?;
    let mut hospital = founded(&mut script, folder)?;
    enrolled(&mut script, &mut hospital)?;
    first_version(&mut script, &mut hospital)?;
    rollout(&mut script, &mut hospital)?;
    hostile(&mut script, &mut hospital)?;
    evidence(&mut script, &mut hospital)?;
    let links = stays
        .then(|| training::prepared(&mut script, &mut hospital))
        .transpose()?;
    script.says("Done: everything above happened as it says.");
    Ok((hospital, links))
}

/// Builds what the demo runs, under a name of its own: it is the most of a first run.
fn built(script: &mut Script) -> anyhow::Result<()> {
    println!("Building the programs; the first time this takes minutes.");
    Program::Collector.path()?;
    script.says("The programs are built. Seconds are counted anew from here.");
    script.begins_again();
    Ok(())
}

fn founded(script: &mut Script, folder: &Path) -> anyhow::Result<Hospital> {
    println!("\nA hospital in {}", folder.display());
    let hospital = Hospital::found_with_page(folder, &[UNIT], &[PRODUCT])?;
    script.says("A collector runs; root, charter and roster are signed away from it.");
    script.shows(&hospital.ask(&["document", "list"])?);
    hospital.ask(&[
        "group",
        "add",
        GROUP,
        "--unit",
        UNIT,
        "--minimum-ready",
        "1",
    ])?;
    Ok(hospital)
}

fn enrolled(script: &mut Script, hospital: &mut Hospital) -> anyhow::Result<()> {
    let station = |name: &str, mode| {
        // The third station's check always fails.
        let answer = if name == STATIONS[2] {
            "/bin/false"
        } else {
            "/bin/true"
        };
        let check = format!("kind = \"command\"\npurpose = \"ready\"\nargv = [\"{answer}\"]\n");
        Row {
            name: name.into(),
            unit: UNIT.into(),
            class: Class::Standard,
            groups: vec![GROUP.into()],
            mode,
            probes: vec![(CHECK.into(), check)],
        }
    };
    let mut rows: Vec<Row> = STATIONS
        .iter()
        .map(|name| station(name, Mode::Active))
        .collect();
    rows.push(station(OBSERVED, Mode::Observe));
    hospital.add_machines(rows)?;
    // The canary is the most representative: never the one of another model.
    let old = ("workstation-2015", STATIONS[2]);
    hospital.models.insert(old.1.into(), old.0.into());
    hospital.assign()?;
    script.says("Five machines are pinned, enrolled over QUIC, and assigned by two approvers.");
    script.shows(&hospital.ask(&["machine", "list"])?);
    let components = hospital.ask_json(&["machine", "components", STATIONS[0]])?;
    let count = components.as_array().map_or(0, Vec::len);
    ensure!(count > 0, "station-1 reports nothing");
    script.says(&format!(
        "They report what is really installed on this computer: {count} components."
    ));
    Ok(())
}

/// Publishes a version, takes it in, and plans it on `arguments`.
fn planned(
    script: &mut Script,
    hospital: &mut Hospital,
    version: &str,
    counter: u64,
    arguments: &[&str],
) -> anyhow::Result<String> {
    let program = format!("#!/bin/sh\necho viewer {version}\n");
    let (mut release, bytes) =
        tree_release(PRODUCT, version, counter, &[("viewer", program.as_bytes())])?;
    if counter > 1 {
        release.checks_after = vec![patchward_common::id::Name::new(CHECK)?];
    }
    hospital.vendor.publish(&release, &[&bytes], now())?;
    let said = hospital.import()?;
    script.says(&format!(
        "The vendor signed {PRODUCT} {version}; the collector verified and mirrored it."
    ));
    script.shows(&said);
    let title = format!("Viewer {version}");
    let chosen = format!("{PRODUCT}={version}");
    let base = [
        title.as_str(),
        "--release",
        &chosen,
        "--soak-seconds",
        SOAK_SECONDS,
        "--days",
        "1",
        "--failure-limit",
        "3",
    ];
    let (plan, shown) = hospital.plan(&[&base[..], arguments].concat())?;
    script.says("The plan is written out in full: waves, machines, slots.");
    script.shows(&shown);
    Ok(plan)
}

fn signed(script: &mut Script, hospital: &Hospital, plan: &str) -> anyhow::Result<()> {
    let shown = hospital.approve(plan, &["ada"])?;
    script.says("HTM sees it decoded and checked by patchward-sign, and signs.");
    script.shows(&shown);
    Ok(())
}

fn first_version(script: &mut Script, hospital: &mut Hospital) -> anyhow::Result<()> {
    hospital.ask(&[
        "window",
        "once",
        "tonight",
        "--unit",
        UNIT,
        "--minutes",
        "180",
    ])?;
    let machines = STATIONS.iter().flat_map(|name| ["--machine", *name]);
    let arguments: Vec<&str> = machines.chain(["--canaries", "4"]).collect();
    let plan = planned(script, hospital, "4.2.0", 1, &arguments)?;
    signed(script, hospital, &plan)?;
    for name in STATIONS {
        hospital.wait_for_job(&plan, name, "verified")?;
        let found = hospital.machine(name)?.tree_version(PRODUCT);
        ensure!(found.as_deref() == Some("4.2.0"), "{name} has {found:?}");
    }
    script.says("Each of the four had four consents, installed 4.2.0 and measured it.");
    script.shows(&hospital.ask(&["rollout", "show", &plan])?);
    Ok(())
}

fn rollout(script: &mut Script, hospital: &mut Hospital) -> anyhow::Result<()> {
    let arguments = ["--unit", UNIT, "--canaries", "1", "--growth", "3"];
    let plan = planned(script, hospital, "4.2.1", 2, &arguments)?;
    let canary = canary(hospital, &plan)?;
    let fails = STATIONS[2];
    let others = STATIONS
        .iter()
        .filter(|name| **name != canary && **name != fails);
    let used = *others
        .clone()
        .next()
        .context("a station of the second wave")?;
    hospital.machine(used)?.set_in_use(true)?;
    signed(script, hospital, &plan)?;
    hospital.wait_for_job(&plan, &canary, "verified")?;
    for name in STATIONS.iter().filter(|name| **name != canary) {
        let (state, _) = hospital.job(&plan, name)?;
        ensure!(
            state != "verified",
            "{name} went before the canary {canary}"
        );
    }
    script.says(&format!(
        "The canary, {canary}, goes first and is verified."
    ));
    let why = hospital.wait_for_job(&plan, used, "deferred")?;
    script.says(&format!("{used} is in use: nothing starts there ({why})."));
    let why = hospital.wait_for_job(&plan, fails, "rolled_back")?;
    let found = hospital.machine(fails)?.tree_version(PRODUCT);
    ensure!(found.as_deref() == Some("4.2.0"), "{fails} has {found:?}");
    script.says(&format!(
        "{fails} failed its check and went back to 4.2.0 ({why})."
    ));
    hospital.machine(used)?.set_in_use(false)?;
    for name in others {
        hospital.wait_for_job(&plan, name, "verified")?;
        let found = hospital.machine(name)?.tree_version(PRODUCT);
        ensure!(found.as_deref() == Some("4.2.1"), "{name} has {found:?}");
    }
    script.says(&format!(
        "The others are verified; {used} as soon as it was idle."
    ));
    script.shows(&hospital.ask(&["job", "list", "--plan", &plan])?);
    Ok(())
}

/// The machine of wave 1.
fn canary(hospital: &Hospital, plan: &str) -> anyhow::Result<String> {
    let shown = hospital.ask_json(&["plan", "show", plan])?;
    let leaves = shown["machines"].as_array();
    let leaves = leaves.context("the plan's machines")?;
    let first = leaves.iter().find(|leaf| leaf["wave"] == 1);
    let name = first.and_then(|leaf| leaf["machine"].as_str());
    Ok(name.context("a plan has a first wave")?.to_owned())
}

fn hostile(script: &mut Script, hospital: &mut Hospital) -> anyhow::Result<()> {
    let plan = crate::hostile::approve_without_htm(hospital, PRODUCT, STATIONS[0])?;
    let machine = hospital.machine(STATIONS[0])?;
    wait_until("the installer refuses the plan", || {
        machine.agent_log().contains(&plan)
    })?;
    let log = machine.agent_log();
    let why = log.lines().find(|line| line.contains(&plan));
    let why = why.context("a refusal")?.to_owned();
    ensure!(
        why.contains("not signed by those who must sign it"),
        "refused for another reason: {why}"
    );
    let (state, _) = hospital.job(&plan, STATIONS[0])?;
    ensure!(state == "assigned", "the job is {state}");
    let found = hospital.machine(STATIONS[0])?.tree_version(PRODUCT);
    ensure!(
        found.as_deref() == Some("4.2.1"),
        "{} has {found:?}",
        STATIONS[0]
    );
    script.says(
        "A collector that turned hostile signs a plan with its own key: the machine refuses.",
    );
    script.shows(&why);
    Ok(())
}

fn evidence(script: &mut Script, hospital: &mut Hospital) -> anyhow::Result<()> {
    let jobs = hospital.ask_json(&["job", "list", "--machine", STATIONS[0]])?;
    let verified = jobs
        .as_array()
        .and_then(|jobs| jobs.iter().find(|job| job["state"] == "verified"));
    let job = verified
        .and_then(|job| job["job"].as_str())
        .context("a verified job")?
        .to_owned();
    let pack = hospital.people().join("evidence.cbor");
    hospital.ask(&["evidence", "export", &job, "--out", &pack.to_string_lossy()])?;
    let root = hospital.root_fingerprint()?;
    let shown = hospital.sign(&["verify-evidence", "evidence.cbor", "--root", &root])?;
    script.says("The evidence verifies offline, with nothing but the hospital root.");
    script.shows(&shown);
    let audit = hospital.ask(&["audit", "verify"])?;
    script.says("The audit log is whole.");
    script.shows(&audit);
    Ok(())
}

//! The agent's disk is full: it says so, keeps no half, and goes on once there is room.

use super::with_little_room;
use patchward_common::digest::Digest;
use patchward_common::wire::token::EnrolmentToken;
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::machine::Machine;
use patchward_integration_tests::process::{Daemon, wait_until};
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::vendor::tree_release;
use std::path::Path;
use std::process::Command;

const UNIT: &str = "reading-room-2";
const NAME: &str = "station-1";
/// Room for what the agent keeps and logs, and not for an artifact.
const ROOM_KIB: u32 = 1_024;

/// Enrols, where `command` is the agent, and a person accepts the machine.
fn enrol(hospital: &Hospital, machine: &Machine, token: &str, mut command: Command) -> Daemon {
    command.arg("--config").arg(machine.path("agent.toml"));
    command.args(["enroll", "--token", token]);
    let log = machine.path("enrol.log");
    let mut daemon = Daemon::start("enrolment", &mut command, &log).unwrap();
    let id = machine.id.to_string();
    let accept = ["machine", "accept", &id, "--name", NAME];
    wait_until("it has ended", || {
        // Refused as long as it has not asked, and once it is accepted.
        let _ = hospital.ask(&accept);
        !daemon.is_running()
    })
    .unwrap();
    daemon
}

#[test]
fn an_agent_without_room_is_not_enrolled_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found(&folder.path().join("hospital"), &[UNIT], &["viewer"]).unwrap();
    let new = ["token", "new", "for-station", "--unit", UNIT];
    let token = hospital.ask_json(&new).unwrap();
    let token = token["token"].as_str().unwrap();
    let there = folder.path().join("machine");
    std::fs::create_dir(&there).unwrap();
    let pin = EnrolmentToken::from_text(token).unwrap();
    let installer = Program::Installer.path().unwrap();
    let mut machine = Machine::new(&there, &installer, &pin).unwrap();
    assert!(machine.start(None).unwrap());
    let settings = format!(
        "state_dir = {:?}\ninstaller_socket = {:?}\nboot_id_file = {:?}\n",
        machine.path("agent"),
        machine.path("socket"),
        machine.path("boot_id"),
    );
    machine.write("agent.toml", &settings).unwrap();
    let credentials = || {
        let entries = std::fs::read_dir(machine.path("agent")).unwrap();
        let files = entries.filter(|entry| entry.as_ref().unwrap().path().is_file());
        files.count()
    };
    let before = credentials();
    let full = with_little_room(Program::Agent, 0);
    // What it prints has no room in a file either.
    let said = said_by(&hospital, &machine, token, full);
    assert!(said.contains("free some space"), "{said}");
    assert_eq!(credentials(), before, "no half is left");
    let roomy = Command::new(Program::Agent.path().unwrap());
    let enrolled = enrol(&hospital, &machine, token, roomy);
    enrolled.wait_for_end().unwrap();
    assert!(credentials() > before);
}

/// What the agent says that fails to enrol, through a pipe.
fn said_by(hospital: &Hospital, machine: &Machine, token: &str, full: Command) -> String {
    let mut command = Command::new("/bin/sh");
    let log = machine.path("full.log");
    command.args(["-c", "\"$@\" 2>&1 | cat > \"$0\"; exit 1"]);
    command.arg(&log).arg(full.get_program());
    command.args(full.get_args());
    drop(enrol(hospital, machine, token, command));
    std::fs::read_to_string(log).unwrap()
}

#[test]
fn an_artifact_that_finds_no_room_is_fetched_once_there_is_some() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &[UNIT], &["viewer"]).unwrap();
    let row = Row::plain(NAME, UNIT);
    hospital.add_machine(row).unwrap();
    hospital.assign().unwrap();
    let window = ["window", "once", "tonight", "--unit", UNIT];
    let window = [&window[..], &["--minutes", "180"]].concat();
    hospital.ask(&window).unwrap();
    let bytes = vec![7; 4 * ROOM_KIB as usize * 1_024];
    let (release, archive) = tree_release("viewer", "1.0", 1, &[("viewer", &bytes)]).unwrap();
    hospital
        .vendor
        .publish(&release, &[&archive], now())
        .unwrap();
    hospital.import().unwrap();
    let machine = hospital.machine(NAME).unwrap();
    machine.stop_agent().unwrap();
    let config = machine.path("agent.toml");
    let artifact = machine
        .path("agent/artifacts")
        .join(Digest::of(&archive).to_string());
    let mut full = agent_without_room(&config, &machine.path("full.log"));
    let plan = ["Viewer", "--release", "viewer=1.0", "--machine", NAME];
    let plan = [&plan[..], &["--days", "1", "--soak-seconds", "1"]].concat();
    let (plan, _) = hospital.plan(&plan).unwrap();
    hospital.approve(&plan, &["ada"]).unwrap();
    let says = |full: &Daemon| full.printed().contains("free some space");
    wait_until("it says that there is no room", || says(&full)).unwrap();
    assert!(full.is_running(), "and lives");
    assert!(!artifact.exists());
    assert_eq!(hospital.job(&plan, NAME).unwrap().0, "assigned");
    full.terminate().unwrap();
    let machine = hospital.machine(NAME).unwrap();
    machine.start_agent().unwrap();
    hospital.wait_for_job(&plan, NAME, "verified").unwrap();
    let machine = hospital.machine(NAME).unwrap();
    assert_eq!(machine.tree_version("viewer").as_deref(), Some("1.0"));
}

fn agent_without_room(config: &Path, log: &Path) -> Daemon {
    let mut command = with_little_room(Program::Agent, ROOM_KIB);
    command.arg("--config").arg(config).arg("run");
    Daemon::start("agent", &mut command, log).unwrap()
}

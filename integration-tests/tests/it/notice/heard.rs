//! The whole way of "not now", with an agent and a collector.

use super::say;
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::machine::until;
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::vendor::tree_release;
use std::process::Command;

/// A person at the machine says it, the collector shows it and gives no go; when it is over, the
/// job starts, and people may log in afterwards.
#[test]
fn not_now_reaches_the_collector_which_gives_no_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    let row = Row::plain("pc", "icu");
    hospital.add_machine(row).unwrap();
    hospital.assign().unwrap();
    let window = ["window", "once", "tonight", "--unit", "icu"];
    let window = [&window[..], &["--minutes", "180"]].concat();
    hospital.ask(&window).unwrap();
    let (release, bytes) =
        tree_release("viewer", "1.0", 1, &[("bin/viewer", &b"1.0"[..])]).unwrap();
    let vendor = &mut hospital.vendor;
    vendor.publish(&release, &[&bytes], now()).unwrap();
    hospital.import().unwrap();

    let machine = hospital.machine("pc").unwrap();
    let settings = machine.path("notice.toml");
    let (screen, socket) = (machine.path("screen"), machine.path("installer.sock"));
    let text = format!("screen_file = {screen:?}\ninstaller_socket = {socket:?}\n");
    std::fs::write(&settings, text).unwrap();
    let mut notice = Command::new(Program::Notice.path().unwrap());
    notice.arg("--config").arg(&settings);
    notice.args(["not-now", "--for", "2h", "--reason", "procedure"]);
    say(&mut notice);
    let shown = ["machine", "show", "pc"];
    until("the collector shows it", || {
        let shown = hospital.ask_json(&shown).ok()?;
        (!shown["held_until"].is_null()).then_some(())
    })
    .unwrap();
    let release = ["--release", "viewer=1.0", "--days", "1"];
    let soak = ["--soak-seconds", "1", "--canaries", "9", "--machine", "pc"];
    let plan = [&["Viewer 1.0"][..], &release, &soak].concat();
    let (plan, _) = hospital.plan(&plan).unwrap();
    hospital.approve(&plan, &["ada"]).unwrap();
    hospital.wait_for_job(&plan, "pc", "staged").unwrap();
    let machine = hospital.machine("pc").unwrap();
    until("the agent hears that it does not start", || {
        let log = machine.agent_log();
        let says = |line: &str| line.contains("not now") && line.contains("held by the ward");
        log.lines().any(says).then_some(())
    })
    .unwrap();
    let (state, why) = hospital.job(&plan, "pc").unwrap();
    assert!(
        ["staged", "deferred"].contains(&state.as_str()),
        "{state}: {why}"
    );
    let machine = hospital.machine("pc").unwrap();
    machine.ask_installer(&["end-hold"]).unwrap();
    until("the collector shows that it is over", || {
        let shown = hospital.ask_json(&shown).ok()?;
        shown["held_until"].is_null().then_some(())
    })
    .unwrap();
    // It was told when to ask again, which is late.
    let machine = hospital.machine("pc").unwrap();
    machine.stop_agent().unwrap();
    machine.start_agent().unwrap();
    hospital.wait_for_job(&plan, "pc", "verified").unwrap();
    until("people may log in", || {
        let machine = hospital.machine("pc").ok()?;
        (!machine.path("nologin").exists()).then_some(())
    })
    .unwrap();
}

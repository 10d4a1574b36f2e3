//! The wrong hour by the machine's own clock, which somebody moves backwards and forwards,
//! alone and together with a collector that agrees.

use super::scene::{Scene, refused};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::go_key;
use patchward_integration_tests::moved_clock::MovedClock;

const STATION: &str = "station-1";

/// Starts the job with a go whose clock is so far from the true time.
fn start(scene: &mut Scene, plan: &str, collector_ms: i64) -> Answer {
    let key = go_key(&scene.hospital).unwrap();
    let job = scene.job(plan, STATION);
    let drawn = scene.nonce(STATION, job);
    let clock = now().plus_ms(collector_ms);
    let go = scene.go(STATION, &key, job, drawn, clock);
    scene.ask(STATION, &Request::Start(job, go))
}

#[test]
fn a_clock_that_was_moved_starts_nothing() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    let machine = scene.machine(STATION);
    machine.kill_agent();
    machine.kill_installer();
    let clock = MovedClock::under(machine).unwrap();
    machine.start_installer().unwrap();
    // The machine's clock alone, under an honest collector.
    clock.move_by(10 * MINUTE_MS).unwrap();
    let since = scene.machine(STATION).agent_log().len();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.restart_agent(STATION);
    let why = "the clock here and the collector's differ by";
    scene.refused_since(STATION, since, Step::Time, why);
    scene.has(STATION, "1.0");
    scene.machine(STATION).kill_agent();
    together(&mut scene, &plan, &clock);
    // The root of the hospital alone lets it fall.
    reset(&mut scene);
    scene.restart_agent(STATION);
    scene.verified(&plan, STATION, "2.0");
}

/// The machine's clock and the collector's go agree, and are both wrong.
fn together(scene: &mut Scene, plan: &str, clock: &MovedClock) {
    let job = scene.job(plan, STATION);
    for (ms, step, why) in [
        // Before any of it was signed, and before those who signed it had keys.
        (
            -2 * DAY_MS,
            Step::Roster,
            "a day ahead of this machine's clock",
        ),
        (
            -HOUR_MS,
            Step::Assignment,
            "no valid signature by a known key",
        ),
        // Past the plan, and past the roster.
        (2 * DAY_MS, Step::Approval, "expired"),
        (100 * DAY_MS, Step::Roster, "expired"),
    ] {
        clock.move_by(ms).unwrap();
        for answer in [
            start(scene, plan, ms),
            scene.ask(STATION, &Request::Prepare(job)),
        ] {
            refused(&answer, step, why);
        }
        scene.has(STATION, "1.0");
    }
    // Somebody uses the machine, so an hour ahead inside of its slot nothing starts either;
    // but the go has proved that hour, and the true time is the past now.
    scene.machine(STATION).set_in_use(true).unwrap();
    clock.move_by(HOUR_MS).unwrap();
    refused(&start(scene, plan, HOUR_MS), Step::Interlock, "in use");
    scene.machine(STATION).set_in_use(false).unwrap();
    clock.move_by(0).unwrap();
    refused(&start(scene, plan, 0), Step::Time, "ask for a time reset");
    scene.has(STATION, "1.0");
}

fn reset(scene: &mut Scene) {
    let id = scene.hospital.id_of(STATION).unwrap();
    let to = now().to_string();
    let arguments = [
        "time-reset",
        "--machine",
        &id,
        "--to",
        &to,
        "--out",
        "reset",
        "--yes",
    ];
    let keys = ["--key", "root-1.pem", "--key", "root-2.pem"];
    scene
        .hospital
        .sign(&[&arguments[..], &keys].concat())
        .unwrap();
    let path = scene.hospital.people().join("reset");
    let add = ["document", "add", &path.to_string_lossy()];
    scene.hospital.ask(&add).unwrap();
}

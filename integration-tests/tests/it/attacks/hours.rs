//! The wrong hour and the stop: goes of a hostile collector outside of slots, replayed
//! goes, and an honest collector that was told to stop.

use super::scene::{Scene, refused};
use ed25519_dalek::SigningKey;
use patchward_common::id::{JobId, Nonce};
use patchward_common::time::{HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::check::Step;
use patchward_common::trust::go::Go;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::{
    Forgery, give_out_forgeries, go_key, read_plan, stolen_key,
};

const STATION: &str = "station-1";

#[test]
fn no_go_opens_a_slot_or_counts_twice_and_a_stop_stops() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    outside_of_slots(&mut scene, &plan);
    replayed(&mut scene, &plan);
    stopped(&mut scene, &plan);
}

fn slot(from_ms: i64, to_ms: i64) -> Interval {
    Interval::new(now().plus_ms(from_ms), now().plus_ms(to_ms)).unwrap()
}

fn nonce(scene: &mut Scene, job: JobId) -> Nonce {
    scene.nonce(STATION, job)
}

fn go(scene: &mut Scene, key: &SigningKey, job: JobId, nonce: Nonce, clock: UtcMs) -> Signed<Go> {
    scene.go(STATION, key, job, nonce, clock)
}

fn start(scene: &mut Scene, job: JobId, go: Signed<Go>) -> Answer {
    scene.ask(STATION, &Request::Start(job, go))
}

/// HTM signed these plans; their slots are over, too short, or not open yet.
fn outside_of_slots(scene: &mut Scene, plan: &str) {
    let hospital = &mut scene.hospital;
    let (mut approval, leaves) = read_plan(hospital, plan).unwrap();
    let ada = stolen_key(hospital, "ada").unwrap();
    let key = go_key(hospital).unwrap();
    approval.issued = now().plus_ms(-4 * HOUR_MS);
    let forge = |title: &str, slots: Vec<Interval>| {
        let leaf = PlanLeaf {
            wave: 0,
            slots,
            ..leaves[0].clone()
        };
        Forgery::new(title, approval.clone(), leaf, &[&ada]).unwrap()
    };
    let over = forge("Over", vec![slot(-2 * HOUR_MS, -HOUR_MS)]);
    let between = vec![slot(-2 * HOUR_MS, -HOUR_MS), slot(HOUR_MS, 2 * HOUR_MS)];
    let between = forge("Between", between);
    let short = forge("Short", vec![slot(-HOUR_MS, 5 * MINUTE_MS)]);
    give_out_forgeries(hospital, &[&over, &between, &short]).unwrap();
    let staged = [
        (between.digest(), "no slot of this machine is open now"),
        (short.digest(), "left in the slot, and the job may need"),
    ];
    for (digest, _) in &staged {
        let plan = digest.to_string();
        scene
            .hospital
            .wait_for_job(&plan, STATION, "staged")
            .unwrap();
    }
    scene.machine(STATION).kill_agent();
    for (digest, why) in &staged {
        let job = scene.job(&digest.to_string(), STATION);
        let drawn = nonce(scene, job);
        let go = go(scene, &key, job, drawn, now());
        refused(&start(scene, job, go), Step::Time, why);
    }
    // A collector's clock that is inside of the slot moves nothing.
    let job = scene.job(&between.digest().to_string(), STATION);
    let drawn = nonce(scene, job);
    let go = go(scene, &key, job, drawn, now().plus_ms(HOUR_MS + MINUTE_MS));
    refused(&start(scene, job, go), Step::Time, "differ by");
    // What is over was not even kept.
    let job = scene.job(&over.digest().to_string(), STATION);
    let answer = scene.ask(STATION, &Request::Prepare(job));
    assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
    scene.has(STATION, "1.0");
}

/// The machine is idle and inside its slot: the go alone decides.
fn replayed(scene: &mut Scene, plan: &str) {
    let key = go_key(&scene.hospital).unwrap();
    let ada = stolen_key(&scene.hospital, "ada").unwrap();
    scene.machine(STATION).set_in_use(true).unwrap();
    scene.hospital.approve(plan, &["ada"]).unwrap();
    scene.machine(STATION).start_agent().unwrap();
    scene
        .hospital
        .wait_for_job(plan, STATION, "deferred")
        .unwrap();
    scene.machine(STATION).kill_agent();
    scene.machine(STATION).set_in_use(false).unwrap();
    let job = scene.job(plan, STATION);
    let drawn = nonce(scene, job);
    let old = go(scene, &key, job, drawn, now());
    nonce(scene, job);
    let answer = start(scene, job, old.clone());
    refused(&answer, Step::Go, "answers another nonce");
    let drawn = nonce(scene, job);
    let other = go(scene, &key, JobId([7; 16]), drawn, now());
    refused(&start(scene, job, other), Step::Go, "answers another job");
    let drawn = nonce(scene, job);
    let by_ada = go(scene, &ada, job, drawn, now());
    refused(&start(scene, job, by_ada), Step::Go, "not signed by those");
    let drawn = nonce(scene, job);
    let before = go(scene, &key, job, drawn, now());
    let machine = scene.machine(STATION);
    machine.kill_installer();
    machine.reboot_to(77).unwrap();
    machine.start_installer().unwrap();
    let answer = start(scene, job, before.clone());
    assert!(
        matches!(&answer, Answer::Error(text) if text.contains("no nonce is outstanding")),
        "{answer:?}"
    );
    nonce(scene, job);
    refused(&start(scene, job, before), Step::Go, "answers another boot");
    scene.has(STATION, "1.0");
}

/// Nothing starts while everything is stopped, and it starts as soon as that is lifted.
fn stopped(scene: &mut Scene, plan: &str) {
    let stop = [
        "stop",
        "now",
        "--all",
        "--reason",
        "smoke in the server room",
    ];
    scene.hospital.ask(&stop).unwrap();
    scene.machine(STATION).start_agent().unwrap();
    let job = scene.job(plan, STATION);
    scene.logged(STATION, "not now", "stopped");
    // Nor by a go that a hostile collector gives all the same: the machine knows it too.
    let key = go_key(&scene.hospital).unwrap();
    let drawn = nonce(scene, job);
    let go = go(scene, &key, job, drawn, now());
    let answer = start(scene, job, go);
    refused(&answer, Step::Approval, "smoke in the server room");
    scene.has(STATION, "1.0");
    let stops = scene.hospital.ask_json(&["stop", "list"]).unwrap();
    let digest = stops[0]["stop"].as_str().unwrap().to_owned();
    let lift = ["stop", "lift", &digest, "--reason", "it was toast"];
    scene.hospital.ask(&lift).unwrap();
    scene.verified(plan, STATION, "2.0");
}

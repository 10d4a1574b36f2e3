//! Stolen keys and wrong machines: plans and assignments that too few people signed, or
//! that are another machine's.

use super::scene::{Scene, UNIT};
use patchward_common::id::Name;
use patchward_common::plan::AssignmentFile;
use patchward_common::time::{HOUR_MS, Interval};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf, Mode};
use patchward_common::trust::check::Step;
use patchward_common::trust::placement::leaf_bytes;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::{
    Forgery, back_up, give_out_assignment, give_out_forgeries, go_key, read_plan, set_back,
    stolen_key,
};

const STATION: &str = "station-1";
const SERVER: &str = "server-1";

#[test]
fn one_stolen_key_or_another_machines_plan_starts_nothing() {
    let mut scene = Scene::new(&[(STATION, Class::Standard), (SERVER, Class::Critical)]);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION, SERVER]);
    let backup = back_up(&mut scene.hospital).unwrap();
    forged_plans(&mut scene, &plan);
    forged_assignments(&mut scene);
    // An honest collector makes no plans beside rows that contradict one another.
    set_back(&mut scene.hospital, &backup).unwrap();
    scene.hospital.approve(&plan, &["ada", "ben"]).unwrap();
    scene.verified(&plan, STATION, "2.0");
    scene.verified(&plan, SERVER, "2.0");
}

fn forged_plans(scene: &mut Scene, plan: &str) {
    let hospital = &mut scene.hospital;
    let (mut approval, leaves) = read_plan(hospital, plan).unwrap();
    let [ada, ben] = ["ada", "ben"].map(|person| stolen_key(hospital, person).unwrap());
    let go = go_key(hospital).unwrap();
    let open = Interval::new(now(), now().plus_ms(2 * HOUR_MS)).unwrap();
    let leaf = |name: &str| {
        let id = hospital.id_of(name).unwrap().parse().unwrap();
        let found = leaves.iter().find(|leaf| leaf.machine == id);
        PlanLeaf {
            wave: 0,
            slots: vec![open],
            ..found.unwrap().clone()
        }
    };
    let (station, server) = (leaf(STATION), leaf(SERVER));
    approval.issued = now();
    let forge = |title: &str, leaf: &PlanLeaf, keys: &[&_]| {
        Forgery::new(title, approval.clone(), leaf.clone(), keys).unwrap()
    };
    let relabelled = PlanLeaf {
        class: Class::Standard,
        ..server.clone()
    };
    let elsewhere = PlanLeaf {
        unit: Name::new("icu-3").unwrap(),
        ..server.clone()
    };
    let both = [&ada, &ben];
    let (of_station, no_proof) = ("Another machine's", "Not in the plan");
    let cases = [
        (
            STATION,
            forge("By the go-key", &station, &[&go]),
            Step::Approval,
            "not signed by those who must sign it",
        ),
        (
            SERVER,
            forge("By one of two", &server, &[&ada]),
            Step::Approval,
            "1 of 2 people signed",
        ),
        (
            SERVER,
            forge("Relabelled for one", &relabelled, &[&ada]),
            Step::Approval,
            "1 of 2 people signed",
        ),
        (
            SERVER,
            forge("Relabelled", &relabelled, &both),
            Step::Placement,
            "in another class than its assignment",
        ),
        (
            SERVER,
            forge("Elsewhere", &elsewhere, &both),
            Step::Placement,
            "in another unit than its assignment",
        ),
        (
            SERVER,
            forge(of_station, &station, &both).sent_to(server.machine, leaf_bytes(&station)),
            Step::Placement,
            "does not name this machine",
        ),
        (
            SERVER,
            forge(no_proof, &station, &both).sent_to(server.machine, leaf_bytes(&server)),
            Step::Placement,
            "does not name this machine",
        ),
    ];
    let forgeries: Vec<&Forgery> = cases.iter().map(|(_, forgery, ..)| forgery).collect();
    give_out_forgeries(hospital, &forgeries).unwrap();
    for (machine, forgery, step, why) in &cases {
        let digest = forgery.digest().to_string();
        scene.refused_document(machine, &digest, *step, why);
        let (state, _) = scene.hospital.job(&digest, machine).unwrap();
        assert_eq!(state, "assigned", "{why}");
        // Not kept either: whoever owns the agent cannot start it.
        let job = scene.job(&digest, machine);
        let answer = scene.ask(machine, &Request::Prepare(job));
        let is_unknown = matches!(&answer, Answer::Error(text) if text.contains("no approval"));
        assert!(is_unknown, "{why}: {answer:?}");
    }
    scene.has(STATION, "1.0");
    scene.has(SERVER, "1.0");
}

/// A critical machine made a standard one, so that one approver would be enough.
fn forged_assignments(scene: &mut Scene) {
    let ada = stolen_key(&scene.hospital, "ada").unwrap();
    let go = go_key(&scene.hospital).unwrap();
    let machine = scene.hospital.id_of(SERVER).unwrap().parse().unwrap();
    let row = AssignmentLeaf {
        machine,
        name: SERVER.parse().unwrap(),
        unit: Name::new(UNIT).unwrap(),
        class: Class::Standard,
        groups: Vec::new(),
        model: Name::new("workstation").unwrap(),
        mode: Mode::Active,
    };
    for (number, key, why) in [
        (2, &ada, "1 of 2 people signed"),
        (3, &go, "not signed by those who must sign it"),
    ] {
        let assignment = Assignment {
            number,
            issued: now(),
            machines: 0,
            root: Default::default(),
        };
        let mut table = AssignmentFile::build(assignment, vec![row.clone()]).unwrap();
        table.signed.cosign(key);
        let keys = [PublicKey::of(key)];
        give_out_assignment(&mut scene.hospital, &table, &keys).unwrap();
        scene.refused_document(SERVER, "\"assignment\"", Step::Assignment, why);
    }
    // The class that two people signed still counts.
    let Answer::Status(status) = scene.ask(SERVER, &Request::Status) else {
        panic!("no status");
    };
    assert_eq!(status.numbers, (1, 1, 1));
}

//! The hospital's side: rolled back, expired, another machine's, or signed by too few.

use super::Scene;
use patchward_common::time::{DAY_MS, MINUTE_MS, SECOND_MS};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::{Class, KeyKind};
use patchward_common::wire::local::{Answer, Documents, Request};
use patchward_integration_tests::fixture::{interval, job_of, name, sign};
use patchward_integration_tests::machine::{now, until};

#[test]
fn an_older_charter_is_refused_and_takes_nothing_back() {
    let scene = Scene::new();
    let work = scene.work();
    scene.bring(&work);
    let (_, documents) = scene.approved(&work);
    let mut second = scene.hospital.charter();
    second.number = 2;
    let newer = Documents {
        charters: vec![sign(&second, &[&scene.hospital.root])],
        ..documents.clone()
    };
    assert_eq!(scene.machine.give(&newer).unwrap(), [""; 0]);
    let refused = scene.machine.give(&documents).unwrap();
    assert!(
        refused.iter().any(|r| r.contains("number 2 was seen")),
        "{refused:?}"
    );
    assert_eq!(scene.machine.status().unwrap().numbers.0, 2);
}

/// Each ends while the machine waits; nothing starts past the earliest of them.
#[test]
fn nothing_starts_past_an_expiry_also_when_a_stop_is_withheld() {
    for which in ["charter", "roster", "approval"] {
        let scene = Scene::new();
        let mut work = scene.work();
        let end = now().plus_ms(4 * SECOND_MS);
        let (mut charter, mut roster) = (scene.hospital.charter(), scene.hospital.roster());
        let step = match which {
            "charter" => {
                charter.expires = end;
                Step::Roster
            }
            "roster" => {
                roster.expires = end;
                Step::Roster
            }
            _ => {
                work.approval.expires = end;
                work.leaf.slots = vec![interval(now().plus_ms(-MINUTE_MS), end)];
                Step::Approval
            }
        };
        scene.put(&scene.edition(1, now().plus_ms(DAY_MS), &work.approval.releases[0]));
        scene.machine.put_artifact(&work.bytes).unwrap();
        let (job, mut documents) = scene.approved(&work);
        documents.charters = vec![sign(&charter, &[&scene.hospital.root])];
        documents.roster = Some(sign(&roster, &[&scene.hospital.registrar]));
        assert_eq!(scene.machine.give(&documents).unwrap(), [""; 0], "{which}");
        scene.is_prepared(job);
        until("it has expired", || (now() > end).then_some(())).unwrap();
        scene.refuses(job, step, "expired");
    }
}

#[test]
fn another_machines_unit_class_or_model() {
    let scene = Scene::new();
    // Relabelled: HTM assigned a critical machine, the plan says standard.
    let mut work = scene.work();
    work.row.class = Class::Critical;
    let both = [&scene.hospital.alice, &scene.hospital.bob];
    let placed = scene
        .hospital
        .approve(&work.approval, &[work.leaf.clone()], &both);
    let job = job_of(&placed[0], scene.machine.id);
    let documents = scene.hospital.documents(&work.row, placed);
    scene.does_not_take(job, &documents, "another class than its assignment");
    // An approver of the laboratory signs for intensive care.
    let scene = Scene::new();
    let work = scene.work();
    let carol = [&scene.hospital.carol];
    let placed = scene
        .hospital
        .approve(&work.approval, std::slice::from_ref(&work.leaf), &carol);
    let job = job_of(&placed[0], scene.machine.id);
    let documents = scene.hospital.documents(&work.row, placed);
    scene.does_not_take(job, &documents, "0 of 1 people signed");
    // Another machine's place in the plan.
    let mut leaf = work.leaf.clone();
    leaf.machine.0[0] ^= 1;
    let placed = scene
        .hospital
        .approve(&work.approval, &[leaf], &[&scene.hospital.alice]);
    let job = job_of(&placed[0], scene.machine.id);
    let documents = scene.hospital.documents(&work.row, placed);
    scene.does_not_take(job, &documents, "does not name this machine");
    // A release that was validated for other models.
    let mut work = scene.work();
    work.approval.releases[0].release.applies_to.models = vec![name("pump-server")];
    let job = scene.bring(&work);
    scene.refuses(job, Step::Applicability, "model");
}

#[test]
fn one_stolen_key_where_the_threshold_is_two() {
    let mut scene = Scene::new();
    let hospital = &scene.hospital;
    let mut work = scene.work();
    work.row.class = Class::Critical;
    work.leaf.class = Class::Critical;
    let alone = [
        ("alice", &hospital.alice, "1 of 2 people signed"),
        ("the registrar", &hospital.registrar, "not signed by"),
        ("the collector", &hospital.go_key, "not signed by"),
        ("the root", &hospital.root, "not signed by"),
        ("tom, no approver", &hospital.tom, "0 of 2 people signed"),
    ];
    for (who, key, why) in alone {
        let placed = hospital.approve(&work.approval, &[work.leaf.clone()], &[key]);
        let job = job_of(&placed[0], scene.machine.id);
        let documents = hospital.documents(&work.row, placed);
        eprintln!("{who}");
        scene.does_not_take(job, &documents, why);
    }
    // One person twice is one person; two people at browsers are not enough either.
    let mut roster = hospital.roster();
    roster.number = 2;
    roster.people[0].keys[0].kind = KeyKind::Browser;
    let both = [&hospital.alice, &hospital.bob];
    let placed = hospital.approve(&work.approval, &[work.leaf.clone()], &both);
    let job = job_of(&placed[0], scene.machine.id);
    let mut documents = hospital.documents(&work.row, placed);
    documents.roster = Some(sign(&roster, &[&hospital.registrar]));
    scene.does_not_take(job, &documents, "file");
    // An assignment to a lower class by one of two.
    let lower = hospital.row(scene.machine.id);
    let mut assignment = hospital.assignment(2, &[lower]).remove(0);
    let only_alice = sign(&assignment.signed.peek().unwrap(), &[&hospital.alice]);
    assignment.signed = only_alice;
    let refused = scene.machine.give(&Documents {
        assignment: Some(assignment),
        ..documents
    });
    let refused = refused.unwrap();
    assert!(
        refused.iter().any(|r| r.contains("assignment")),
        "{refused:?}"
    );
    assert_eq!(scene.machine.status().unwrap().numbers.2, 1);
    scene.machine.kill().unwrap();
}

#[test]
fn the_wrong_hour() {
    let scene = Scene::new();
    for (what, slot, why) in [
        ("too short", (-60, 9), "left in the slot"),
        (
            "not open yet",
            (30, 90),
            "no slot of this machine is open now",
        ),
    ] {
        let mut work = scene.work();
        let (from, to) = (slot.0 * MINUTE_MS, slot.1 * MINUTE_MS);
        work.leaf.slots = vec![interval(now().plus_ms(from), now().plus_ms(to))];
        let job = scene.bring(&work);
        scene.is_prepared(job);
        let go = scene.hospital.go(&scene.machine.draw(job).unwrap(), now());
        let answer = scene.machine.ask(&Request::Start(job, go)).unwrap();
        match &answer {
            Answer::Refused(reason)
                if reason.step == Some(Step::Time) && reason.text.contains(why) => {}
            _ => panic!("{what}: {answer:?}"),
        }
        scene.untouched();
    }
}

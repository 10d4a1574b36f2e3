//! The owned agent: whoever has a machine's agent brings its installer bytes of every kind,
//! changes what lies in its own folder, and forges what it carries to the collector.

use super::machines::{journal, link, runtime};
use super::scene::{PRODUCT, Scene, refused};
use ed25519_dalek::SigningKey;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::Event;
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::{Answer, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, Request};
use patchward_common::wire::machine::{self, RefusedCode};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::{go_key, plan_digest};
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

const STATION: &str = "station-1";

#[test]
fn an_owned_agent_executes_nothing_and_forges_nothing() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    let bytes = scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    scene.machine(STATION).set_in_use(true).unwrap();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene
        .hospital
        .wait_for_job(&plan, STATION, "deferred")
        .unwrap();
    let machine = scene.machine(STATION);
    machine.kill_agent();
    machine.set_in_use(false).unwrap();
    let artifacts = machine.path("agent/artifacts");
    let artifact = artifacts.join(Digest::of(&bytes).to_string());
    malformed(&mut scene);
    reordered(&mut scene, &plan);
    dropped_hold(&mut scene, &plan);
    forged_events(&mut scene, &plan);
    // What was staged is used, whatever the agent makes of its own copy afterwards.
    std::fs::write(&artifact, b"#!/bin/sh\necho owned\n").unwrap();
    let job = scene.job(&plan, STATION);
    assert!(matches!(
        scene.ask(STATION, &Request::Prepare(job)),
        Answer::Prepared
    ));
    scene.has(STATION, "1.0");
    swapped(&mut scene, artifact);
    scene.machine(STATION).start_agent().unwrap();
    scene.verified(&plan, STATION, "2.0");
}

/// Bytes that are no request, too many of them, or none: a typed error.
fn malformed(scene: &mut Scene) {
    let socket = scene.machine(STATION).path("installer.sock");
    let ask = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // Cut off where it is too long.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        codec::decode::<Answer>(&answer, MAX_ANSWER_BYTES)
    };
    let nested = [0x81; 100_000];
    let endless_list = [&[0x9b][..], &[0xff; 8]].concat();
    for bytes in [&b""[..], b"GET / HTTP/1.1", &nested, &endless_list] {
        let answer = ask(bytes);
        assert!(matches!(answer, Ok(Answer::Error(_))), "{answer:?}");
    }
    // As much as it wants to write: the answer may be lost with the connection.
    let answer = ask(&vec![0x40; MAX_REQUEST_BYTES + 1]);
    assert!(
        matches!(answer, Ok(Answer::Error(_)) | Err(_)),
        "{answer:?}"
    );
    scene.has(STATION, "1.0");
}

/// A restart that nothing waits for, a start without a nonce, and jobs that nobody
/// approved.
fn reordered(scene: &mut Scene, plan: &str) {
    let key = go_key(&scene.hospital).unwrap();
    let job = scene.job(plan, STATION);
    let drawn = scene.nonce(STATION, job);
    let go = scene.go(STATION, &key, job, drawn, now());
    let unknown = JobId([9; 16]);
    for (request, why) in [
        (Request::Reboot(job, go.clone()), "waits for no restart"),
        (Request::Prepare(unknown), "no approval"),
        (
            Request::Start(unknown, go.clone()),
            "the nonce was drawn for another job",
        ),
        // Whoever asked used it up.
        (Request::Start(job, go), "no nonce is outstanding"),
    ] {
        let answer = scene.ask(STATION, &request);
        assert!(
            matches!(&answer, Answer::Error(text) if text.contains(why)),
            "{why:?} was expected, and came {answer:?}"
        );
    }
    scene.has(STATION, "1.0");
}

/// The agent keeps the ward's hold to itself, and a collector gives the go: the machine
/// knows better.
fn dropped_hold(scene: &mut Scene, plan: &str) {
    let key = go_key(&scene.hospital).unwrap();
    let hold = ["hold", "--for", "30m", "--reason", "procedure"];
    scene.machine(STATION).ask_installer(&hold).unwrap();
    let job = scene.job(plan, STATION);
    let drawn = scene.nonce(STATION, job);
    let go = scene.go(STATION, &key, job, drawn, now());
    let answer = scene.ask(STATION, &Request::Start(job, go));
    refused(&answer, Step::HoldAndStop, "held at this machine until");
    scene.has(STATION, "1.0");
    scene.machine(STATION).ask_installer(&["end-hold"]).unwrap();
}

/// Events that the installer did not sign, with the agent's own certificate.
fn forged_events(scene: &mut Scene, plan: &str) {
    let digest = plan_digest(&scene.hospital, plan).unwrap();
    let thief = SigningKey::from_bytes(&[66; 32]);
    let id = scene.hospital.id_of(STATION).unwrap().parse().unwrap();
    let before = scene.hospital.job(plan, STATION).unwrap();
    let request = journal(&thief, id, digest, JobId::of(digest, id), Event::Prepared);
    let answer = runtime().block_on(async {
        let link = link(scene, STATION).await;
        link.ask(&request).await.unwrap()
    });
    match answer {
        machine::Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.hospital.job(plan, STATION).unwrap(), before);
}

/// A link to a file of the machine, a folder, and other bytes of the right length in an
/// artifact's place: none of it is staged.
fn swapped(scene: &mut Scene, artifact: PathBuf) {
    let bytes = scene.publish("3.0", 3);
    let plan = scene.plan("3.0", &[STATION]);
    let name = Digest::of(&bytes).to_string();
    let place = artifact.with_file_name(name);
    // Its papers and its metadata come by an honest agent; the bytes are gone again.
    let machine = scene.machine(STATION);
    machine.set_in_use(true).unwrap();
    assert_eq!(machine.tree_version(PRODUCT).as_deref(), Some("1.0"));
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.machine(STATION).start_agent().unwrap();
    scene
        .hospital
        .wait_for_job(&plan, STATION, "deferred")
        .unwrap();
    let machine = scene.machine(STATION);
    machine.kill_agent();
    machine.set_in_use(false).unwrap();
    let job = scene.job(&plan, STATION);
    let staged = scene.machine(STATION).path("installer/jobs");
    let staged = staged.join(job.to_string());
    let mut wrong = bytes.clone();
    wrong[600] ^= 1;
    let elsewhere = artifact.with_file_name("elsewhere");
    std::fs::write(&elsewhere, &bytes).unwrap();
    for what in ["link", "folder", "other bytes"] {
        let _ = std::fs::remove_file(&place);
        // As after a lost disk: what was staged is to be staged anew.
        let _ = std::fs::remove_dir_all(&staged);
        match what {
            "link" => symlink(&elsewhere, &place).unwrap(),
            "folder" => std::fs::create_dir(&place).unwrap(),
            _ => std::fs::write(&place, &wrong).unwrap(),
        }
        let answer = scene.ask(STATION, &Request::Prepare(job));
        match &answer {
            Answer::Refused(reason) => assert_eq!(reason.step, Some(Step::Artifacts), "{what}"),
            // What is no file is not even opened.
            Answer::Error(text) if what != "other bytes" => {
                assert!(text.contains("cannot open"), "{what}: {text}");
            }
            other => panic!("{what}: {other:?}"),
        }
        if what == "folder" {
            std::fs::remove_dir(&place).unwrap();
        }
        scene.has(STATION, "1.0");
    }
    // This plan is not wanted any more.
    let digest = plan_digest(&scene.hospital, &plan).unwrap().to_string();
    let stop = [
        "stop",
        "now",
        "--plan",
        &digest,
        "--reason",
        "it was a trap",
    ];
    scene.hospital.ask(&stop).unwrap();
}

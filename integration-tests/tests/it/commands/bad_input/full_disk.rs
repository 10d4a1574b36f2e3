//! A full disk, the collector's and that of the person who asks it.

use crate::bad_input::with_little_room;
use crate::commands::refused;
use patchward_collector::control::{Output, Reply};
use patchward_common::codec::encode;
use patchward_integration_tests::hospital::{Hospital, now};
use patchward_integration_tests::process::{Daemon, wait_until};
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::vendor::tree_release;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &[], &["viewer"]).unwrap();
    let there = hospital.collector_folder();
    let bytes = vec![7; 24 * 1024 * 1024];
    let (release, archive) = tree_release("viewer", "1", 1, &[("viewer", &bytes)]).unwrap();
    hospital
        .vendor
        .publish(&release, &[&archive], now())
        .unwrap();
    hospital.stop_collector().unwrap();
    // Room for the database, and not for the artifact.
    let mut command = with_little_room(Program::Collector, 12 * 1024);
    command.arg("--folder").arg(&there).arg("serve");
    let log = folder.path().join("full.log");
    let mut full = Daemon::start("collector", &mut command, &log).unwrap();
    full.wait_until("it answers", || hospital.ask(&["site", "list"]).is_ok())
        .unwrap();
    let vendor = folder.path().join("vendor").display().to_string();
    let import = ["release", "import", "acme", &vendor];
    refused(&hospital, &import, 5, "free some space");
    let list = hospital.ask_json(&["release", "list"]).unwrap();
    assert_eq!(list, json!([]), "nothing was taken in");
    let artifacts = there.join("artifacts");
    let is_empty = || std::fs::read_dir(&artifacts).unwrap().next().is_none();
    wait_until("no half of it is left", is_empty).unwrap();
    full.terminate().unwrap();
    hospital.start_collector().unwrap();
    hospital.import().unwrap();
    let list = hospital.ask_json(&["release", "list"]).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "with room it goes");
}

/// A command against a collector that answers with a file of 100 kB.
fn answered(listener: &UnixListener, command: &mut Command) -> (Option<i32>, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut call = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut call).unwrap();
    let reply = encode(&Reply::Done(Output::File {
        bytes: vec![7; 100_000].into(),
        text: "Signed by nobody yet.".into(),
    }));
    let length = (reply.len() as u32).to_be_bytes();
    stream.write_all(&[&length[..], &reply].concat()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// A person's own disk is full: what was asked for is not half there.
#[test]
fn answers_that_cannot_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("control.sock")).unwrap();
    let out = folder.path().join("plan.cbor");
    let collector = Program::Collector.path().unwrap();
    let with = |mut command: Command, out: &Path| {
        command.arg("--folder").arg(folder.path());
        command.args(["plan", "export", "123456", "--out"]).arg(out);
        answered(&listener, &mut command)
    };
    let (code, said) = with(with_little_room(Program::Collector, 4), &out);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("plan.cbor") && said.contains("free some space"),
        "{said}"
    );
    assert!(!out.exists(), "no half of it");
    let (code, said) = with(Command::new(&collector), &out);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(std::fs::read(&out).unwrap(), [7; 100_000]);
    let (code, said) = with(Command::new(&collector), &out);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("it is there already; name another"), "{said}");
    assert_eq!(std::fs::read(&out).unwrap(), [7; 100_000]);
    let (code, said) = with(Command::new(&collector), &folder.path().join("no/where"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("its folder is not there"), "{said}");
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "exec \"$@\" > /dev/full", "sh"])
        .arg(&collector);
    let (code, said) = with(shell, &folder.path().join("another"));
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("cannot be printed"), "{said}");
}

//! What a relay keeps: after a crash in the middle of a download, without a collector, and as a
//! program of its own.

use super::super::world::now;
use super::{RELAY, agent, artifact, bytes, certified, started, world};
use patchward_common::digest::Digest;
use patchward_common::time::HOUR_MS;
use patchward_integration_tests::process::{Daemon, PATIENCE};
use patchward_integration_tests::programs::Program;
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

/// A crash leaves a part of an artifact: its first bytes, bytes that never got to the disk, more
/// than there are, or all of it under the name of a part. What is good of it is gone on with, and
/// nothing of the rest is ever handed out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_the_middle_of_a_download_leaves_nothing_wrong() {
    let world = world().await;
    let folder = certified(&world, RELAY, 100);
    let machine = world.enrolled(1).await;
    let partial = folder.path().join("partial");
    std::fs::create_dir_all(&partial).unwrap();
    let mut sent = 0;
    for (seed, left, costs) in [
        (11, 7_000_000, 2_000_000),
        (13, 0, 9_000_000),
        (15, 9_000_000, 0),
    ] {
        let content = bytes(9_000_000, seed);
        let sha256 = artifact(&world, &content);
        std::fs::write(partial.join(sha256.to_string()), &content[..left]).unwrap();
        let (running, address) = started(&folder).await;
        let (_kept, downloads, mut relay) = agent(&machine, &address);
        assert!(relay.fetch(&downloads, (&sha256, 9_000_000), now()).await);
        sent += costs;
        assert_eq!(world.fleet.sent().relays, sent, "{left} bytes were there");
        running.close().await;
    }
    for (seed, left) in [(17, 4_000_000), (19, 10_000_000)] {
        let content = bytes(9_000_000, seed);
        let sha256 = artifact(&world, &content);
        // Its length is on the disk, its bytes are not.
        std::fs::write(partial.join(sha256.to_string()), vec![0; left]).unwrap();
        let (running, address) = started(&folder).await;
        let (kept, downloads, mut relay) = agent(&machine, &address);
        assert!(relay.fetch(&downloads, (&sha256, 9_000_000), now()).await);
        let path = kept.path().join("artifacts").join(sha256.to_string());
        assert_eq!(Digest::of(&std::fs::read(path).unwrap()), sha256);
        running.close().await;
    }
    assert_eq!(std::fs::read_dir(&partial).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_it_hands_out_what_it_holds() {
    let world = world().await;
    let folder = certified(&world, RELAY, 100);
    let machine = world.enrolled(1).await;
    let content = bytes(300_000, 21);
    let held = artifact(&world, &content);
    let (running, address) = started(&folder).await;
    let (_kept, downloads, mut relay) = agent(&machine, &address);
    assert!(relay.fetch(&downloads, (&held, 300_000), now()).await);
    running.close().await;
    // From now on nobody answers there.
    let settings = folder.path().join("relay.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let text = text.replace(&world.addresses[0], "127.0.0.1:9");
    std::fs::write(&settings, text).unwrap();
    let sent = world.fleet.sent();
    let (running, address) = started(&folder).await;
    let (_kept, downloads, mut relay) = agent(&machine, &address);
    assert!(relay.fetch(&downloads, (&held, 300_000), now()).await);
    assert_eq!(world.fleet.sent(), sent);
    // What it does not hold comes from the collector once its time is over.
    let other = artifact(&world, &bytes(300_000, 23));
    let (_kept, downloads, mut relay) = agent(&machine, &address);
    let began = now();
    {
        let fetching = relay.fetch(&downloads, (&other, 300_000), began);
        let cut_short = tokio::time::timeout(std::time::Duration::from_secs(2), fetching).await;
        assert_ne!(cut_short, Ok(true));
    }
    let late = began.plus_ms(2 * HOUR_MS);
    assert!(!relay.fetch(&downloads, (&other, 300_000), late).await);
    let link = machine.link(&world).await;
    downloads.artifact(&link, &other, 300_000).await.unwrap();
    running.close().await;
}

/// What a doctor in a folder names. It may block: the collector runs on the other threads.
fn doctor(folder: &Path) -> (Option<i32>, BTreeSet<String>) {
    let mut command = Command::new(Program::Collector.path().unwrap());
    command.arg("--folder").arg(folder);
    command.args(["doctor", "--json", "--least-free-megabytes", "0"]);
    let output = command.output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = said["findings"].as_array().unwrap().iter();
    let found = found.map(|one| one["check"].as_str().unwrap().to_owned());
    (output.status.code(), found.collect())
}

fn alone(check: &str) -> (Option<i32>, BTreeSet<String>) {
    (Some(6), BTreeSet::from([check.to_owned()]))
}

/// The program: systemd hears that it is ready, its doctor finds nothing and then each fault, and a
/// relay that was killed goes on with what it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_runs_and_its_doctor_names_each_fault() {
    let world = world().await;
    let folder = certified(&world, RELAY, 1);
    let path = folder.path().to_owned();
    let at = |file: &str| path.join(file);
    assert_eq!(doctor(&path), (Some(0), BTreeSet::new()));
    let plant = |file: &str, text: &str| {
        let before = std::fs::read_to_string(at(file)).unwrap();
        std::fs::write(at(file), text).unwrap();
        before
    };
    let settings = std::fs::read_to_string(at("relay.toml")).unwrap();
    for (text, check) in [
        (format!("{settings}\nunknown = 1\n"), "settings"),
        (settings.replace("= 1\n", "= 900000000000\n"), "disk"),
        (settings.replace("127.0.0.1:0", "192.0.2.1:9444"), "port"),
    ] {
        plant("relay.toml", &text);
        assert_eq!(doctor(&path), alone(check));
    }
    plant("relay.toml", &settings);
    let good = plant("relay.crt", "");
    assert_eq!(doctor(&path), alone("certificate"));
    plant("relay.crt", &good);
    let mode = |bits| std::fs::Permissions::from_mode(bits);
    std::fs::set_permissions(at("relay.key"), mode(0o644)).unwrap();
    assert_eq!(doctor(&path), alone("keys"));
    std::fs::set_permissions(at("relay.key"), mode(0o600)).unwrap();
    // One that the collector's settings do not name.
    let stranger = certified(&world, "site-c", 1);
    assert_eq!(doctor(stranger.path()), alone("collector"));

    let ear = UnixDatagram::bind(at("notify")).unwrap();
    ear.set_read_timeout(Some(PATIENCE)).unwrap();
    let relay = || {
        let mut command = Command::new(Program::Collector.path().unwrap());
        command.arg("--folder").arg(&path).arg("relay");
        command.env("NOTIFY_SOCKET", at("notify"));
        Daemon::start("relay", &mut command, &at("relay.log")).unwrap()
    };
    let hears = |word: &str| {
        let mut bytes = [0; 4_096];
        let length = ear.recv(&mut bytes).unwrap();
        assert!(String::from_utf8_lossy(&bytes[..length]).contains(word));
    };
    let running = relay();
    hears("READY=1");
    drop(running);
    let running = relay();
    hears("READY=1");
    running.terminate().unwrap();
    hears("STOPPING=1");
}

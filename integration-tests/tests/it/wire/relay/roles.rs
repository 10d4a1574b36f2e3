//! Role files by a relay: the collector says which bytes are right, so what is old or wrong is never
//! taken from it.

use super::super::scene::change;
use super::super::world::{World, name, now};
use super::hostile::{Does, hostile};
use super::{RELAY, agent, certified, started, world};
use patchward_collector::store::vendors::{TufFile, Vendor};
use patchward_common::digest::Digest;
use patchward_integration_tests::fixture::Hospital;
use std::path::Path;

/// The collector has this version of a vendor's repository; its files.
async fn repository(world: &World, hospital: &Hospital, version: u64) -> Vec<(String, Vec<u8>)> {
    let files = hospital.repository(version, &[]).unwrap();
    let mut added = change(world).await;
    if version == 1 {
        let vendor = Vendor {
            name: name("acme-inc"),
            repository: name("acme"),
            url: "file:///nowhere".into(),
            root_digest: Digest([1; 32]),
        };
        added.add_vendor(&vendor).await.unwrap();
    }
    let rows = files.iter().map(|(file, bytes)| TufFile {
        file: file.clone(),
        version,
        digest: Digest::of(bytes),
        bytes: bytes.clone(),
    });
    let rows: Vec<TufFile> = rows.collect();
    added.put_tuf_files(&name("acme"), &rows).await.unwrap();
    added.commit().await.unwrap();
    files.into_iter().collect()
}

fn has_all(folder: &Path, files: &[(String, Vec<u8>)]) {
    for (file, bytes) in files {
        let path = folder.join("metadata/acme").join(file);
        assert_eq!(&std::fs::read(path).unwrap(), bytes, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role_files_come_once_over_the_line_and_are_never_old() {
    let world = world().await;
    let (hospital, acme) = (Hospital::new(1, now()), name("acme"));
    let folder = certified(&world, RELAY, 100);
    let (running, address) = started(&folder).await;
    let (mut once, mut fresh) = (0, 0);
    for version in 1..=2 {
        let files = repository(&world, &hospital, version).await;
        let bytes = |wanted: bool| {
            let files = files.iter();
            let files = files.filter(move |(file, _)| file.starts_with(char::is_numeric) == wanted);
            files.map(|(_, bytes)| bytes.len() as u64).sum::<u64>()
        };
        once += bytes(true);
        for number in [2 * version - 1, 2 * version] {
            let machine = world.enrolled(u8::try_from(number).unwrap()).await;
            let link = machine.link(&world).await;
            let (kept, downloads, mut relay) = agent(&machine, &address);
            let fetched = downloads.metadata(&link, &mut relay, &acme, now());
            fetched.await.unwrap();
            has_all(kept.path(), &files);
            fresh += bytes(false);
        }
        let sent = world.fleet.sent();
        // The root has the same bytes in both.
        assert!(sent.relays <= once && sent.relays > 0, "{sent:?}, {once}");
        assert_eq!(sent.machines, fresh, "only what has no version");
    }
    running.close().await;
}

/// Attacks: other role files, older ones, parts of them, and what is no answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_relay_cannot_pass_a_role_file_off() {
    let world = world().await;
    let (hospital, acme) = (Hospital::new(1, now()), name("acme"));
    let folder = certified(&world, RELAY, 100);
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    repository(&world, &hospital, 1).await;
    let files = repository(&world, &hospital, 2).await;
    for does in [Does::OtherBytes, Does::Old, Does::BreaksOff, Does::Nonsense] {
        let (endpoint, address, asked) = hostile(folder.path(), does);
        let (kept, downloads, mut relay) = agent(&machine, &address);
        let fetched = downloads.metadata(&link, &mut relay, &acme, now());
        fetched.await.unwrap();
        has_all(kept.path(), &files);
        let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(asked, 1, "{does:?}: it is left alone after its first lie");
        endpoint.close(0u32.into(), b"");
    }
}

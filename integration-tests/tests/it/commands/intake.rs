//! Documents and releases taken in by command: all of it or nothing, and never back.

use super::desk::{Desk, machine, write_below};
use ed25519_dalek::SigningKey;
use patchward_collector::control::FailureKind::{Conflict, Input, Unavailable};
use patchward_common::time::DAY_MS;
use patchward_common::trust::tuf_author::{Edition, EditionKeys, Holders, RootSpec, TargetSpec};
use patchward_integration_tests::fixture::name;
use serde_json::json;

#[tokio::test]
async fn an_old_assignment_does_not_come_back() {
    let desk = Desk::with_machines(2).await;
    desk.ask("group add others --unit icu-3 --minimum-ready 1")
        .await;
    let group = async || {
        let mut view = desk.app.store.view().await.unwrap();
        view.groups_of(&machine(1)).await.unwrap()
    };
    let mut moved = desk.row(1);
    moved.groups = vec![name("others")];
    desk.assign_rows(2, vec![moved.clone()]).await.unwrap();
    assert_eq!(group().await, [name("others")]);
    let refused = desk.assign(1, 2).await.unwrap_err();
    assert_eq!(refused.kind, Conflict);
    assert!(
        refused.text.contains("stands in assignment 2"),
        "{}",
        refused.text
    );
    assert_eq!(group().await, [name("others")]);
    // The newest may come twice; another one with its number may not.
    desk.assign_rows(2, vec![moved]).await.unwrap();
    desk.assign(2, 2).await.unwrap_err();
    desk.assign(3, 2).await.unwrap();
    assert_eq!(group().await, [name("readers")]);
}

#[tokio::test]
async fn a_repository_is_taken_in_whole_or_not_at_all() {
    let desk = Desk::with_papers().await;
    let release = desk.papers.release("1", 1, b"1");
    let folder = desk.publish(1, &[(release.clone(), b"other bytes")]);
    let import = format!("release import acme {folder}");
    desk.refuses(&import, Input, "has other bytes than its vendor signed")
        .await;
    assert_eq!(desk.json("release list").await, json!([]));
    assert!(desk.json("vendor list").await[0]["fetched"].is_null());
    // No right to write where artifacts are kept: not the caller's mistake, and it is said.
    desk.publish(1, &[(release, b"1")]);
    let artifacts = desk.path("collector/artifacts");
    std::fs::remove_dir_all(&artifacts).unwrap();
    std::fs::write(&artifacts, b"in the way").unwrap();
    desk.refuses(&import, Unavailable, "Not a directory").await;
    std::fs::remove_file(&artifacts).unwrap();
    std::fs::create_dir(&artifacts).unwrap();
    desk.ask(&import).await;
    let shown = desk.json("release show viewer 1").await;
    assert_eq!(shown["artifacts"][0]["state"], "stored");
    assert!(!desk.json("vendor list").await[0]["fetched"].is_null());
    desk.ask("release withdraw viewer 1 --reason recall").await;
    let list = desk.json("release list --product viewer").await;
    assert_eq!(list[0]["state"], "withdrawn");
}

/// TUF 1.0 §5.3.11: a thief of the online keys signed the highest versions there are; the
/// vendor rotates them in a new root and begins where it was.
#[tokio::test]
async fn a_vendor_recovers_from_a_fast_forward() {
    let desk = Desk::with_papers().await;
    let folder = desk.path("vendor");
    let [root, below] = desk.papers.vendor.clone();
    let rotated = SigningKey::from_bytes(&[42; 32]);
    let publish = |version: u64, online: &SigningKey| {
        let mut edition = Edition::new(version, desk.papers.now.plus_ms(30 * DAY_MS));
        let release = desk.papers.release("1", 1, b"1");
        let custom = json!({ "patchward": release.release });
        let target = TargetSpec::of(b"1", Some(custom));
        edition.targets.insert(release.path.clone(), target);
        let files = edition.sign(&EditionKeys {
            timestamp: &[online],
            snapshot: &[online],
            targets: &[&below],
        });
        for (file, bytes) in files.unwrap() {
            write_below(&folder, &format!("metadata/{file}"), &bytes);
        }
    };
    let first = desk.papers.release("1", 1, b"1");
    let folder_text = desk.publish(1, &[(first, b"1")]);
    let import = format!("release import acme {folder_text}");
    desk.ask(&import).await;
    publish(i64::MAX as u64, &below);
    desk.ask(&import).await;
    publish(3, &below);
    desk.refuses(&import, Input, "the repository is refused")
        .await;
    let spec = RootSpec {
        version: 2,
        expires: desk.papers.now.plus_ms(365 * DAY_MS),
        consistent_snapshot: true,
        root: Holders::one(&root),
        timestamp: Holders::one(&rotated),
        snapshot: Holders::one(&rotated),
        targets: Holders::one(&below),
    };
    write_below(
        &folder,
        "metadata/2.root.json",
        &spec.sign(&[&root]).unwrap(),
    );
    publish(3, &rotated);
    desk.ask(&import).await;
    let mut view = desk.app.store.view().await.unwrap();
    let files = view.tuf_files(&name("acme")).await.unwrap();
    let timestamp = files.iter().find(|file| file.file == "timestamp.json");
    assert_eq!(timestamp.unwrap().version, 3);
    assert!(
        files.iter().all(|file| file.version <= 3),
        "nothing void stays"
    );
    drop(view);
    // From here on it only rises again.
    publish(4, &rotated);
    desk.ask(&import).await;
    publish(3, &rotated);
    desk.refuses(&import, Input, "the repository is refused")
        .await;
}

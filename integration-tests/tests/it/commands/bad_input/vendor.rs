//! `release import`: repositories that are damaged or reach out of their folder.

use crate::commands::desk::{Desk, write_below};
use patchward_collector::control::FailureKind::Input;
use serde_json::json;

#[tokio::test]
async fn vendors_repositories() {
    let desk = Desk::with_papers().await;
    let release = desk.papers.release("1", 1, b"1");
    let folder = desk.publish(1, &[(release, b"1")]);
    let import = format!("release import acme {folder}");
    let metadata = desk.path("vendor/metadata");
    let deep = ["[".repeat(5_000), "]".repeat(5_000)].concat();
    for file in [
        "1.root.json",
        "timestamp.json",
        "1.snapshot.json",
        "1.targets.json",
    ] {
        let path = metadata.join(file);
        let good = std::fs::read(&path).unwrap();
        let text = String::from_utf8(good.clone()).unwrap();
        let role = file.trim_start_matches("1.").trim_end_matches(".json");
        let other_version = text.replace("\"spec_version\":\"1.", "\"spec_version\":\"2.");
        assert_ne!(other_version, text);
        for bad in [
            &b""[..],
            &good[..good.len() / 2],
            deep.as_bytes(),
            &[b"\xff", &good[..]].concat(),
            &[&good[..], b"\0"].concat(),
            other_version.as_bytes(),
            &vec![b' '; 8 << 20],
        ] {
            std::fs::write(&path, bad).unwrap();
            let why = format!("ask its vendor for a new copy: \"{role}\"");
            desk.refuses(&import, Input, &why).await;
        }
        std::fs::remove_file(&path).unwrap();
        let missing = match role {
            "root" => "has no metadata/1.root.json",
            _ => "the repository has no",
        };
        desk.refuses(&import, Input, missing).await;
        std::fs::create_dir(&path).unwrap();
        desk.refuses(&import, Input, "Is a directory").await;
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, good).unwrap();
    }
    let nowhere = format!("release import acme {}", desk.path("nowhere").display());
    desk.refuses(&nowhere, Input, "is it a TUF repository?")
        .await;
    // An artifact that is a link out of the folder is not followed.
    let targets = desk.path("vendor/targets");
    std::fs::rename(&targets, desk.path("elsewhere")).unwrap();
    write_below(&targets, "empty", b"");
    let place = std::fs::read_dir(desk.path("elsewhere")).unwrap().next();
    let place = place.unwrap().unwrap();
    std::os::unix::fs::symlink(place.path(), targets.join(place.file_name())).unwrap();
    let said = desk.ask(&import).await.text();
    assert!(said.contains("are not in the folder"), "{said}");
    assert_eq!(desk.json("release list").await, json!([]));
}

//! What people see and say over years, by command.

use super::desk::{Desk, machine, now};
use ed25519_dalek::SigningKey;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::go_keys;
use patchward_collector::store::machines::MachineState;
use patchward_common::plan::file;
use patchward_common::time::DAY_MS;
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::{GoKey, Roster};
use patchward_common::trust::sign::{Document as _, PublicKey};
use patchward_integration_tests::fixture::sign;
use serde_json::json;

/// A machine that slept is IT's move, says why, and comes back with one word.
#[tokio::test]
async fn who_comes_back_is_asked_about_and_accepted_by_name() {
    let desk = Desk::with_machines(2).await;
    let ended = now().plus_ms(-150 * DAY_MS);
    let mut change = desk.change().await;
    change
        .add_certificate(&machine(1), "0a", ended)
        .await
        .unwrap();
    change
        .move_machine(
            &machine(2),
            MachineState::Enrolled,
            MachineState::Stored,
            "put away",
        )
        .await
        .unwrap();
    for number in [1, 2] {
        change.ask_return(&machine(number)).await.unwrap();
    }
    change.commit().await.unwrap();
    let waiting = desk.json("machine waiting").await;
    let waiting = waiting.as_array().unwrap();
    let why = |at: usize| waiting[at]["why"].as_str().unwrap().to_owned();
    assert_eq!(waiting[0]["host"], "pc-1");
    assert!(why(0).contains(&ended.to_string()), "{}", why(0));
    assert!(why(1).contains("put away"), "{}", why(1));
    let items = desk.json("item list").await;
    let items = items.as_array().unwrap().iter();
    let item = items.clone().find(|row| row["item"] == "enrol:pc-1");
    let item = item.unwrap();
    assert_eq!(item["owner"], "it");
    let says = item["why"].as_str().unwrap();
    assert!(says.contains("`machine accept pc-1`"), "{says}");
    desk.refuses("machine accept pc-1 --name pc-9", Input, "comes back")
        .await;
    let no = "machine refuse pc-1 --reason no";
    desk.refuses(no, Conflict, "machine revoke pc-1").await;
    for name in ["pc-1", "pc-2"] {
        desk.ask(&format!("machine accept {name}")).await;
    }
    desk.refuses("machine accept pc-1", NotFound, "waits").await;
    let mut view = desk.app.store.view().await.unwrap();
    for number in [1, 2] {
        let row = view.machine(&machine(number)).await.unwrap().unwrap();
        assert_eq!(row.state, MachineState::Enrolled);
        let back = view.return_of(&machine(number)).await.unwrap().unwrap();
        assert!(back.accepted_at.is_some());
    }
}

/// The authority is followed by command: nobody is left behind unnoticed.
#[tokio::test]
async fn the_authority_is_followed_by_command() {
    let desk = Desk::with_machines(2).await;
    let before = desk.json("ca show").await;
    assert_eq!(before["next"], serde_json::Value::Null);
    desk.refuses("ca finish --reason no", Conflict, "`ca next` makes one")
        .await;
    desk.ask("ca next --reason it~ends").await;
    desk.refuses("ca next --reason again", Conflict, "already")
        .await;
    let shown = desk.json("ca show").await;
    assert_eq!(shown["authority"], before["authority"]);
    assert_eq!(shown["not_yet"][1]["machine"], "pc-2");
    // One comes with a certificate of the next one.
    let store = &desk.app.store;
    store.record_reached(&[machine(1)], now()).await.unwrap();
    let finish = "ca finish --reason known";
    desk.refuses(
        finish,
        Conflict,
        "1 machines do not know the next authority yet: pc-2",
    )
    .await;
    let done = desk.ask(&format!("{finish} --leave-behind")).await.text();
    assert!(done.contains("new token: pc-2"), "{done}");
    assert!(done.contains("let nobody in any more: t."), "{done}");
    let after = desk.json("ca show").await;
    assert_eq!(after["authority"], shown["next"]);
    assert_eq!(after["next"], serde_json::Value::Null);
    let noted = store.view().await.unwrap().authority().await.unwrap();
    let noted = noted.unwrap().to_string();
    assert_eq!(after["authority"], noted.as_str());
    // The next one can be followed in its turn.
    desk.ask("ca next --reason again").await;
}

/// The next roster of the hospital, changed.
async fn roster(desk: &Desk, number: u64, change: impl FnOnce(&mut Roster)) -> String {
    let mut roster = desk.papers.roster();
    roster.number = number;
    change(&mut roster);
    let signed = sign(&roster, &[&desk.papers.registrar]);
    let path = desk.write(&patchward_common::plan::file::to_bytes(
        Roster::TYPE,
        &signed,
    ));
    let added = desk.tries(&["document", "add", &path]).await;
    added
        .unwrap_or_else(|failure| panic!("{}", failure.text))
        .text()
}

/// The go-key that signs after a start of the collector.
async fn at_start(desk: &Desk) -> PublicKey {
    let started = go_keys::at_start(&desk.app.folder, &desk.app.store, now());
    PublicKey::of(&started.await.unwrap())
}

/// The next go-key signs from the first start on after a roster named it, and not before.
#[tokio::test]
async fn the_go_key_is_replaced_once_a_roster_names_the_next_one() {
    let desk = Desk::with_papers().await;
    // The key that the desk's collector runs with.
    let old = desk.app.go_key();
    let folder = &desk.app.folder;
    patchward_collector::folder::new_key(&folder.go_key()).unwrap();
    let first = at_start(&desk).await;
    desk.ask("go-key next --reason a~year").await;
    desk.refuses("go-key next --reason again", Conflict, "already")
        .await;
    let next = go_keys::next(folder).unwrap().unwrap();
    let shown = desk.json("go-key show").await;
    assert_eq!(shown["next"], next.to_string().as_str());
    assert_eq!(shown["next_named"], false);
    assert_eq!(at_start(&desk).await, first, "nobody would take its go");
    let said = roster(&desk, 2, |roster| {
        let both = roster.go_keys[0].clone();
        roster.go_keys.push(GoKey { key: next, ..both });
    });
    let said = said.await;
    assert!(said.contains("start the collector anew"), "{said}");
    assert_eq!(desk.json("go-key show").await["next_named"], true);
    assert_eq!(at_start(&desk).await, next);
    // It is the one from then on, also without the old one in the roster.
    assert_eq!(go_keys::next(folder).unwrap(), None);
    roster(&desk, 3, |roster| roster.go_keys[0].key = next).await;
    assert_eq!(at_start(&desk).await, next);
    assert_ne!(next, old);
}

/// A roster that knows a stop's signer no more does not end the stop.
#[tokio::test]
async fn a_stop_outlives_its_signers_key() {
    let desk = Desk::with_papers().await;
    desk.ask("stop now --unit icu-3 --reason smoke").await;
    let first = desk.json("stop list").await[0].clone();
    // With its key still named, nothing is signed anew.
    let said = roster(&desk, 2, |_| {}).await;
    assert!(!said.contains("signed them anew"), "{said}");
    let said = roster(&desk, 3, |roster| {
        roster.go_keys[0].key = PublicKey::of(&SigningKey::from_bytes(&[42; 32]));
    });
    let said = said.await;
    assert!(said.contains("1 stops") && said.contains("smoke"), "{said}");
    let after = desk.json("stop list").await;
    assert_eq!(after.as_array().unwrap().len(), 1);
    assert_ne!(after[0]["stop"], first["stop"]);
    for same in ["scope", "about", "reason"] {
        assert_eq!(after[0][same], first[same]);
    }
    let stop = after[0]["stop"].as_str().unwrap();
    desk.ask(&format!("stop lift {stop} --reason aired")).await;
}

/// Root keys and registrars follow one another by charters: the next root needs the old one's
/// signatures and its own, and what a registrar signed ends with them.
#[tokio::test]
async fn root_and_registrars_are_replaced_by_the_next_charters() {
    let desk = Desk::with_papers().await;
    let papers = &desk.papers;
    let pinned = desk.app.hospital_root().await.unwrap();
    let [root, registrar] = [51, 52].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    let mut charter = papers.charter();
    charter.number = 2;
    charter.root.keys = vec![PublicKey::of(&root)];
    charter.registrars[0].key = PublicKey::of(&registrar);
    let add = async |charter: &Charter, keys: &[&SigningKey]| {
        let signed = sign(charter, keys);
        let path = desk.write(&file::to_bytes(Charter::TYPE, &signed));
        desk.tries(&["document", "add", &path]).await.is_ok()
    };
    assert!(!add(&charter, &[&root]).await, "the old root did not sign");
    assert!(!add(&charter, &[&papers.root]).await, "the new one did not");
    assert!(add(&charter, &[&papers.root, &root]).await);
    // The roster of the registrar who left counts nowhere, nor does another one of theirs.
    assert_eq!(desk.json("go-key show").await["named"], false);
    let mut roster = papers.roster();
    roster.number = 2;
    for (key, counts) in [(&papers.registrar, false), (&registrar, true)] {
        let signed = sign(&roster, &[key]);
        let path = desk.write(&file::to_bytes(Roster::TYPE, &signed));
        let added = desk.tries(&["document", "add", &path]).await;
        assert_eq!(added.is_ok(), counts);
    }
    assert_eq!(desk.json("go-key show").await["named"], true);
    // From then on the new root signs alone, and the old one nothing any more.
    charter.number = 3;
    assert!(!add(&charter, &[&papers.root]).await);
    assert!(add(&charter, &[&root]).await);
    // New machines pin the first root still, and follow the charters from there.
    assert_eq!(desk.app.hospital_root().await.unwrap(), pinned);
}

/// A token was leaked: it ends, and who came with it is named.
#[tokio::test]
async fn who_came_with_a_leaked_token_is_named() {
    let desk = Desk::with_machines(2).await;
    let mut change = desk.change().await;
    super::desk::asks(&mut change, 3).await;
    change.commit().await.unwrap();
    let said = desk.ask("token revoke t").await.text();
    assert!(said.contains("token used t"), "{said}");
    let used = desk.json("token used t").await;
    let seen = used.as_array().unwrap().iter();
    let seen: Vec<_> = seen
        .map(|row| (row["host"].clone(), row["was"].clone(), row["is"].clone()))
        .collect();
    assert_eq!(seen.len(), 3);
    for (host, was, is) in [
        ("pc-1", "accepted", json!("enrolled")),
        ("pc-3", "waiting", json!(null)),
    ] {
        assert!(seen.contains(&(json!(host), json!(was), is)), "{seen:?}");
    }
    desk.refuses("token used nothing", NotFound, "token list")
        .await;
}

/// Two machines with one identity: the item says what to do, and a word settles it.
#[tokio::test]
async fn a_replaced_mainboard_is_asked_about_and_settled() {
    let desk = Desk::with_machines(1).await;
    let mut change = desk.change().await;
    let seen = "its facts changed once: another mainboard, or a copy";
    change.suspect_clone(&machine(1), seen).await.unwrap();
    change.commit().await.unwrap();
    let item = async || {
        let items = desk.json("item list").await;
        let rows = items.as_array().unwrap().clone();
        rows.into_iter().find(|row| row["item"] == "copied:pc-1")
    };
    let why = item().await.unwrap()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("`machine not-a-clone pc-1`"), "{why}");
    let shown = desk.json("machine show pc-1").await;
    assert_eq!(shown["clone_suspected"], seen);
    desk.ask("machine not-a-clone pc-1 --reason new~board")
        .await;
    assert!(item().await.is_none());
}

//! What people see and say over years, by command.

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::store::machines::MachineState;
use patchward_common::time::DAY_MS;

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

//! What was changed, removed or counted while a form was open, and what is emptied in one.

use super::{at, edited, editor, head, sends};
use crate::commands::page::browsing::on_large_stack;
use axum::http::StatusCode;
use patchward_collector::store::assets::Asset;
use patchward_integration_tests::fixture::label;
use std::sync::Arc;

const AGAIN: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[test]
fn what_was_changed_between_what_would_happen_and_the_confirmation_is_shown_again() {
    on_large_stack(|| async {
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        let path = at("window change");
        let form = ada.open(&format!("{path}?name=night")).await;
        let first = ada.sends(&path, &form, &[("minutes", "120")]).await;
        first.says(StatusCode::OK, "Read this first.");
        desk.ask("window change night --minutes 90").await;
        let before = head(&desk).await;
        let late = ada.sends(&path, &first, &[("_why", "longer")]).await;
        late.says(AGAIN, "was changed after this form was opened by local:0");
        late.says(AGAIN, "It is 90 now.");
        assert_eq!(head(&desk).await, before);
        // What is shown again is first shown what would come of it, as before.
        let first = ada.sends(&path, &late, &[]).await;
        first.says(StatusCode::OK, "Read this first.");
        let done = ada.sends(&path, &first, &[("_why", "longer")]).await;
        done.says(StatusCode::OK, "Done.");
        assert_eq!(desk.json("window list").await[0]["minutes"], 120);
    });
}

#[test]
fn what_was_removed_meanwhile_does_not_come_back_unseen() {
    on_large_stack(|| async {
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        for (edit, named, meanwhile, list) in [
            ("asset put", "tag=A-1", "asset remove A-1", "asset list"),
            (
                "risk put",
                "release=viewer%3D1&model=station",
                "risk remove viewer=1 --model station",
                "risk list",
            ),
            (
                "oncall set",
                "level=1",
                "oncall remove --level 1",
                "oncall list",
            ),
        ] {
            let form = ada.open(&format!("{}?{named}", at(edit))).await;
            desk.ask(meanwhile).await;
            let before = head(&desk).await;
            let late = sends(&mut ada, edit, &form, &[]).await;
            late.says(AGAIN, "is not there any more, or not under this name");
            assert_eq!(head(&desk).await, before, "{edit}");
            // Who means it adds it.
            let done = sends(&mut ada, edit, &late, &[]).await;
            done.says(StatusCode::OK, "Done.");
            let listed = desk.json(list).await;
            // Assets stand below what is counted of them.
            let rows = listed.as_array().or(listed["assets"].as_array());
            assert_eq!(rows.map(Vec::len), Some(1), "{listed}");
        }
    });
}

#[test]
fn what_is_emptied_is_emptied_or_said_to_stay() {
    on_large_stack(|| async {
        let desk = edited().await;
        desk.ask("window change night --valid-until 2040-01-01T00:00:00Z")
            .await;
        desk.ask("oncall set Ann --contact 1 --after-minutes 30")
            .await;
        let mut ada = editor(&desk, "ada").await;
        let form = ada.open("/do/asset/put?tag=A-1").await;
        assert_eq!(form.value("location"), "bed 3");
        let done = sends(&mut ada, "asset put", &form, &[("location", "")]).await;
        done.says(StatusCode::OK, "Done.");
        let asset = desk.json("asset show A-1").await.to_string();
        assert!(!asset.contains("bed 3"), "{asset}");

        let form = ada.open("/do/window/change?name=night").await;
        let before = head(&desk).await;
        let stays = sends(&mut ada, "window change", &form, &[("zone", "")]).await;
        stays.says(AGAIN, "This cannot be emptied here; it stays UTC.");
        assert_eq!(stays.value("zone"), "UTC");
        assert_eq!(head(&desk).await, before);
        let done = sends(&mut ada, "window change", &stays, &[("valid_until", "")]).await;
        done.says(StatusCode::OK, "Done.");
        let form = ada.open("/do/window/change?name=night").await;
        assert_eq!(form.value("valid_until"), "");

        // What is left as it is stays, whatever a command takes where nothing is said.
        let form = ada.open("/do/oncall/set?level=1").await;
        let done = sends(&mut ada, "oncall set", &form, &[("contact", "2")]).await;
        done.says(StatusCode::OK, "Done.");
        assert_eq!(desk.json("oncall list").await[0]["after_minutes"], 30);
    });
}

#[test]
fn nobody_is_named_whose_doing_is_older_than_the_form() {
    on_large_stack(|| async {
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        let form = ada.open("/do/asset/put?tag=A-1").await;
        // An import is one row, about the first of its assets.
        let imported = ["Z-9", "A-1"].map(|tag| Asset {
            location: "elsewhere".to_owned(),
            ..Asset::new(label(tag))
        });
        let mut change = desk.change().await;
        change.put_assets(&imported).await.unwrap();
        change.commit().await.unwrap();
        let late = sends(&mut ada, "asset put", &form, &[("serial", "7")]).await;
        late.says(AGAIN, "A-1 was changed after this form was opened. Nothing");
        late.says(AGAIN, "It is elsewhere now.");
    });
}

#[test]
fn what_would_happen_is_counted_while_somebody_else_edits() {
    on_large_stack(|| async {
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        let path = at("window change");
        let form = ada.open(&format!("{path}?name=night")).await;
        let turn = Arc::clone(&ada.web.edits).lock_owned().await;
        let first = ada.sends(&path, &form, &[("minutes", "120")]).await;
        first.says(StatusCode::OK, "Read this first.");
        drop(turn);
    });
}

//! What takes time from signed work, or an account from a person, says first what will happen,
//! and does nothing before it was meant.

use super::browsing::{Guest, on_large_stack};
use crate::commands::desk::{Desk, UNIT};
use axum::http::StatusCode;

/// Two machines, one of which has signed work tonight: the other waits for it to soak.
async fn signed() -> Desk {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask(&format!("window once tonight --unit {UNIT} --minutes 600"))
        .await;
    let plan = desk.plan("P", "--release viewer=2 --unit icu-3").await;
    let key = &desk.papers.alice;
    desk.signed(&plan, &[key]).await.unwrap();
    desk
}

#[test]
fn what_takes_something_away_says_first_what_and_how_much() {
    on_large_stack(|| async {
        let desk = signed().await;
        desk.ask("user add vera --title Vera --role viewer").await;
        let mut vera = Guest::at(&desk);
        vera.signs_in(&desk, "vera", crate::commands::desk::now())
            .await;
        let mut ada = Guest::with_roles(&desk, "ada", &["admin", "approver"]).await;
        let until = "2099-01-01T00:00:00Z";
        let freeze = [("name", "list"), ("until", until), ("reason", "full")];
        let remove = [("name", "tonight"), ("reason", "moved")];
        for (path, answers, said) in [
            ("/do/freeze/add", &freeze[..], "in 1 unit with 2 machines"),
            (
                "/do/freeze/add",
                &freeze[..],
                "1 waiting job loses slots by it",
            ),
            (
                "/do/window/remove",
                &remove[..],
                "1 waiting job loses slots by it",
            ),
            (
                "/do/window/remove",
                &remove[..],
                "It touches 2 machines in icu-3.",
            ),
            (
                "/do/window/change",
                &[("name", "tonight"), ("minutes", "6")][..],
                "1 waiting job loses slots by it",
            ),
            (
                "/do/user/end",
                &[("name", "vera")][..],
                "has 1 open session and 0 passkeys",
            ),
        ] {
            let head = async || {
                let mut view = desk.app.store.view().await.unwrap();
                view.audit_head().await.unwrap()
            };
            let before = head().await;
            let form = ada.open(&format!("{path}?name={}", answers[0].1)).await;
            let first = ada.sends(path, &form, answers).await;
            first.says(StatusCode::OK, "Read this first.");
            first.says(StatusCode::OK, said);
            assert_eq!(head().await, before, "{path} did something");
        }
        let windows = desk.json("window list").await;
        assert_eq!(windows.as_array().unwrap().len(), 1, "{windows}");
    });
}

#[test]
fn once_it_is_meant_and_said_why_it_is_done() {
    on_large_stack(|| async {
        let desk = signed().await;
        desk.ask("user add vera --title Vera --role viewer").await;
        let mut ada = Guest::with_roles(&desk, "ada", &["admin", "approver"]).await;
        let path = "/do/window/change";
        let answers = [("name", "tonight"), ("minutes", "700")];
        let form = ada.open(&format!("{path}?name=tonight")).await;
        let first = ada.sends(path, &form, &answers).await;
        // Without a reason it is asked for again.
        let again = ada.sends(path, &first, &[]).await;
        again.says(StatusCode::OK, "Read this first.");
        let done = ada.sends(path, &again, &[("_why", "longer nights")]).await;
        done.says(StatusCode::OK, "Done.");
        assert_eq!(desk.json("window list").await[0]["minutes"], 700);
        let log = desk.json("audit list").await.to_string();
        assert!(log.contains("longer nights"), "{log}");
        // What is refused is refused before it is confirmed.
        let form = ada.open("/do/user/end").await;
        let nobody = ada
            .sends("/do/user/end", &form, &[("name", "nobody")])
            .await;
        nobody.says(
            StatusCode::UNPROCESSABLE_ENTITY,
            "There is no account nobody",
        );
    });
}

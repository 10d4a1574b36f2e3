//! Two people edit the same thing: who comes second is told, and overwrites nothing.

mod later;

use super::browsing::{Answer, Guest, on_large_stack};
use crate::commands::desk::Desk;
use axum::http::StatusCode;
use patchward_collector::store::audit::Head;
use patchward_collector::web::held::EDITS;
use std::collections::BTreeSet;

/// An edit that somebody has open while somebody else does the same at a terminal.
struct Raced {
    edit: &'static str,
    /// What the address of its form names.
    named: &'static str,
    meanwhile: &'static str,
    /// What is sent.
    sent: &'static [(&'static str, &'static str)],
    /// What it says beside a field.
    now: &'static str,
}

const RACED: [Raced; 7] = [
    Raced {
        edit: "unit edit",
        named: "name=icu-3",
        meanwhile: "unit edit icu-3 --title Theirs",
        sent: &[("name", "icu-3"), ("title", "Mine")],
        now: "It is Theirs now.",
    },
    Raced {
        edit: "group edit",
        named: "name=readers",
        meanwhile: "group edit readers --minimum-ready 2",
        sent: &[("name", "readers"), ("minimum_ready", "3")],
        now: "It is 2 now.",
    },
    Raced {
        edit: "user grant",
        named: "name=vera",
        meanwhile: "user grant vera --role auditor --role technician",
        sent: &[("name", "vera"), ("roles", "security")],
        now: "It is auditor, technician now.",
    },
    Raced {
        edit: "window change",
        named: "name=night",
        meanwhile: "window change night --minutes 90",
        sent: &[("name", "night"), ("minutes", "120")],
        now: "It is 90 now.",
    },
    Raced {
        edit: "asset put",
        named: "tag=A-1",
        meanwhile: "asset put A-1 --location bed~4",
        sent: &[("tag", "A-1"), ("location", "bed 5")],
        now: "It is bed 4 now.",
    },
    Raced {
        edit: "risk put",
        named: "release=viewer%3D1&model=station",
        meanwhile: "risk put viewer=1 --model station --of-patching a --of-waiting b --decision wait \
                    --reason theirs --by Ben --review 2040-01-01T00:00:00Z",
        sent: &[
            ("release", "viewer=1"),
            ("model", "station"),
            ("of_patching", "a"),
            ("of_waiting", "b"),
            ("decision", "patch"),
            ("reason", "mine"),
            ("by", "Ada"),
            ("review", "2040-01-01T00:00:00Z"),
        ],
        now: "It is theirs now.",
    },
    Raced {
        edit: "oncall set",
        named: "level=1",
        meanwhile: "oncall set Ben --contact 2",
        sent: &[("who", "Cleo"), ("contact", "3"), ("level", "1")],
        now: "It is Ben now.",
    },
];

/// A hospital with one of each of them.
async fn edited() -> Desk {
    let desk = Desk::with_papers().await;
    desk.import(&["1"]).await;
    for line in [
        "user add vera --title Vera --role viewer",
        "window add night --unit icu-3 --cron 0~2~*~*~Tue --zone UTC --minutes 60",
        "asset put A-1 --location bed~3",
        "risk put viewer=1 --model station --of-patching a --of-waiting b --decision wait --reason r \
         --by Ann --review 2040-01-01T00:00:00Z",
        "oncall set Ann --contact 1",
    ] {
        desk.ask(line).await;
    }
    desk
}

/// Somebody who may edit all of it.
async fn editor(desk: &Desk, who: &str) -> Guest {
    Guest::with_roles(desk, who, &["admin", "approver", "operator"]).await
}

async fn head(desk: &Desk) -> Head {
    let mut view = desk.app.store.view().await.unwrap();
    view.audit_head().await.unwrap()
}

/// Sends a form that was opened, with these answers.
async fn sends(guest: &mut Guest, edit: &str, form: &Answer, sent: &[(&str, &str)]) -> Answer {
    let answer = guest.sends(&at(edit), form, sent).await;
    match answer.text().contains("name=\"_confirmed\"") {
        // What decides on machines is confirmed, with a reason, before it is done.
        true => guest.sends(&at(edit), &answer, &[("_why", "a test")]).await,
        false => answer,
    }
}

fn at(edit: &str) -> String {
    format!("/do/{}", edit.replace(' ', "/"))
}

#[test]
fn no_edit_overwrites_what_was_not_seen() {
    on_large_stack(|| async {
        let tried: BTreeSet<&str> = RACED.iter().map(|raced| raced.edit).collect();
        let all: BTreeSet<&str> = EDITS.iter().map(|(path, _)| *path).collect();
        assert_eq!(tried, all);
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        for raced in RACED {
            let (edit, path) = (raced.edit, at(raced.edit));
            let form = ada.open(&format!("{path}?{}", raced.named)).await;
            assert_eq!(form.status, StatusCode::OK, "{edit}");
            desk.ask(raced.meanwhile).await;
            let before = head(&desk).await;
            let late = sends(&mut ada, edit, &form, raced.sent).await;
            late.says(StatusCode::UNPROCESSABLE_ENTITY, raced.now);
            late.says(
                StatusCode::UNPROCESSABLE_ENTITY,
                "was changed after this form was opened by local:0",
            );
            assert_eq!(head(&desk).await, before, "{edit} changed something");
            // Who has seen it may still mean it.
            let done = sends(&mut ada, edit, &late, raced.sent).await;
            done.says(StatusCode::OK, "Done.");
            assert_ne!(head(&desk).await, before, "{edit}");
        }
    });
}

#[test]
fn what_each_of_two_people_changed_is_kept() {
    on_large_stack(|| async {
        let desk = edited().await;
        let (mut ada, mut ben) = (editor(&desk, "ada").await, editor(&desk, "ben").await);
        let path = "/do/unit/edit?name=icu-3&_back=/settings";
        let (first, second) = (ada.open(path).await, ben.open(path).await);
        assert_eq!(
            (first.value("title"), first.value("class")),
            ("icu-3".into(), "standard".into())
        );
        let sent = [
            ("name", "icu-3"),
            ("title", "Intensive care"),
            ("class", "standard"),
        ];
        let done = sends(&mut ada, "unit edit", &first, &sent).await;
        done.says(StatusCode::OK, "Done.");
        let sent = [("name", "icu-3"), ("title", "icu-3"), ("class", "critical")];
        let late = sends(&mut ben, "unit edit", &second, &sent).await;
        late.says(StatusCode::UNPROCESSABLE_ENTITY, "form was opened by ada, ");
        // Ada's title, and his own class.
        let shown = ["title", "class"].map(|field| late.value(field));
        assert_eq!(shown, ["Intensive care", "critical"]);
        let sent = [
            ("name", "icu-3"),
            ("title", &*shown[0]),
            ("class", &*shown[1]),
        ];
        let done = sends(&mut ben, "unit edit", &late, &sent).await;
        done.says(StatusCode::OK, "Done.");
        let units = desk.json("unit list").await;
        assert_eq!(units[0]["title"], "Intensive care");
        assert_eq!(units[0]["class"], "critical");
    });
}

#[test]
fn of_two_who_edit_at_once_one_is_told() {
    on_large_stack(|| async {
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        let mut ben = editor(&desk, "ben").await.at_the_page_of(&ada);
        let path = "/do/group/edit?name=readers";
        let (first, second) = (ada.open(path).await, ben.open(path).await);
        let ready = |number| [("name", "readers"), ("minimum_ready", number)];
        let (two, three) = (ready("2"), ready("3"));
        let (one, other) = tokio::join!(
            sends(&mut ada, "group edit", &first, &two),
            sends(&mut ben, "group edit", &second, &three),
        );
        let mut came = [one.status.as_u16(), other.status.as_u16()];
        came.sort_unstable();
        assert_eq!(came, [200, 422], "{}", other.text());
    });
}

#[test]
fn a_form_that_was_opened_empty_shows_first_what_is_there() {
    on_large_stack(|| async {
        let desk = edited().await;
        let mut ada = editor(&desk, "ada").await;
        let empty = ada.open("/do/user/grant").await;
        assert!(!empty.text().contains("name=\"_seen\""));
        let own = ["_token", "_form"].map(|field| (field, empty.value(field)));
        let fields = [
            (own[0].0, own[0].1.as_str()),
            (own[1].0, own[1].1.as_str()),
            ("name", "vera"),
            ("roles", "security"),
        ];
        let before = head(&desk).await;
        let first = ada.fills("/do/user/grant", &fields).await;
        first.says(
            StatusCode::UNPROCESSABLE_ENTITY,
            "vera is there already, and this is what it has",
        );
        first.says(StatusCode::UNPROCESSABLE_ENTITY, "It is viewer now.");
        assert_eq!(head(&desk).await, before);
        let sent = [("name", "vera"), ("roles", "security")];
        let done = sends(&mut ada, "user grant", &first, &sent).await;
        done.says(StatusCode::OK, "vera is security.");
        // What is new has nothing to be seen.
        let used = first.value("_form");
        let new = [fields[0], ("_form", used.as_str()), ("tag", "B-1")];
        let twice = ada.fills("/do/asset/put", &new).await;
        twice.says(StatusCode::CONFLICT, "sent already");
        let form = ada.open("/do/asset/put").await.value("_form");
        let new = [fields[0], ("_form", form.as_str()), ("tag", "B-1")];
        let done = ada.fills("/do/asset/put", &new).await;
        done.says(StatusCode::OK, "Done.");
    });
}

#[test]
fn a_form_tells_nobody_what_another_unit_has() {
    on_large_stack(|| async {
        let desk = edited().await;
        desk.ask("unit add or-1 --site main --class standard").await;
        desk.ask("asset put B-1 --unit or-1 --serial theirs").await;
        let mut tess = Guest::with_roles(&desk, "tess", &["technician:icu-3"]).await;
        let form = tess.open("/do/asset/put?tag=B-1").await;
        assert!(!form.text().contains("theirs"), "{}", form.text());
        let own = ["_token", "_form"].map(|field| (field, form.value(field)));
        let sent = [
            (own[0].0, own[0].1.as_str()),
            (own[1].0, own[1].1.as_str()),
            ("tag", "B-1"),
            ("location", "here"),
        ];
        let refused = tess.fills("/do/asset/put", &sent).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(!refused.text().contains("theirs"), "{}", refused.text());
    });
}

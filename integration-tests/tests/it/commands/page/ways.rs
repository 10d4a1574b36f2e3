//! Where what stands on pages leads: every address is answered, a filter leaves what it names,
//! and a count leads to as many rows as it says.

use super::browsing::{Guest, on_large_stack};
use crate::commands::desk::{Desk, UNIT, asks};
use axum::http::StatusCode;
use patchward_collector::web::link::WAYS;
use std::collections::BTreeSet;

/// What nothing is called.
const NOTHING: &str = "nobody";
/// What stands where no page is.
const NO_PAGE: &str = "There is no page at this address";

/// A hospital in which something is planned, with an asset, contacts and two accounts.
async fn hospital() -> (Desk, String) {
    let desk = Desk::with_machines(3).await;
    desk.import(&["1", "2"]).await;
    for line in [
        "user add vera --title Vera --role viewer",
        "asset put A-1 --unit icu-3",
        "vendor contact add Acme Kim --role product~security --reached-by psirt@acme.example",
        "vendor contact add Other Lee --role product~security --reached-by lee@other.example",
    ] {
        desk.ask(line).await;
    }
    // Somebody has to let it in, so that something is open.
    let mut change = desk.change().await;
    asks(&mut change, 9).await;
    change.commit().await.unwrap();
    let plan = planned(&desk).await;
    (desk, plan)
}

/// A signed plan of every machine, for tonight.
async fn planned(desk: &Desk) -> String {
    desk.ask(&format!("window once tonight --unit {UNIT} --minutes 600"))
        .await;
    let plan = desk.plan("P", "--release viewer=2 --unit icu-3").await;
    let key = &desk.papers.alice;
    desk.signed(&plan, &[key]).await.unwrap();
    plan
}

async fn admin(desk: &Desk) -> Guest {
    let roles = ["admin", "approver", "operator", "auditor", "security"];
    Guest::with_roles(desk, "ada", &roles).await
}

/// Something that a column names here; none where the hospital has nothing of it.
fn known(column: &str, plan: &str) -> Option<String> {
    let text = match column {
        "machine" | "evidence_of_machine" => "pc-1",
        "unit" | "evidence_of_unit" => UNIT,
        "plan" => plan,
        "asset" | "tag" => "A-1",
        "vendor" => "Acme",
        "repository" => "acme",
        "account" => "vera",
        "release" | "evidence_of_release" => "viewer%3D2",
        "installs" => "viewer%202",
        _ => return None,
    };
    Some(text.to_owned())
}

/// The lines of a list's file at an address, without its head, and the place of a column in it.
async fn file(guest: &mut Guest, address: &str, column: &str) -> (Vec<String>, Option<usize>) {
    let (asked, list) = address.split_once('#').unwrap();
    let mark = if asked.contains('?') { '&' } else { '?' };
    let answer = guest.open(&format!("{asked}{mark}csv={list}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{address}");
    assert!(!answer.is_page(), "{address} has no list {list}");
    let text = answer.text();
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::to_owned);
    let head = lines.next().unwrap_or_default();
    let place = head.split(',').position(|name| name == column);
    (lines.collect(), place)
}

#[test]
fn every_way_is_answered_and_its_filter_filters() {
    on_large_stack(|| async {
        let (desk, plan) = hospital().await;
        let mut ada = admin(&desk).await;
        for (column, to) in WAYS {
            let value = known(column, &plan);
            let address = to.replace("{}", value.as_deref().unwrap_or(NOTHING));
            let path = address.split('#').next().unwrap();
            let answer = ada.open(path).await;
            let text = answer.text();
            assert!(!text.contains(NO_PAGE), "{column}: {address}");
            match &value {
                Some(_) => assert_eq!(answer.status, StatusCode::OK, "{address}: {text}"),
                None => assert!(!answer.status.is_server_error(), "{address}: {text}"),
            }
            let (Some(value), true) = (value, to.contains('?')) else {
                continue;
            };
            let (rows, at) = file(&mut ada, &address, column).await;
            let at = at.unwrap_or_else(|| panic!("{address} has no {column}"));
            let found: BTreeSet<&str> = rows
                .iter()
                .filter_map(|row| row.split(',').nth(at))
                .collect();
            assert_eq!(found, BTreeSet::from([value.as_str()]), "{address}");
            let none = to.replace("{}", NOTHING);
            let (rows, _) = file(&mut ada, &none, column).await;
            assert!(rows.is_empty(), "{none}: {rows:?}");
        }
    });
}

/// The links of a page whose words are a number and that lead to a list, with that number.
fn counts(text: &str) -> Vec<(String, usize)> {
    let links = text.split("<a href=\"").skip(1).filter_map(|rest| {
        let (href, rest) = rest.split_once("\">")?;
        let count = rest.split_once("</a>")?.0.parse().ok()?;
        let href = href.replace("&#38;", "&").replace("&amp;", "&");
        let is_filter = href.contains('#') && href.contains('=');
        is_filter.then_some((href, count))
    });
    links.collect()
}

#[test]
fn a_count_leads_to_as_many_rows_as_it_says() {
    on_large_stack(|| async {
        let (desk, plan) = hospital().await;
        let mut ada = admin(&desk).await;
        let mut followed = BTreeSet::new();
        for page in [
            "/".to_owned(),
            "/updates".to_owned(),
            "/updates/release/viewer%3D2".to_owned(),
            "/settings".to_owned(),
            format!("/rollouts/{plan}"),
        ] {
            let answer = ada.open(&page).await;
            assert_eq!(answer.status, StatusCode::OK, "{page}");
            for (href, count) in counts(&answer.text()) {
                let (rows, _) = file(&mut ada, &href, "").await;
                assert_eq!(rows.len(), count, "{href} on {page}: {rows:?}");
                followed.insert(href.split(['?', '#']).next().unwrap().to_owned());
            }
        }
        for path in [
            "/".to_owned(),
            "/list/today".to_owned(),
            "/updates/release/viewer%3D2".to_owned(),
            "/assets".to_owned(),
            format!("/rollouts/{plan}"),
        ] {
            assert!(
                followed.contains(&path),
                "no count led to {path}: {followed:?}"
            );
        }
    });
}

#[test]
fn who_sees_one_unit_is_led_to_as_many_rows_as_are_counted() {
    on_large_stack(|| async {
        let (desk, plan) = hospital().await;
        desk.ask("unit add lab --site main --class standard").await;
        let mut tom = Guest::with_roles(&desk, "tom", &["technician:lab"]).await;
        for page in ["/", "/updates", "/updates/release/viewer%3D2", "/settings"] {
            let answer = tom.open(page).await;
            assert_eq!(answer.status, StatusCode::OK, "{page}");
            for (href, count) in counts(&answer.text()) {
                let (rows, _) = file(&mut tom, &href, "").await;
                assert_eq!(rows.len(), count, "{href} on {page}: {rows:?}");
            }
        }
        let rollout = tom.open(&format!("/rollouts/{plan}")).await;
        assert_eq!(
            rollout.status,
            StatusCode::FORBIDDEN,
            "none of it is theirs"
        );
        let updates = tom.open("/updates").await;
        updates.says(StatusCode::OK, "Needed by in the whole hospital");
    });
}

#[test]
fn a_wards_link_is_shown_as_a_code_once() {
    on_large_stack(|| async {
        let desk = Desk::with_machines(1).await;
        let mut ada = admin(&desk).await;
        let form = ada.open("/do/kiosk/add").await;
        let own = ["_token", "_form"].map(|field| (field, form.value(field)));
        let own = own.iter().map(|(field, value)| (*field, value.as_str()));
        let asked = [("name", "desk"), ("unit", UNIT)];
        let fields: Vec<(&str, &str)> = own.chain(asked).collect();
        let done = ada.fills("/do/kiosk/add", &fields).await;
        done.says(StatusCode::OK, "<figure class=\"code\"><svg");
        done.says(StatusCode::OK, "/ward/");
    });
}

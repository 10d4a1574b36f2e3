//! The pictures that the server draws: each is on its page, and says in words what it shows.

use super::browsing::{Guest, on_large_stack};
use crate::commands::desk::{Desk, machine, now};
use crate::commands::{exposure, people};
use axum::http::StatusCode;
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, UtcMs};
use patchward_common::wire::machine::InterlockWord;
use std::collections::BTreeMap;

/// Opens a page on which these pictures are: each has its drawing, its title and its words.
async fn drawn(guest: &mut Guest, path: &str, pictures: &[(&str, &str, &str)]) {
    let page = guest.open(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text());
    let text = page.text();
    for (id, title, words) in pictures {
        let (_, rest) = text
            .split_once(&format!("<title id=\"pic-{id}-title\">"))
            .unwrap_or_else(|| panic!("{id} is not on {path}: {text}"));
        let svg = rest.split("</svg>").next().unwrap();
        assert!(svg.starts_with(title), "{path}: {svg}");
        let (_, desc) = svg
            .split_once(&format!("<desc id=\"pic-{id}-desc\">"))
            .unwrap();
        let (desc, shapes) = desc.split_once("</desc>").unwrap();
        assert!(desc.contains(words), "{path}: {desc}");
        let is_drawn = ["<rect", "<path", "<line", "<polyline"];
        assert!(is_drawn.iter().any(|shape| shapes.contains(shape)), "{svg}");
    }
}

async fn viewer(desk: &Desk) -> Guest {
    Guest::with_roles(desk, "vera", &["viewer"]).await
}

#[test]
fn a_plan_has_its_slots_and_its_forecast() {
    on_large_stack(|| async {
        let (desk, plan) = people::drafted().await;
        let due = now().plus_ms(90 * DAY_MS);
        desk.ask(&format!("plan due {plan} {due}")).await;
        let pictures = [
            (
                "timeline",
                "When each machine of the plan has its slots",
                "2 machines. Wave 1: first slots from ",
            ),
            (
                "curve",
                "How many machines are done by when",
                " of 2 machines are expected to be done, at least ",
            ),
        ];
        let mut vera = viewer(&desk).await;
        drawn(&mut vera, &format!("/plan/{plan}"), &pictures).await;
        // Who signs sees them too.
        let mut hana = Guest::with_roles(&desk, "hana", &["approver"]).await;
        drawn(&mut hana, &format!("/plan/{plan}/sign"), &pictures).await;
    });
}

#[test]
fn a_unit_has_its_month_and_week_and_a_machine_its_idle_hours() {
    on_large_stack(|| async {
        let desk = Desk::with_machines(1).await;
        desk.ask("window add daily --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 60")
            .await;
        let mut vera = viewer(&desk).await;
        let pictures = [
            ("month", "Openings in ", " with an opening, "),
            ("week", "The week from ", ": open "),
        ];
        drawn(&mut vera, "/unit/icu-3", &pictures).await;
        let known = vera.open("/assets/machine/pc-1").await.text();
        assert!(!known.contains("pic-idle-title"), "nothing is known yet");
        // A Monday on which it was idle by night.
        let monday = UtcMs(4 * DAY_MS);
        let hours = |from, to| {
            let [from, to] = [from, to].map(|hour| monday.plus_ms(hour * HOUR_MS));
            Interval::new(from, to).unwrap()
        };
        let spans = vec![
            (hours(0, 6), InterlockWord::Idle),
            (hours(6, 24), InterlockWord::InUse),
        ];
        let said = BTreeMap::from([(machine(1), spans)]);
        let store = &desk.app.store;
        store.record_interlocks(&said, now()).await.unwrap();
        let pictures = [(
            "idle",
            "When it is usually idle",
            "Of 100, how often pc-1 is idle in each hour of a usual week. Mon: ",
        )];
        drawn(&mut vera, "/assets/machine/pc-1", &pictures).await;
    });
}

#[test]
fn what_is_open_is_drawn_by_unit() {
    on_large_stack(|| async {
        let desk = exposure::ward().await;
        let mut vera = viewer(&desk).await;
        let pictures = [("exposure-by-unit", "Open matches by unit", "icu-3: ")];
        drawn(&mut vera, "/exposure", &pictures).await;
    });
}

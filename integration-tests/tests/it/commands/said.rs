//! What commands say to people, in text.

use super::desk::Desk;
use super::jobs::{job, signed};
use super::windows::openings;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use serde_json::{Value, json};

async fn text(desk: &Desk, line: &str) -> String {
    desk.ask(line).await.text()
}

#[tokio::test]
async fn every_list_of_a_report_is_shown_in_the_time_of_the_unit() {
    let (desk, plan) = signed().await;
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~* --zone Asia/Tokyo --minutes 60")
        .await;
    let today = text(&desk, "today").await;
    for part in ["Items:", "Owners:", "Tonight:", "Machines:", "JST ("] {
        assert!(today.contains(part), "{part}: {today}");
    }
    let shown = text(&desk, &format!("rollout show {plan}")).await;
    assert!(
        shown.contains("Waves:") && shown.contains("States:"),
        "{shown}"
    );
    let shown = text(&desk, &format!("plan show {plan}")).await;
    for part in [
        "Machines:",
        "Spare slots:",
        "Impossible:\n(none)",
        "1 signature.",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let stated = text(&desk, "plan stated").await;
    for part in ["Limits:", "Order:", "Training:", "Duty:", "Members:"] {
        assert!(stated.contains(part), "{part}: {stated}");
    }
    // Programs get UTC.
    let jobs = desk.json(&format!("job list --plan {plan}")).await;
    assert!(jobs[0]["since"].as_str().unwrap().ends_with('Z'), "{jobs}");
}

#[tokio::test]
async fn the_first_digits_of_a_job_a_plan_and_a_stop_are_enough() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1).to_string();
    let shown = desk.json(&format!("job show {}", &id[..8])).await;
    assert_eq!(shown["job"], id);
    assert_eq!(
        desk.json(&format!("job journal {}", &id[..8])).await,
        json!([])
    );
    desk.refuses("job show 00000", Input, "at least 6 digits")
        .await;
    desk.refuses("job show 000000", NotFound, "job list").await;
    let other = job(&plan, 2).to_string();
    desk.ask(&format!("job close {} --reason no", &other[..8]))
        .await;
    let stop = format!("stop now --plan {} --reason smoke", &plan[..8]);
    let said = text(&desk, &stop).await;
    let hit = "1 waiting job does not start; none is under way.";
    assert!(said.contains(hit), "{said}");
    let lift = said.split('`').nth(1).unwrap().to_owned();
    desk.ask(&format!("{lift} --reason aired")).await;
    desk.refuses(
        "stop now --plan 000000 --reason r",
        NotFound,
        "Nothing is stopped: There is no plan 000000",
    )
    .await;
}

#[tokio::test]
async fn a_window_that_goes_says_whom_it_hits() {
    let (desk, plan) = signed().await;
    let said = text(&desk, "window remove tonight --reason moved").await;
    let hit = "2 waiting jobs lose slots by it; 2 of them have none left";
    assert!(said.contains(hit), "{said}");
    let log = desk.json("audit list").await;
    let entry = log.as_array().unwrap().iter();
    let mut removed = entry.filter(|row| row.to_string().contains("window.remove"));
    assert!(
        removed.any(|row| row.to_string().contains("moved")),
        "{log}"
    );
    desk.refuses(&format!("plan again {plan}"), Conflict, "No machine")
        .await;
    desk.refuses(
        "plan new P --release viewer=2 --unit nowhere",
        NotFound,
        "unit list",
    )
    .await;
}

#[tokio::test]
async fn what_is_said_twice_or_not_named_is_said() {
    let (desk, plan) = signed().await;
    let halt = |why: &str| format!("rollout halt {plan} --reason {why}");
    desk.ask(&halt("smoke")).await;
    let again = text(&desk, &halt("fire")).await;
    assert!(
        again.contains("halted already") && again.contains(": smoke."),
        "{again}"
    );
    desk.ask("plan limit --parallel 4").await;
    let said = text(&desk, "plan limit").await;
    assert!(
        said.contains("has no limit. It had at most 4 machines at once"),
        "{said}"
    );
    let set = "oncall set Ben --contact 1 --level 2";
    let said = text(&desk, &format!("{set} --unit icu-3")).await;
    assert!(
        said.contains("no level 1") && said.contains("of the hospital"),
        "{said}"
    );
    desk.ask("oncall set Ann --contact 1").await;
    let said = text(&desk, set).await;
    assert!(!said.contains("no level 1"), "{said}");
}

#[tokio::test]
async fn a_machine_that_finds_no_slot_is_told_which_plans_hold_them() {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 40")
        .await;
    let first = desk
        .plan("First", "--release viewer=2 --machine pc-1 --spare-slots 0")
        .await;
    desk.signed(&first, &[&desk.papers.alice]).await.unwrap();
    let second = "plan new Second --release viewer=2 --machine pc-2 --days 1";
    desk.refuses(second, Conflict, "held by \"First\"").await;
    let urgent = format!("{second} --emergency exploited --for-minutes 600");
    let said = text(&desk, &urgent).await;
    assert!(said.contains("two people must sign it"), "{said}");
}

#[tokio::test]
async fn a_window_that_is_changed_says_what_it_is_now() {
    let desk = Desk::with_papers().await;
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~* --zone UTC --minutes 60 --valid-until 2039-01-01T00:00:00Z")
        .await;
    desk.ask(
        "window once rare --unit icu-3 --at 2040-07-01T02:30 --zone Europe/Berlin --minutes 5",
    )
    .await;
    // One that opens once moves; what is said back has the validity, which ends.
    let said = text(
        &desk,
        "window change rare --at 2040-07-02T02:30 --minutes 6",
    )
    .await;
    assert!(
        said.contains("Mon 2040-07-02 02:30 CEST (00:30 UTC)"),
        "{said}"
    );
    let said = text(&desk, "window change night --minutes 31").await;
    assert!(said.contains(", until "), "{said}");
    assert!(said.contains("No waiting job loses a slot by it"), "{said}");
    let said = text(&desk, "window change night --no-valid-until").await;
    assert!(!said.contains(", until "), "{said}");
    for (line, kind, said) in [
        ("window change night", Input, "--no-valid-until"),
        (
            "window change night --at 2040-07-02T02:30",
            Input,
            "--cron moves it",
        ),
        (
            "window change night --valid-until 2020-01-01T00:00:00Z",
            Input,
            "is over since",
        ),
        (
            "window once old --unit icu-3 --at 2020-01-01T00:00:00Z --minutes 5",
            Input,
            "is over since",
        ),
        (
            "freeze add old --from 2020-01-01T00:00 --until 2020-01-02T00:00 --zone Europe/Berlin --reason x",
            Input,
            "is over since",
        ),
    ] {
        desk.refuses(line, kind, said).await;
    }
}

#[tokio::test]
async fn a_window_that_never_closes_says_so() {
    let desk = Desk::with_papers().await;
    desk.ask("window add always --unit icu-3 --cron 0~*~*~*~* --zone UTC --minutes 60")
        .await;
    let shown = openings(&desk).await;
    assert_eq!(shown[0]["closes"], "stays open");
    assert_eq!(shown[0]["closes_utc"], Value::Null);
}

//! Two units with one of each kind of thing, and people who are of one of them.

use crate::commands::bedside::moves;
use crate::commands::desk::{Desk, add_token, enrol, machine};
use crate::commands::exposure::ward;
use crate::commands::jobs::job;
use patchward_collector::account::Subject;
use patchward_common::job::{Reason, State};
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_integration_tests::fixture::name;

/// A calendar with one event to come.
pub(super) const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:move\r\nSUMMARY:Move\r\n\
                        DTSTART:20391201T080000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// What a unit has, each with what commands call it.
pub(super) struct Things {
    pub(super) unit: &'static str,
    /// What stands in each of its names, but for its machine's and what is named by numbers.
    pub(super) mark: &'static str,
    pub(super) machine: String,
    pub(super) mitigation: String,
    machine_id: String,
    plan: String,
    job: String,
}

impl Things {
    /// What this unit calls a thing of a kind.
    pub(super) fn called(&self, kind: &str) -> String {
        format!("{kind}-{}", self.mark)
    }

    /// What it has of what a field speaks of, in each of the ways in which it can be named; none
    /// where that is nothing of a unit.
    pub(super) fn named(&self, subject: Subject) -> Vec<String> {
        let one = |kind| vec![self.called(kind)];
        match subject {
            Subject::Unit => vec![self.unit.to_owned()],
            Subject::Machine => vec![self.machine.clone(), self.machine_id.clone()],
            Subject::Asset | Subject::AssetToBe => one("asset"),
            Subject::Job => vec![self.job.clone(), self.job[..12].to_owned()],
            Subject::Plan => vec![self.plan.clone(), self.plan[..12].to_owned()],
            Subject::Item => vec![format!("failed:{}", self.job)],
            Subject::Group => one("group"),
            Subject::Window => one("window"),
            Subject::Freeze => one("freeze"),
            Subject::Calendar => one("calendar"),
            Subject::Kiosk => one("kiosk"),
            Subject::Feed => one("feed"),
            Subject::Hospital | Subject::Words => Vec::new(),
        }
    }

    /// A unit with its machine, of this number.
    async fn made(desk: &Desk, unit: &'static str, mark: &'static str, number: u8) -> Self {
        let things = Self {
            unit,
            mark,
            machine: format!("pc-{number}"),
            mitigation: String::new(),
            machine_id: machine(number).to_string(),
            plan: String::new(),
            job: String::new(),
        };
        let calendar = desk.write(CALENDAR.as_bytes());
        for line in [
            "window once tonight-M --unit UNIT --minutes 600",
            "window add window-M --unit UNIT --cron 0~2~*~*~Tue --zone UTC --minutes 60",
            "asset put asset-M --unit UNIT --manufacturer Acme~Medical --model Monitor~M7 --serial serial-M",
            "advisory installed asset-M 2.5",
            &format!("freeze calendar add calendar-M --file {calendar} --zone UTC --unit UNIT"),
            "kiosk add kiosk-M --unit UNIT",
            "feed add feed-M --what calendar --unit UNIT",
            "oncall set who-M --contact contact-M --unit UNIT",
            &format!("handover ask {}", things.machine),
        ] {
            desk.ask(
                &line
                    .replace("-M", &format!("-{mark}"))
                    .replace("UNIT", unit),
            )
            .await;
        }
        let about = "--step look --owner htm --due 2040-01-01T00:00:00Z";
        let add = format!("mitigation add ACME-1 --title title-{mark} --unit {unit} {about}");
        let mitigation = desk.json(&add).await["mitigation"].to_string();
        let rest = format!("--release viewer=2 --unit {unit} --soak-minutes 0");
        let plan = desk.plan(&things.called("plan"), &rest).await;
        desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
        moves(desk, &plan, number, State::Failed(Reason::new("dark"))).await;
        let freeze = format!(
            "freeze add freeze-{mark} --unit {unit} --until 2040-01-01T00:00:00Z --reason why-{mark}"
        );
        desk.ask(&freeze).await;
        Self {
            mitigation,
            job: job(&plan, number).to_string(),
            plan,
            ..things
        }
    }
}

/// A hospital with what is theirs, and what is ours.
pub(super) async fn hospital() -> (Desk, Things, Things) {
    let desk = ward().await;
    let mut change = desk.change().await;
    add_token(&mut change).await;
    for number in [1, 2] {
        enrol(&mut change, number).await;
    }
    change.commit().await.unwrap();
    desk.ask("unit add or-1 --site main --class standard").await;
    let mut rows = Vec::new();
    for (number, unit, mark) in [(1, "icu-3", "theirs"), (2, "or-1", "ours")] {
        let group = format!("group-{mark}");
        desk.ask(&format!(
            "group add {group} --unit {unit} --minimum-ready 0"
        ))
        .await;
        desk.reports(number, "1").await;
        rows.push(AssignmentLeaf {
            unit: name(unit),
            groups: vec![name(&group)],
            ..desk.row(number)
        });
    }
    desk.assign_rows(1, rows).await.unwrap();
    desk.import(&["1", "2"]).await;
    let theirs = Things::made(&desk, "icu-3", "theirs", 1).await;
    let ours = Things::made(&desk, "or-1", "ours", 2).await;
    (desk, theirs, ours)
}

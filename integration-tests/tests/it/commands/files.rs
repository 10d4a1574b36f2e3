//! Tables of the hospital out of files.

use super::desk::Desk;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use serde_json::Value;

async fn count(desk: &Desk, list: &str) -> usize {
    desk.json(list).await.as_array().unwrap().len()
}

#[tokio::test]
async fn a_hospital_is_set_up_out_of_its_files() {
    let desk = Desk::with_papers().await;
    for (command, list, file, rows) in [
        (
            "site import",
            "site list",
            "site,title\nwest,West wing\n",
            2,
        ),
        (
            "unit import",
            "unit list",
            "unit,site,title,class\nor-1,west,'=Theatre,critical\nor-2,west,,standard\n",
            3,
        ),
        (
            "unit subnet import",
            "unit subnet list",
            "unit,subnet\nor-1,10.7.0.0/16\nor-2,10.8.0.0/16\n",
            2,
        ),
        (
            "group import",
            "group list",
            "group,unit,minimum_ready,switched_off_counts\nlamps,or-1,2,true\n",
            2,
        ),
        (
            "window import",
            "window list",
            "window;unit;cron;zone;minutes;day_offset\nnight;or-1;every Tuesday at 02:00;UTC;60;1\n",
            1,
        ),
        (
            "oncall import",
            "oncall list",
            "for,which,level,who,contact,after_minutes\nall,,1,Desk,4711,10\nunit,or-1,1,Ada,1,\n",
            2,
        ),
        (
            "vendor contact import",
            "vendor contact list",
            "vendor,name,role,reached_by\nAcme,Desk,security,psirt@acme.example\n",
            1,
        ),
    ] {
        let file = desk.write(file.as_bytes());
        let before = count(&desk, list).await;
        let shown = desk.json(&format!("{command} {file} --dry-run")).await;
        assert_eq!(count(&desk, list).await, before, "{command} only shows");
        let done = desk.json(&format!("{command} {file}")).await;
        assert_eq!(count(&desk, list).await, rows, "{command}");
        assert_eq!(done["rows"], shown["rows"], "{command} does what it showed");
        let again = desk.json(&format!("{command} {file}")).await;
        assert_eq!(again["as_they_are"], done["added"], "{command} once more");
        assert_eq!(again["added"], 0);
    }
    let units = desk.json("unit list").await;
    let theatre = units
        .as_array()
        .unwrap()
        .iter()
        .find(|unit| unit["unit"] == "or-1");
    assert_eq!(
        theatre.map(|unit| &unit["title"]),
        Some(&Value::from("=Theatre"))
    );
}

#[tokio::test]
async fn a_file_is_taken_in_as_a_whole_or_not_at_all() {
    let desk = Desk::with_papers().await;
    let units = count(&desk, "unit list").await;
    for (rows, kind, why) in [
        (
            "or-1,main,standard\nor-2,moon,standard\n",
            NotFound,
            "line 3",
        ),
        (
            "or-1,main,standard\nor-2,main,soft\n",
            Input,
            "line 3: a class is",
        ),
        (
            "or-1,main,standard\nor-1,main,standard\n",
            Input,
            "lines 2 and 3",
        ),
    ] {
        let file = desk.write(format!("unit,site,class\n{rows}").as_bytes());
        desk.refuses(&format!("unit import {file}"), kind, why)
            .await;
        assert_eq!(count(&desk, "unit list").await, units, "{rows}");
    }
    let changed = desk.write(b"unit,site,class,title\nicu-3,main,critical,Intensive care\n");
    let done = desk.json(&format!("unit import {changed}")).await;
    assert_eq!(done["changed"], 1);
    assert_eq!(desk.json("unit list").await[0]["class"], "critical");
    let without_titles = desk.write(b"unit,site,class\nicu-3,main,standard\n");
    desk.ask(&format!("unit import {without_titles}")).await;
    let unit = &desk.json("unit list").await[0];
    assert_eq!(unit["class"], "standard");
    assert_eq!(
        unit["title"], "Intensive care",
        "the file has no such column"
    );
    desk.ask("window add night --unit icu-3 --cron 0~2~*~*~Tue --zone UTC --minutes 60")
        .await;
    let window = desk.write(b"window,unit,cron,zone,minutes\nnight,icu-3,0 3 * * Tue,UTC,60\n");
    desk.refuses(
        &format!("window import {window}"),
        Conflict,
        "`window change`",
    )
    .await;
}

//! Tables of the hospital out of files.

use super::desk::Desk;
use patchward_collector::control::FailureKind::{self, Conflict, Input, NotFound};
use patchward_collector::sheet::csv;
use serde_json::Value;

async fn count(desk: &Desk, list: &str) -> usize {
    desk.json(list).await.as_array().unwrap().len()
}

/// A list as a spreadsheet gets it.
fn sheet(list: &Value) -> String {
    let rows = list.as_array().unwrap();
    let columns: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join(", ")
        }
        other => other.to_string(),
    };
    let rows = rows.iter().map(|row| {
        columns
            .iter()
            .map(|name| cell(&row[name.as_str()]))
            .collect()
    });
    let head = columns.iter().map(|name| (*name).clone()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let bytes = csv::write(lines.iter().map(Vec::as_slice), ',');
    String::from_utf8(bytes).unwrap()
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
        (
            "freeze import",
            "freeze list --all",
            "freeze,where,from,until,reason,zone\nYear end,all,2098-12-24T00:00,2099-01-02T00:00,few staff,Europe/Berlin\n\
             Move,unit or-1,2098-03-01T00:00:00Z,2098-03-02T00:00:00Z,moving,\n\
             Visit,site west,2098-04-01T00:00:00Z,2098-04-02T00:00:00Z,inspection,\n",
            3,
        ),
        (
            "risk import",
            "risk list",
            "release,model,hazard_of_patching,hazard_of_not_patching,decision,reason,decided_by,review\n\
             viewer=2.1,pacs-2,a dose is lost,worms,patch_with_care,'=by day,Ada,2099-01-01T00:00:00Z\n",
            1,
        ),
        (
            "asset baseline import",
            "asset baseline list",
            "baseline,model,ready,interlock,mode,components\n\
             base,station,yes,no,rehearse,openssl >= 3.0.15; Acme Box BIOS\nbare,pc,yes,,,\n",
            2,
        ),
        (
            "advisory alias import",
            "advisory alias list",
            "name,means,vendor\nZ Corp,Acme,\nViewer Pro,Viewer,Acme GmbH\n",
            2,
        ),
        (
            "checklist import",
            "checklist list",
            "class,model,step,what\ncritical,,image,A test image is shown\n\
             critical,pacs-2,image,Both test images are shown\ncritical,,cable,Every cable sits\n",
            3,
        ),
        (
            "user import",
            "user list",
            "account,called,roles\nada,Ada Byron,\"approver, technician:or-1\"\nbob,Bob,viewer\n",
            2,
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
        if command != "window import" {
            let given = desk.write(sheet(&desk.json(list).await).as_bytes());
            let back = desk.json(&format!("{command} {given}")).await;
            assert_eq!(back["as_they_are"], rows, "{command} of what {list} gives");
        }
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

/// A table, a file for it, and why it is refused.
type Refused = (&'static str, &'static str, FailureKind, &'static str);

const REFUSED: [Refused; 14] = [
    (
        "freeze import",
        "freeze,where,from,until,reason\nOld,all,2001-01-01T00:00:00Z,2001-01-02T00:00:00Z,x\n",
        Input,
        "line 2: the freeze Old is over",
    ),
    (
        "freeze import",
        "freeze,where,from,until,reason\nBack,all,2099-01-02T00:00:00Z,2099-01-01T00:00:00Z,x\n",
        Input,
        "line 2: a freeze must end after it begins",
    ),
    (
        "freeze import",
        "freeze,where,from,until,reason\nMoon,unit moon,2099-01-01T00:00:00Z,2099-01-02T00:00:00Z,x\n",
        NotFound,
        "line 2",
    ),
    (
        "freeze import",
        "freeze,where,from,until,reason\nHere,ward 3,2099-01-01T00:00:00Z,2099-01-02T00:00:00Z,x\n",
        Input,
        "where: \"ward\" is not all, site or unit",
    ),
    (
        "freeze import",
        "freeze,where,from,until,reason,source\nUID/1,all,2099-01-01T00:00:00Z,2099-01-02T00:00:00Z,x,feast\n",
        Conflict,
        "`freeze calendar read feast`",
    ),
    (
        "freeze import",
        "freeze,where,from,until,reason\nKept,all,2099-01-01T00:00:00Z,2099-01-05T00:00:00Z,x\n",
        Conflict,
        "`freeze remove`",
    ),
    (
        "risk import",
        "release,model,hazard_of_patching,hazard_of_not_patching,decision,reason,decided_by,review\n\
         viewer=2,pacs,a,b,perhaps,c,Ada,2099-01-01T00:00:00Z\n",
        Input,
        "a decision is one of",
    ),
    (
        "risk import",
        "release,model,hazard_of_patching,hazard_of_not_patching,decision,reason,decided_by,review\n\
         viewer=2,pacs,a,b,wait,c,Ada,2001-01-01T00:00:00Z\n",
        Input,
        "has passed already",
    ),
    (
        "asset baseline import",
        "baseline,model,ready\nbase,station,no\n",
        Input,
        "asks for something",
    ),
    (
        "asset baseline import",
        "baseline,model,ready\nbase,station,maybe\n",
        Input,
        "ready: \"maybe\" is no yes or no",
    ),
    (
        "advisory alias import",
        "name,means\nZ,Acme\nY,Z\n",
        Conflict,
        "line 3: \"z\" itself stands for",
    ),
    (
        "user import",
        "account,called,roles\nbob,Bob,boss\n",
        Input,
        "\"boss\" is no role",
    ),
    (
        "user import",
        "account,called,roles,state\nada,Ada,viewer,ended\n",
        Conflict,
        "`user end ada`",
    ),
    (
        "user import",
        "account,called,roles\nada,Eve,admin\n",
        Conflict,
        "is called \"Ada\"",
    ),
];

#[tokio::test]
async fn what_a_file_may_not_say_changes_nothing() {
    let desk = Desk::with_papers().await;
    desk.ask("user add ada --title Ada --role viewer").await;
    desk.ask("freeze add Kept --from 2099-01-01T00:00:00Z --until 2099-02-01T00:00:00Z --reason x")
        .await;
    for (command, file, kind, why) in REFUSED {
        let file = desk.write(file.as_bytes());
        desk.refuses(&format!("{command} {file}"), kind, why).await;
    }
    desk.ask("user end ada").await;
    let again = desk.write(b"account,called,roles\nada,Ada,viewer\n");
    desk.refuses(&format!("user import {again}"), Conflict, "has ended")
        .await;
    let long = (0..40).map(|n| format!("critical,s{n},look\n"));
    let long = desk.write(format!("class,step,what\n{}", long.collect::<String>()).as_bytes());
    desk.refuses(&format!("checklist import {long}"), Input, "up to 32 steps")
        .await;
}

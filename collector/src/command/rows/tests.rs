//! Reading the files of tables.

use super::*;
use crate::store::oncall::OnCall;
use crate::store::places::{Group, Unit};
use crate::store::windows::Window;

fn keys<R: FileRow>(text: &str) -> Result<Vec<String>, String> {
    let read = read(text.as_bytes(), &R::SHAPE, R::read);
    let (_, rows) = read.map_err(|failure| failure.text)?;
    once::<R>(&rows).map_err(|failure| failure.text)?;
    Ok(rows.iter().map(|(_, row)| row.key()).collect())
}

#[test]
fn rows_are_read_by_the_names_of_their_columns() {
    let units = keys::<Unit>("Class;Unit;Site\ncritical;icu;main\nstandard;lab;main\n");
    assert_eq!(units.unwrap(), ["icu", "lab"]);
    let groups = "group,unit,machines,minimum_ready,switched_off_counts\nct,icu,7,2,yes\n";
    assert_eq!(keys::<Group>(groups).unwrap(), ["ct"]);
    let levels = "for,which,level,who,contact\nunit,icu,2,Ada,4711\nall,,1,Desk,1\n";
    let levels = keys::<OnCall>(levels).unwrap();
    assert_eq!(levels, ["level 2 of unit icu", "level 1 of all"]);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let head = "unit,site,class\n";
    for (rows, why) in [
        ("icu,main,pet\n,main,standard\n", "line 2: a class is"),
        (
            "icu,main,pet\n,main,standard\n",
            "line 3: its unit is empty",
        ),
        ("ICU 3,main,standard\n", "line 2: unit: "),
        (
            "icu,main,standard\nicu,east,standard\n",
            "lines 2 and 3 are both unit icu",
        ),
    ] {
        let said = keys::<Unit>(&format!("{head}{rows}")).unwrap_err();
        assert!(said.contains(why), "{rows:?}: {said}");
    }
    let said = keys::<Unit>("unit,title\nicu,x\n").unwrap_err();
    assert!(said.contains("unit and site and class must be"), "{said}");
    let long = format!("{head}{}", "icu,main,pet\n".repeat(MAX_MISTAKES + 2));
    let said = keys::<Unit>(&long).unwrap_err();
    assert!(said.ends_with("and 2 more"), "{said}");
    let window = "window,unit,cron,zone,minutes\nnight,icu,0 2 * * Tue,UTC,";
    assert_eq!(keys::<Window>(&format!("{window}60\n")).unwrap(), ["night"]);
    assert!(keys::<Window>(&format!("{window}9000\n")).is_err());
}

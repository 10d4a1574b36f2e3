//! Freezes out of a file: all of them, or none.

use super::{covered, warning_of, within};
use crate::app::App;
use crate::command::Caller;
use crate::command::hit::Waiting;
use crate::command::rows::{FromFile, InFile, Taken};
use crate::control::{Failure, Output};
use crate::store::places::Unit;
use crate::store::windows::Freeze;
use crate::store::{Change, View};
use patchward_common::id::Name;
use patchward_common::words::counted;
use std::collections::BTreeSet;

/// A file that is written and not kept yet.
struct Written {
    change: Change,
    rows: Taken<Freeze>,
    /// What it takes from waiting jobs, in words.
    taken: String,
    /// Where its freezes hold.
    units: Vec<Unit>,
}

/// Writes a file in a change of its own.
async fn written(app: &App, caller: &Caller, from: FromFile) -> Result<Written, Failure> {
    let file = InFile::<Freeze>::read(from.file)?;
    let mut view = app.store.view().await?;
    let units = everywhere(&mut view, file.rows()).await?;
    let names: BTreeSet<&Name> = units.iter().map(|unit| &unit.name).collect();
    let waiting = Waiting::read(&mut view, app.now(), |unit| names.contains(unit)).await?;
    drop(view);
    let mut change = app.change(caller).await?;
    let rows = file.put(&mut change).await?;
    let taken = waiting.moved(change.view()).await?;
    Ok(Written {
        change,
        rows,
        taken,
        units,
    })
}

/// The units in which some of these freezes hold.
async fn everywhere(
    view: &mut View,
    freezes: impl Iterator<Item = &Freeze>,
) -> Result<Vec<Unit>, Failure> {
    let places: BTreeSet<_> = freezes
        .map(|one| (one.area, one.subject.as_str()))
        .collect();
    let (mut units, mut met) = (Vec::new(), BTreeSet::new());
    for (area, subject) in places {
        let mut new = covered(view, area, subject).await?;
        new.retain(|unit| met.insert(unit.name.clone()));
        units.append(&mut new);
    }
    Ok(units)
}

/// Takes a file in, and says which waiting jobs it hits and what it leaves nothing of.
pub(super) async fn run(app: &App, caller: &Caller, from: FromFile) -> Result<Output, Failure> {
    let dry_run = from.dry_run;
    let written = written(app, caller, from).await?;
    let mut report = written.rows.report(dry_run);
    report.text.push_str(&written.taken);
    if !dry_run {
        written.change.commit().await?;
        let warning = warning_of(app, Ok(written.units)).await;
        report.text.push_str(&warning);
    }
    Ok(Output::Report(report))
}

/// What would come of it, before somebody confirms it.
pub(super) async fn foreseen(
    app: &App,
    caller: &Caller,
    from: &FromFile,
) -> Result<Option<String>, Failure> {
    let written = written(app, caller, from.clone()).await?;
    // It is dropped at once: every go waits for it.
    drop(written.change);
    let new = counted(written.rows.written().count(), "freeze", "freezes");
    let units = written.units.into_iter().map(|unit| unit.name).collect();
    let within = within(app, &units).await?;
    Ok(Some(format!(
        "{new} would be added: no go would be given while one of them holds, in {within}.{}",
        written.taken
    )))
}

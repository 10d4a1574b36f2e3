//! Waves: how each stands, and a person's word that one may begin.

use crate::app::App;
use crate::command::Caller;
use crate::command::zones::Zones;
use crate::control::{Cell, Failure, Output, Table};
use crate::nudging;
use crate::store::View;
use crate::store::plans::{Plan, PlanState};
use crate::waves::{self, Wave};
use patchward_common::id::Label;
use patchward_common::plan::wave_number;
use patchward_common::time::UtcMs;

/// The waves of a plan, and what HTM is asked about one of them.
pub(super) fn table(waves: &[Wave], plan: &Plan, zones: &Zones) -> (Table, String) {
    let mut table = Table::new(&[
        "wave",
        "machines",
        "verified",
        "wrong",
        "waiting",
        "open",
        "first_slot",
        "begins",
    ]);
    let mut question = String::new();
    for wave in waves {
        let counts = &wave.counts;
        let number = wave_number(counts.wave);
        table.row(vec![
            Cell::Number(number.into()),
            Cell::Number(counts.size.into()),
            Cell::Number(counts.verified.into()),
            Cell::Number(counts.wrong.into()),
            Cell::Number(counts.waiting.into()),
            Cell::Number(counts.open.into()),
            zones.maybe(None, wave.first),
            Cell::of(begins(wave)),
        ]);
        if let (Some(closed), Some(_)) = (wave.closed, wave.asked_since) {
            question = format!(
                "\nHTM is asked about wave {number}: {closed}. `rollout open {0} --wave {number} \
                 --reason …` lets it begin; `stop now --plan {0} --reason …` stops it.",
                plan.short(),
            );
        }
    }
    (table, question)
}

fn begins(wave: &Wave) -> String {
    match (wave.closed, wave.asked_since) {
        (None, _) => "open".to_owned(),
        (Some(closed), None) => format!("not yet: {closed}"),
        (Some(closed), Some(_)) => format!("HTM is asked: {closed}"),
    }
}

/// How each wave of a plan stands.
pub(super) async fn read(view: &mut View, plan: &Plan, now: UtcMs) -> Result<Vec<Wave>, Failure> {
    let firsts = waves::firsts(&view.leaves(&plan.id).await?);
    Ok(waves::of_plan(view, plan, &firsts, now).await?)
}

/// Opens a wave that is closed, by its number from 1.
pub(super) async fn open(
    app: &App,
    caller: &Caller,
    plan: &Plan,
    wave: u32,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let now = change.now();
    if plan.state != PlanState::Active {
        return Err(Failure::conflict(format!(
            "{} is {}: none of its waves begins.",
            plan.title,
            plan.state.word()
        )));
    }
    let waves = read(change.view(), plan, now).await?;
    let found = waves
        .iter()
        .find(|one| wave_number(one.counts.wave) == wave);
    let found = found.ok_or_else(|| {
        Failure::not_found(format!(
            "{} has no wave {wave}; `rollout show` counts {} from 1 on.",
            plan.title,
            waves.len()
        ))
    })?;
    if found.closed.is_some() && found.asked_since.is_none() {
        let asked = waves.iter().find(|one| one.asked_since.is_some());
        let asked = asked.map_or_else(
            || {
                "HTM is asked when the soak of the wave before is over, and nothing is to be \
                judged yet"
                    .to_owned()
            },
            |one| {
                let first = wave_number(one.counts.wave);
                format!("HTM is asked about wave {first} first")
            },
        );
        return Err(Failure::conflict(format!(
            "Wave {wave} of {} is not opened: {asked}. `rollout show` says when.",
            plan.title
        )));
    }
    let Some(closed) = found.closed else {
        return Err(Failure::conflict(format!(
            "Wave {wave} of {} is open already. What else keeps its machines from starting, `job \
             list` shows.",
            plan.title
        )));
    };
    let number = found.counts.wave;
    change.open_wave(&plan.id, number, reason).await?;
    let waiting = nudging::waiting(change.view(), &plan.id, Some(number)).await?;
    change.commit().await?;
    app.fleet.ask_again(waiting);
    Ok(Output::Text(format!(
        "Wave {wave} of {} may begin in its slots, although {closed}. It closes again when one \
         more machine of the waves before fails or is rolled back.",
        plan.title
    )))
}

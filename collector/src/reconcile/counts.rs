//! Counts once a day how the machines stand, so that people see over months whether it gets
//! better.

use crate::app::App;
use crate::command;
use crate::control::Failure;
use crate::item::tally::{self, Counted};
use patchward_common::time::UtcMs;
use std::sync::Arc;

/// What remembers the day that was counted last.
#[derive(Debug, Default)]
pub struct Counts {
    counted: Option<i64>,
}

impl Counts {
    /// Counts, where today was not counted yet: at the first look of the day, and on a
    /// hospital's first day as soon as it has a machine.
    pub async fn run(&mut self, app: &Arc<App>, now: UtcMs) -> Result<(), Failure> {
        let day = tally::day_of(now);
        if self.counted == Some(day) {
            return Ok(());
        }
        let mut view = app.store.view().await?;
        if !view.is_counted(day).await? {
            if view.unit_counts().await?.is_empty() {
                return Ok(());
            }
            drop(view);
            let agenda = command::agenda_kept(app).await?;
            let counted = Counted::of(&agenda.machines, &agenda.units);
            app.store.keep_fleet_day(day, now, &counted).await?;
        }
        self.counted = Some(day);
        Ok(())
    }
}

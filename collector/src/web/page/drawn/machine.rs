//! A machine's usual week.

use crate::app::App;
use crate::command::machine;
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::web::picture::days;
use crate::web::picture::idle::{Idle, drawn};
use crate::web::show::Block;

/// When a machine is usually idle, by the clock of its unit.
pub(super) async fn idle(app: &App, text: &str) -> Result<Option<Block>, Failure> {
    let mut view = app.store.view().await?;
    let found = machine::find(&mut view, text).await?;
    let history = view.interlock_history(&found.id).await?;
    let zones = Zones::read(&mut view).await?;
    let zone = zones.of(Some(&found.unit));
    let drawn = drawn(&Idle {
        machine: found.name.as_str(),
        hours: history.hours(),
        hours_ahead: days::hours_ahead(zone, app.now()),
        zone: zone.iana_name().unwrap_or("its unit"),
    });
    Ok(drawn.map(Block::Picture))
}

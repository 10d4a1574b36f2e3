//! Halts: what does not start until a person judged, and the word that it may go on.

use crate::app::App;
use crate::command::zones::Zones;
use crate::command::{Caller, begun};
use crate::control::{Cell, Failure, Output, Table};
use crate::fleet::Target;
use crate::halted;
use crate::reconcile::limit;
use crate::store::stops::{EVERY_WAVE, HaltScope};
use patchward_common::id::{Label, Name};
use patchward_common::plan::wave_number;

/// Everything that is halted.
pub(super) async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let mut table = Table::new(&["halted", "subject", "about", "wave", "since", "why", "then"]);
    let zones = Zones::read(&mut view).await?;
    for halt in view.halts().await? {
        let (about, then) = halted::named(&mut view, &halt).await?;
        table.row(vec![
            Cell::of(halt.scope.word()),
            Cell::of(&halt.subject),
            Cell::of(about),
            Cell::maybe((halt.wave != EVERY_WAVE).then(|| wave_number(halt.wave))),
            zones.cell(None, halt.at),
            Cell::of(halt.reason),
            Cell::of(then),
        ]);
    }
    Ok(Output::Table(table))
}

/// HTM has judged a release on a model: it goes on there.
pub(super) async fn resume(
    app: &App,
    caller: &Caller,
    (release, model): (&str, &Name),
    reason: &Label,
) -> Result<Output, Failure> {
    let digits = begun::digits(release, "the release's SHA-256")?;
    let mut change = app.change(caller).await?;
    // What went wrong a moment ago is judged with this as well.
    limit::halt_models(&mut change).await?;
    let mut halts = change.view().halts().await?;
    halts.retain(|halt| {
        let parts = halt.subject.split_once('/');
        halt.scope == HaltScope::ReleaseOnModel
            && parts.is_some_and(|(sha256, on)| sha256.starts_with(&digits) && on == model.as_str())
    });
    let missing = || {
        format!("The release {release} is not halted on {model}. `rollout halts` shows what is.")
    };
    let halt = begun::only(halts, missing, |halt| halt.subject.clone())?;
    let (about, _) = halted::named(change.view(), &halt).await?;
    change
        .resume(halt.scope, &halt.subject, halt.wave, reason.as_str())
        .await?;
    change.commit().await?;
    // Wherever the model stands.
    app.fleet.ask_again(Target::All);
    Ok(Output::Text(format!(
        "{about} goes on. What goes wrong there is counted anew from now; machines that rolled it \
         back keep it in quarantine until a plan clears it."
    )))
}

//! The same answers for who looks at a page: what has to be gathered out of the whole
//! hospital was gathered a moment ago, as far as [`crate::snapshot`] allows.

use super::advisory::{self, AdvisoryCommand, Rows};
use super::exposure::{self, ExposureCommand};
use super::item::{self, ItemCommand};
use super::listed::Paged;
use super::oncall::{self, OnCallCommand};
use super::release::{self, Enrolled, ReleaseCommand};
use super::{Caller, Command, Progress, audit, run, today};
use crate::agenda::{self, Agenda};
use crate::app::App;
use crate::clock;
use crate::control::{Failure, Output};
use crate::matching::{self, Exposed};
use crate::snapshot::{By, Gather, Look, MadeOf, Snapshot};
use crate::store::listed::Wanted;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often what is kept is looked at so that nobody waits for it: more often than it grows
/// too old to be shown, and seldom enough to take a small part of one core.
const KEEP_EVERY: Duration = Duration::from_secs(30);

/// What is gathered out of the whole hospital, and the lists that were made of it.
#[derive(Debug, Default)]
pub struct Snapshots {
    agenda: Arc<Snapshot<Agenda>>,
    exposed: Arc<Snapshot<Exposed>>,
    matches: Arc<Snapshot<Rows>>,
    enrolled: Arc<Snapshot<Enrolled>>,
    of_exposed: MadeOf<Exposed>,
    of_matches: MadeOf<Rows>,
    pub(super) chain: audit::chain::Chain,
}

/// How each of them is gathered, in one view of the store.
macro_rules! gathered {
    ($name:ident, $what:ty, |$app:ident, $view:ident| $gather:expr) => {
        fn $name(app: &Arc<App>) -> impl Gather<$what> + use<> {
            By(app.clone(), |app: Arc<App>| async move {
                let ($app, mut view) = (&app, app.store.view().await?);
                let $view = &mut view;
                $gather.await
            })
        }
    };
}
gathered!(how_agenda, Agenda, |app, view| agenda::gather(
    &app.fleet,
    view,
    app.now()
));
gathered!(how_exposed, Exposed, |app, view| matching::all_exposed(
    view,
    app.now()
));
gathered!(how_matches, Rows, |_app, view| Rows::all(view));
gathered!(how_enrolled, Enrolled, |app, view| Enrolled::read(
    app, view
));

/// Gathers what pages show before anybody looks, and again as it grows old: of a large hospital
/// the first look of the day would otherwise wait for seconds. Of a small one nothing
/// is done here after the first time. It begins when a whole fleet is back.
pub async fn keep(app: Arc<App>, calm: Instant) {
    let mut timer = clock::every_from(calm, KEEP_EVERY);
    let mut first = true;
    loop {
        timer.tick().await;
        if let Err(failure) = app.snapshots.renew(&app, first).await {
            tracing::warn!(%failure, "what pages show could not be gathered ahead");
        }
        first = false;
    }
}

impl Snapshots {
    /// One after the other: nobody waits for them.
    async fn renew(&self, app: &Arc<App>, all: bool) -> Result<(), Failure> {
        if all || self.agenda.is_slow() {
            agenda_kept(app).await?;
        }
        let audit = app.store.hear().await?;
        let look = || Look {
            now: app.now(),
            must_know: 0,
            audit,
        };
        if all || self.exposed.is_slow() {
            self.exposed.get(look(), how_exposed(app)).await?;
        }
        if all || self.matches.is_slow() {
            self.matches.get(look(), how_matches(app)).await?;
        }
        if all || self.enrolled.is_slow() {
            self.enrolled.get(look(), how_enrolled(app)).await?;
        }
        let mut view = app.store.view().await?;
        view.know_components().await?;
        app.assigned.rows(&mut view).await?;
        Ok(())
    }
}

impl Command {
    /// Whether people's changes need not be in what it says: it tells of the log as it was
    /// when it was read last.
    pub fn tells_of_itself(&self) -> bool {
        matches!(self, Self::Audit(audit::AuditCommand::Verify { .. }))
    }
}

/// What somebody who looks must see.
pub async fn look_of(app: &App, caller: &Caller) -> Result<Look, Failure> {
    // In this order: what others said up to there is counted.
    let audit = app.store.hear().await?;
    Ok(Look {
        now: app.now(),
        must_know: app.store.said_for(&caller.actor),
        audit,
    })
}

/// Everything open, as somebody who looks may see it.
pub async fn agenda(app: &Arc<App>, caller: &Caller) -> Result<Arc<Agenda>, Failure> {
    agenda_at(app, look_of(app, caller).await?).await
}

/// Everything open, for what the collector does by itself. It knows all that people changed; else
/// it is as old as what pages show, so that a large hospital is gone through once for pages,
/// notices, counts and figures.
pub async fn agenda_kept(app: &Arc<App>) -> Result<Arc<Agenda>, Failure> {
    let look = Look {
        now: app.now(),
        must_know: app.store.said(),
        audit: app.store.hear().await?,
    };
    let own = app.clone();
    let gathered = async move { agenda_at(&own, look).await };
    app.behind.does(gathered).await
}

async fn agenda_at(app: &Arc<App>, look: Look) -> Result<Arc<Agenda>, Failure> {
    app.snapshots.agenda.get(look, how_agenda(app)).await
}

/// A list that is made of nothing but what is gathered of the whole hospital, as somebody who
/// looks may see it; `None` for all other commands.
pub async fn made(
    app: &Arc<App>,
    look: Look,
    command: &Command,
) -> Result<Option<Arc<Output>>, Failure> {
    let snapshots = &app.snapshots;
    Ok(Some(match command {
        Command::Exposure(ExposureCommand::List(asked)) => {
            exposure::must_be_there(app, asked).await?;
            let exposed = snapshots.exposed.get(look, how_exposed(app)).await?;
            let of = &snapshots.of_exposed;
            of.made(&exposed, asked, || exposure::shown(&exposed, asked))
        }
        Command::Advisory(AdvisoryCommand::Matches(asked)) => {
            let rows = snapshots.matches.get(look, how_matches(app)).await?;
            let of = &snapshots.of_matches;
            of.made(&rows, asked, || advisory::told(&rows, asked))
        }
        _ => return Ok(None),
    }))
}

/// What a list is called whose rows are made only of what is shown, where nothing is sought in it.
pub fn made_name(command: &Command) -> Option<&'static str> {
    match command {
        Command::Exposure(ExposureCommand::List(_)) => Some(exposure::MATCHES),
        _ => None,
    }
}

/// A page of such a list, as somebody who looks may see it; `None` where it is shown as a whole.
pub async fn made_page(
    app: &Arc<App>,
    look: Look,
    command: &Command,
    wanted: &Wanted,
) -> Result<Option<Paged>, Failure> {
    let Command::Exposure(ExposureCommand::List(asked)) = command else {
        return Ok(None);
    };
    exposure::must_be_there(app, asked).await?;
    let exposed = app.snapshots.exposed.get(look, how_exposed(app)).await?;
    Ok(exposure::page(&exposed, asked, wanted))
}

/// Carries out a command that only tells, as somebody who looks may see it.
pub async fn look(
    app: &Arc<App>,
    caller: &Caller,
    look: Look,
    command: Command,
    progress: Progress,
) -> Result<Output, Failure> {
    match &command {
        Command::Today => today::told(app, &*agenda_at(app, look).await?).await,
        Command::Shift(asked) => {
            let agenda = agenda_at(app, look).await?;
            today::shift::told(app, &agenda, asked).await
        }
        Command::Item(ItemCommand::List {
            owner,
            unit,
            raised,
        }) => {
            let agenda = agenda_at(app, look).await?;
            item::told(app, &agenda, owner.as_deref(), unit.as_ref(), *raised).await
        }
        Command::OnCall(OnCallCommand::Calls) => {
            oncall::told(app, &*agenda_at(app, look).await?).await
        }
        Command::Audit(audit::AuditCommand::Verify { head: None }) => audit::chain::told(app).await,
        Command::Advisory(AdvisoryCommand::Show { id }) => {
            let rows = app.snapshots.matches.get(look, how_matches(app)).await?;
            advisory::shown(app, id, &rows.only(id)).await
        }
        Command::Release(ReleaseCommand::List { product }) => {
            release::list(app, enrolled_at(app, look).await?, product.as_ref()).await
        }
        Command::Release(ReleaseCommand::Show { product, version }) => {
            release::show(app, enrolled_at(app, look).await?, product, version).await
        }
        Command::Release(ReleaseCommand::Needed { product, version }) => {
            release::needed(app, enrolled_at(app, look).await?, product, version).await
        }
        _ => run(app, caller, command, progress).await,
    }
}

async fn enrolled_at(app: &Arc<App>, look: Look) -> Result<Arc<Enrolled>, Failure> {
    app.snapshots.enrolled.get(look, how_enrolled(app)).await
}

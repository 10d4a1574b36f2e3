//! The certificate authority: it says which TLS key speaks for which machine, and lives for
//! twenty years. Before its end, or when its key was stolen, another follows it: both are
//! trusted until every machine knows the next one.

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::fleet::Authorities;
use crate::store::View;
use crate::store::rollover::Unreached;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};

/// Most machines that a refusal names; `ca show` lists all.
const MOST_NAMED: usize = 10;

/// What can be done with the certificate authority.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum CaCommand {
    /// Show the certificate authority, the one that follows it, and who does not know that yet
    Show,
    /// Make the authority that follows: machines hear of it when they renew, and trust both
    Next {
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Certify a site relay for the key of its request, and print what goes into its relay.crt
    Relay {
        /// Its name, as the settings name it in [[relays]]
        name: Name,
        /// What `relay --request` printed there
        request: InputFile,
    },
    /// Go over to the authority that follows, and trust the old one no more
    Finish {
        /// Why
        #[arg(long)]
        reason: Label,
        /// Leave machines behind that do not know it yet: each enrols again with a new token
        #[arg(long)]
        leave_behind: bool,
    },
}

/// Carries out a command on the certificate authority.
pub async fn run(app: &App, caller: &Caller, command: CaCommand) -> Result<Output, Failure> {
    match command {
        CaCommand::Show => show(app).await,
        CaCommand::Next { reason } => next(app, caller, &reason).await,
        CaCommand::Relay { name, request } => relay(app, caller, &name, &request).await,
        CaCommand::Finish {
            reason,
            leave_behind,
        } => finish(app, caller, &reason, leave_behind).await,
    }
}

async fn relay(
    app: &App,
    caller: &Caller,
    name: &Name,
    request: &InputFile,
) -> Result<Output, Failure> {
    if !app.settings.relays.iter().any(|relay| relay.name == *name) {
        return Err(Failure::not_found(format!(
            "The settings name no relay {name}. Write it into collector.toml ([[relays]]), and \
             start the collector anew."
        )));
    }
    let authorities = app.fleet.authorities();
    let certified = authorities.certify_relay(name, &request.bytes, rand::random(), app.now());
    let certified = certified.map_err(|error| {
        Failure::input(format!(
            "{}: {error}; it is what `patchward-collector relay --request` prints",
            request.name
        ))
    })?;
    let mut change = app.change(caller).await?;
    change
        .certify_relay(name, &certified.serial, certified.expires)
        .await?;
    change.commit().await?;
    Ok(Output::Text(certified.chain))
}

async fn show(app: &App) -> Result<Output, Failure> {
    let authorities = app.fleet.authorities();
    let (current, next) = (authorities.current(), authorities.next());
    // Who came a moment ago counts too.
    app.fleet.flush().await?;
    let mut view = app.store.view().await?;
    let mut table = Table::new(&["machine", "unit", "last_seen", "certificate_ends"]);
    let (mut reached, mut unreached) = (0, Vec::new());
    if next.is_some() {
        (reached, unreached) = (view.reached().await?, view.unreached().await?);
    }
    for one in &unreached {
        table.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.unit),
            Cell::maybe(one.seen_at),
            Cell::maybe(one.ends_at),
        ]);
    }
    let text = match (next, unreached.len()) {
        (None, _) => "Machines trust one authority.".to_owned(),
        (Some(_), 0) => {
            "Every machine knows the next authority: `ca finish` goes over to it.".into()
        }
        (Some(_), left) => format!(
            "{left} machines do not know the next authority yet. Each hears of it when it renews \
             its certificate, at the latest sixty days after its last one."
        ),
    };
    let ends = |authority: &crate::fleet::Authority| authority.life().map(|life| life.ends);
    let parts = [
        ("authority", Cell::of(current.fingerprint())),
        ("ends", Cell::maybe(ends(current))),
        ("next", Cell::maybe(next.map(|next| next.fingerprint()))),
        ("next_ends", Cell::maybe(next.and_then(ends))),
        ("know_next", Cell::Number(reached.cast_signed())),
    ];
    Ok(Output::Report(
        Report::new(parts, text).with("not_yet", table),
    ))
}

async fn next(app: &App, caller: &Caller, reason: &Label) -> Result<Output, Failure> {
    let folder = app.folder.authority();
    if app.fleet.authorities().next().is_some() {
        return Err(Failure::conflict(
            "The authority is being followed already. `ca show` tells how far that is.",
        ));
    }
    let mut change = app.change(caller).await?;
    // One that starts now waits until this is done, and looks again whether it has the key.
    change.lock_authority().await?;
    is_alone(app, change.view()).await?;
    let authorities = Authorities::begin(&folder, &app.settings.name, app.now())?;
    let fingerprint = authorities.certifies().fingerprint();
    let noted = async {
        change
            .begin_authority(&fingerprint, reason.as_str())
            .await?;
        change.commit().await
    };
    if let Err(error) = noted.await {
        Authorities::drop_next(&folder);
        return Err(error.into());
    }
    app.fleet.follow(authorities).await?;
    Ok(Output::Text(format!(
        "The next authority is {fingerprint}. From now on machines are certified by it, and trust \
         both. Make a backup: its key lies beside the old one's. When `ca show` names no machine \
         any more, `ca finish` goes over to it."
    )))
}

async fn finish(
    app: &App,
    caller: &Caller,
    reason: &Label,
    leave_behind: bool,
) -> Result<Output, Failure> {
    let before = app.fleet.authorities();
    let Some(next) = before.next() else {
        return Err(Failure::conflict(
            "No authority follows. `ca next` makes one.",
        ));
    };
    app.fleet.flush().await?;
    let mut change = app.change(caller).await?;
    change.lock_authority().await?;
    is_alone(app, change.view()).await?;
    let left = change.view().unreached().await?;
    if !left.is_empty() && !leave_behind {
        return Err(Failure::conflict(waits_for(&left)));
    }
    let (old, new) = (before.current().fingerprint(), next.fingerprint());
    let tokens = open_tokens(change.view(), app).await?;
    change
        .replace_authority(&old, &new, left.len(), reason.as_str())
        .await?;
    change.commit().await?;
    // On record first: cut off here, the next start goes on with it.
    let authorities = Authorities::finish(&app.folder.authority())?;
    app.fleet.follow(authorities).await?;
    let mut text = format!(
        "The authority is {new}. The old one is trusted no more, and its key is gone from here. \
         Within a minute the page shows a certificate of the new one too, unless it has one of its \
         own: import ca.crt where browsers trust the old one. Make a backup: from an older one \
         machines would not take this collector for theirs."
    );
    if !left.is_empty() {
        let names: Vec<&str> = left.iter().map(|one| one.name.as_str()).collect();
        text.push_str(&format!(
            " Left behind, each enrols again with a new token: {}.",
            names.join(", ")
        ));
    }
    if !tokens.is_empty() {
        text.push_str(&format!(
            " These tokens name the old authority and let nobody in any more: {}. Make new ones.",
            tokens.join(", ")
        ));
    }
    Ok(Output::Text(text))
}

/// The keys lie in the folder of each collector: another one that runs would refuse machines that
/// this one certifies with a key that is not there.
async fn is_alone(app: &App, view: &mut View) -> Result<(), Failure> {
    let all = view.collectors().await?;
    let others = all.iter().filter(|one| one.id != app.claims.id());
    let hosts: Vec<&str> = others.map(|one| one.host.as_str()).collect();
    if hosts.is_empty() {
        return Ok(());
    }
    Err(Failure::conflict(format!(
        "Other collectors run on this database ({}), and would not have the new key. End them, say \
         this again, copy the files in `ca/` from here into their folders, and start them.",
        hosts.join(", ")
    )))
}

fn waits_for(left: &[Unreached]) -> String {
    let names = left.iter().take(MOST_NAMED).map(|one| one.name.as_str());
    let more = match left.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} machines do not know the next authority yet: {}{more}. They would take this collector \
         for a stranger. Wait until they have renewed (`ca show`), or give --leave-behind and \
         enrol them again.",
        left.len(),
        names.collect::<Vec<_>>().join(", ")
    )
}

/// Tokens that could still be used: they name the authority of the day they were made.
async fn open_tokens(view: &mut View, app: &App) -> Result<Vec<String>, Failure> {
    let now = app.now();
    let tokens = view.tokens().await?.into_iter().filter(|token| {
        token.revoked_at.is_none() && token.uses_left > 0 && token.expires_at > now
    });
    Ok(tokens.map(|token| token.id.to_string()).collect())
}

impl From<crate::fleet::ca::CaError> for Failure {
    fn from(error: crate::fleet::ca::CaError) -> Self {
        Self::unavailable(error.to_string())
    }
}

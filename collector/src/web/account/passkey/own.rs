//! A person's own passkeys: what there are, and what it takes to change that.

use super::party::Party;
use crate::account::{MAX_PASSKEYS, is_fresh};
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::web::account::password;
use crate::web::person::SignedIn;
use crate::web::{Web, statics};
use askama::Template;
use patchward_common::percent::encoded;

/// The part of a page with a person's passkeys.
#[derive(Template)]
#[template(path = "passkeys.html")]
pub struct Own {
    /// What forms carry.
    token: String,
    rows: Vec<Row>,
    /// Why there can be none.
    hindrance: Option<String>,
    /// Whether there may be one more.
    has_room: bool,
    most: usize,
    /// Whether the password is asked for again.
    asks_password: bool,
    origin: String,
    script: &'static str,
    /// Where the page leads once there is one more.
    then: &'static str,
}

struct Row {
    title: String,
    /// The title as a part of an address.
    address: String,
    added: String,
    used: String,
}

impl Own {
    /// What is shown to a person whom one more passkey leads to `then`.
    pub async fn of(web: &Web, person: &SignedIn, then: &'static str) -> Result<Self, Failure> {
        let party = Party::of(&web.app.settings.web_origin());
        let asks_password = !has_proved(web, person).await?;
        let mut view = web.app.store.view().await?;
        let zones = Zones::read(&mut view).await?;
        let known = view.passkeys_of(&person.account.name).await?;
        let shown = known.iter().map(|passkey| Row {
            title: passkey.title.to_string(),
            address: encoded(passkey.title.as_str()),
            added: zones.cell(None, passkey.added_at).to_string(),
            used: passkey.used_at.map_or("never".to_owned(), |used| {
                zones.cell(None, used).to_string()
            }),
        });
        let rows: Vec<Row> = shown.collect();
        Ok(Self {
            token: person.token.clone(),
            has_room: rows.len() < MAX_PASSKEYS,
            rows,
            hindrance: party.as_ref().err().cloned(),
            most: MAX_PASSKEYS,
            asks_password,
            origin: party.map(|party| party.origin).unwrap_or_default(),
            script: statics::PASSKEY,
            then,
        })
    }

    /// Whether there are any.
    pub fn has_any(&self) -> bool {
        !self.rows.is_empty()
    }
}

/// What was wrong with what somebody sent: the field, and the words.
pub(super) type Mistake = (&'static str, String);

/// Whether the person proved a short while ago who they are.
pub(super) async fn has_proved(web: &Web, person: &SignedIn) -> Result<bool, Failure> {
    let known = web.app.store.signed_in(&person.session).await?;
    Ok(known.is_some_and(|known| is_fresh(known.session.proved_at, web.app.now())))
}

/// Whether the person proved who they are a short while ago, or does now by the password. Wrong
/// ones are counted as at the door.
pub(super) async fn proves(
    web: &Web,
    person: &SignedIn,
    sent: String,
) -> Result<Result<(), Mistake>, Failure> {
    if has_proved(web, person).await? {
        return Ok(Ok(()));
    }
    if sent.is_empty() {
        let text = "You signed in a while ago, so your password is asked for again. Open the page \
                    again where it has no field for it.";
        return Ok(Err(("password", text.to_owned())));
    }
    let wrong = password::wrong(web, person, sent).await?;
    Ok(wrong.map_or(Ok(()), |text| Err(("password", text))))
}

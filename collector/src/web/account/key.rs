//! A person's keys for signing: those that count in the roster, and those that wait for a registrar.

use crate::authority;
use crate::control::Failure;
use crate::store::accounts::KeyRequest;
use crate::web::Web;
use crate::web::person::SignedIn;
use patchward_common::trust::roster::{KeyKind, PersonKey};
use patchward_common::trust::sign::PublicKey;

/// What is known of a person's keys.
pub struct Keys {
    /// Those of browsers that count now.
    pub counting: Vec<PublicKey>,
    /// Those that the roster was asked to have, and whether they count in it now.
    pub asked: Vec<(KeyRequest, bool)>,
    registrars: Vec<String>,
}

impl Keys {
    /// Reads them.
    pub async fn of(web: &Web, person: &SignedIn) -> Result<Self, Failure> {
        let now = web.app.now();
        let name = &person.account.name;
        let mut view = web.app.store.view().await?;
        let held = authority::held(&mut view).await.ok();
        let known = held.iter().flat_map(|held| &held.roster.people);
        let known = known.filter(|known| known.id == *name);
        let keys = known.flat_map(|known| &known.keys);
        let counting = keys.filter(|key| key.from <= now && now < key.until);
        let counting: Vec<&PersonKey> = counting.collect();
        let of_browsers = counting.iter().filter(|key| key.kind == KeyKind::Browser);
        let has = |text: &str| counting.iter().any(|key| key.key.to_string() == text);
        let asked = view.key_requests().await?.into_iter();
        let asked = asked.filter(|request| request.account == *name);
        let registrars = held.iter().flat_map(|held| &held.charter.registrars);
        Ok(Self {
            counting: of_browsers.map(|key| key.key).collect(),
            asked: asked
                .map(|one| {
                    let is_known = has(&one.key);
                    (one, is_known)
                })
                .collect(),
            registrars: registrars.map(|one| one.name.to_string()).collect(),
        })
    }

    /// The newest that nobody has taken into the roster yet.
    pub fn waiting(&self) -> Option<&KeyRequest> {
        let waiting = self.asked.iter().filter(|(_, is_known)| !is_known);
        waiting
            .map(|(asked, _)| asked)
            .max_by_key(|asked| asked.asked_at)
    }

    /// Who takes keys into the roster, by name where anybody is known.
    pub fn registrar(&self) -> String {
        match self.registrars.is_empty() {
            true => "a registrar".to_owned(),
            false => format!("a registrar ({})", self.registrars.join(" or ")),
        }
    }
}

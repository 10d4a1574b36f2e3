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
    /// All that the roster has of them, of every kind and time.
    pub known: Vec<PublicKey>,
    /// Those that the roster was asked to have.
    pub asked: Vec<(KeyRequest, Stands)>,
    registrars: Vec<String>,
}

/// How a key stands that the roster was asked to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Nobody has taken it into the roster.
    Waits,
    /// It signs.
    Counts,
    /// The roster has it, and this is not its time.
    IsOver,
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
        let keys: Vec<&PersonKey> = known.flat_map(|known| &known.keys).collect();
        let counts = |key: &PersonKey| key.from <= now && now < key.until;
        let of_browsers = keys.iter().filter(|key| key.kind == KeyKind::Browser);
        let counting = of_browsers.filter(|key| counts(key));
        let stands = |text: &str| {
            let mut same = keys.iter().filter(|key| key.key.to_string() == text);
            match same.next() {
                None => Stands::Waits,
                Some(key) if counts(key) => Stands::Counts,
                Some(_) => Stands::IsOver,
            }
        };
        let asked = view.key_requests().await?.into_iter();
        let asked = asked.filter(|request| request.account == *name);
        let registrars = held.iter().flat_map(|held| &held.charter.registrars);
        Ok(Self {
            counting: counting.map(|key| key.key).collect(),
            known: keys.iter().map(|key| key.key).collect(),
            asked: asked
                .map(|one| {
                    let stands = stands(&one.key);
                    (one, stands)
                })
                .collect(),
            registrars: registrars.map(|one| one.name.to_string()).collect(),
        })
    }

    /// The newest that nobody has taken into the roster yet.
    pub fn waiting(&self) -> Option<&KeyRequest> {
        self.all_waiting().max_by_key(|asked| asked.asked_at)
    }

    /// All of these.
    pub fn all_waiting(&self) -> impl Iterator<Item = &KeyRequest> {
        let waiting = self.asked.iter();
        let waiting = waiting.filter(|(_, stands)| *stands == Stands::Waits);
        waiting.map(|(asked, _)| asked)
    }

    /// Who takes keys into the roster, by name where anybody is known.
    pub fn registrar(&self) -> String {
        match self.registrars.is_empty() {
            true => "a registrar".to_owned(),
            false => format!("a registrar ({})", self.registrars.join(" or ")),
        }
    }
}

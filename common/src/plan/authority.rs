//! Who signed: the chain from the hospital root to the people behind a signature.

use crate::id::Name;
use crate::time::UtcMs;
use crate::trust::charter::{self, Charter, CharterError, MAX_CHARTER_CHAIN, RootKeys};
use crate::trust::roster::{Endorsement, Roster, SigningRole};
use crate::trust::sign::{Document, KeyId, PublicKey, SignError, Signed, Verified};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The hospital root and every charter that followed from it, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharterChain {
    /// The first root keys: what machines pinned.
    pub root: RootKeys,
    /// The charters from number 1 on.
    pub charters: Vec<Signed<Charter>>,
}

/// Why a chain gives no authority.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No charter, or more than anybody follows at once.
    #[error("{0} charters, where 1 to {MAX_CHARTER_CHAIN} are expected")]
    Length(usize),
    /// A charter does not follow.
    #[error("charter {at} of the chain: {error}")]
    Charter {
        /// Its position, from 1.
        at: usize,
        /// Why.
        error: CharterError,
    },
    /// No registrar of the newest charter signed the roster.
    #[error("the roster: {0}")]
    Roster(SignError),
}

impl CharterChain {
    /// Follows the chain to its newest charter. Whether that is in date is for the
    /// reader to ask.
    pub fn newest(&self) -> Result<Verified<Charter>, ChainError> {
        self.all()?.pop().ok_or(ChainError::Length(0))
    }

    /// Follows the chain and gives back every charter, oldest first.
    pub fn all(&self) -> Result<Vec<Verified<Charter>>, ChainError> {
        if !(1..=MAX_CHARTER_CHAIN).contains(&self.charters.len()) {
            return Err(ChainError::Length(self.charters.len()));
        }
        let mut root = self.root.clone();
        let mut verified: Vec<Verified<Charter>> = Vec::new();
        for (at, next) in self.charters.iter().enumerate() {
            let charter = charter::follow(&root, at as u64, next)
                .map_err(|error| ChainError::Charter { at: at + 1, error })?;
            root = charter.root.clone();
            verified.push(charter);
        }
        Ok(verified)
    }

    /// The newest charter and the roster that one of its registrars signed.
    pub fn roster(
        &self,
        roster: &Signed<Roster>,
    ) -> Result<(Verified<Charter>, Verified<Roster>), ChainError> {
        let charter = self.newest()?;
        let registrars: Vec<PublicKey> = charter.registrars.iter().map(|r| r.key).collect();
        let roster = roster.verify(&registrars).map_err(ChainError::Roster)?;
        Ok((charter, roster))
    }
}

/// Every key of `keys` with a valid signature on `signed`, however many signatures
/// it carries: a plan for many units has more than one machine accepts at once.
pub fn signers<T: Document>(signed: &Signed<T>, keys: &[PublicKey]) -> BTreeSet<KeyId> {
    signed.signers(keys)
}

/// The approvers of all of `units` who signed, at `now`.
pub fn approvers<T: Document>(
    signed: &Signed<T>,
    roster: &Roster,
    units: &[&Name],
    now: UtcMs,
) -> Endorsement {
    let signers = signers(signed, &roster.people_keys(now));
    roster.endorsement(&signers, &[SigningRole::Approver], units, now)
}

/// `signed` with only the signatures that count in `unit` at `now`: what a machine
/// there gets, within the most that one document may carry.
pub fn signatures_for_unit<T: Document>(
    signed: &Signed<T>,
    roster: &Roster,
    unit: &Name,
    now: UtcMs,
) -> Signed<T> {
    let entitled = roster
        .people
        .iter()
        .filter(|person| person.roles.contains(&SigningRole::Approver) && person.units.cover(unit));
    let keys: Vec<PublicKey> = entitled
        .flat_map(|person| &person.keys)
        .filter(|key| key.from <= now && now < key.until)
        .map(|key| key.key)
        .collect();
    signed.trimmed(&keys)
}

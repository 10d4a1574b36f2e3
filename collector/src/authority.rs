//! What the collector holds of the hospital's documents: the chain of charters, the
//! newest roster, the assignments. It verifies what it takes in, so that a mistake is
//! found here and not at night on a machine; the machines trust none of it.

use crate::control::Failure;
use crate::store::View;
use crate::store::documents::{Document as Stored, DocumentKind, StoredSignature};
use patchward_common::plan::CharterChain;
use patchward_common::trust::charter::{Charter, RootKeys};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, PublicKey, Signed, Verified};

/// Charter and roster in force.
#[derive(Clone, Debug)]
pub struct Held {
    /// The hospital root and its charters.
    pub chain: CharterChain,
    /// The newest roster as it was signed.
    pub signed_roster: Signed<Roster>,
    /// The newest charter.
    pub charter: Verified<Charter>,
    /// The newest roster.
    pub roster: Verified<Roster>,
}

/// A stored document with its signatures.
pub async fn signed<T: Document>(view: &mut View, stored: Stored) -> Result<Signed<T>, Failure> {
    let signatures = view.signatures(&stored.digest).await?;
    let mut signed = Signed::unsigned(stored.payload);
    signed.add_signatures(signatures.into_iter().map(|signature| signature.bytes));
    Ok(signed)
}

/// The newest document of a kind.
pub async fn newest<T: Document>(
    view: &mut View,
    kind: DocumentKind,
) -> Result<Option<Signed<T>>, Failure> {
    match view.newest(kind).await? {
        Some(stored) => Ok(Some(signed(view, stored).await?)),
        None => Ok(None),
    }
}

/// Every charter from the first on, under the root that the first states.
pub async fn chain(view: &mut View) -> Result<Option<CharterChain>, Failure> {
    let mut charters: Vec<Signed<Charter>> = Vec::new();
    for stored in view.numbered_after(DocumentKind::Charter, 0).await? {
        charters.push(signed(view, stored).await?);
    }
    let Some(first) = charters.first() else {
        return Ok(None);
    };
    let root = first_root(first)?;
    Ok(Some(CharterChain { root, charters }))
}

/// The root keys that machines pin: those of the first charter, which signed it.
pub fn first_root(first: &Signed<Charter>) -> Result<RootKeys, Failure> {
    let charter = first
        .peek()
        .map_err(|error| Failure::input(format!("the first charter cannot be read: {error}")))?;
    Ok(charter.root)
}

/// What is held, or what is still missing.
pub async fn held(view: &mut View) -> Result<Held, Failure> {
    let missing = |what: &str| {
        Failure::conflict(format!(
            "There is no {what} yet. Make one with `patchward-sign {what}` and take it in with \
             `patchward-collector document add FILE`."
        ))
    };
    let chain = chain(view).await?.ok_or_else(|| missing("charter"))?;
    let signed_roster = newest::<Roster>(view, DocumentKind::Roster)
        .await?
        .ok_or_else(|| missing("roster"))?;
    let (charter, roster) = chain
        .roster(&signed_roster)
        .map_err(|error| Failure::conflict(error.to_string()))?;
    Ok(Held {
        chain,
        signed_roster,
        charter,
        roster,
    })
}

/// The signatures on `document` that are valid under one of `keys`, as they are stored.
pub fn stored_signatures<T: Document>(
    document: &Signed<T>,
    keys: &[PublicKey],
) -> Vec<StoredSignature> {
    let each = document.signatures().iter().filter_map(|signature| {
        let mut one = Signed::<T>::unsigned(document.payload().to_vec());
        one.add_signatures([signature.clone()]);
        let signer = *one.verify(keys).ok()?.signers().first()?;
        Some(StoredSignature {
            signer,
            bytes: signature.clone(),
        })
    });
    each.collect()
}

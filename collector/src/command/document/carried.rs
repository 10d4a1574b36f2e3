//! Stops whose signers a new roster does not know any more. On machines such a stop counts no
//! more, and what it held back would start: nobody has lifted it, so this collector signs it
//! anew.

use crate::app::App;
use crate::authority::stored_signatures;
use crate::control::Failure;
use crate::store::Change;
use crate::store::documents::{DocumentKind, NewDocument};
use patchward_common::codec;
use patchward_common::trust::roster::{Roster, SigningRole};
use patchward_common::trust::sign::{Document as _, KeyId, Signed};
use patchward_common::trust::stop::Stop;
use std::collections::BTreeSet;

/// Signs anew what would count no more, and says so; `None` where there is nothing.
pub(super) async fn stops(
    app: &App,
    change: &mut Change,
    roster: &Roster,
) -> Result<Option<String>, Failure> {
    let known = signers(roster);
    let mut reasons = Vec::new();
    let now = app.now();
    for stored in change.view().in_force(DocumentKind::Stop, now).await? {
        let signed_by = change.view().signatures(&stored.digest).await?;
        if signed_by.iter().any(|one| known.contains(&one.signer)) {
            continue;
        }
        let Ok(old) = codec::decode_deterministic::<Stop>(&stored.payload, Stop::MAX_BYTES) else {
            continue;
        };
        let stop = Stop { issued: now, ..old };
        let signed = Signed::new(&stop, &app.go_signing_key);
        let new = NewDocument::stop(&stop.scope, signed.payload());
        change
            .add_document(&new, &stored_signatures(&signed, &[app.go_key()]))
            .await?;
        change.end_document(&stored.digest, "signed anew").await?;
        reasons.push(stop.reason.to_string());
    }
    Ok((!reasons.is_empty()).then(|| {
        format!(
            " It knows the signers of {} stops no more, which nobody has lifted; this collector \
             signed them anew, and `stop lift` lifts them now: {}.",
            reasons.len(),
            reasons.join("; ")
        )
    }))
}

/// Whose stops count under a roster.
fn signers(roster: &Roster) -> BTreeSet<KeyId> {
    let people = roster.people.iter();
    let approvers = people.filter(|person| person.roles.contains(&SigningRole::Approver));
    let keys = approvers.flat_map(|person| &person.keys).map(|key| key.key);
    let go = roster.go_keys.iter().map(|go| go.key);
    keys.chain(go).map(|key| key.id()).collect()
}

//! Step 7: the bytes themselves, and the recipes that they meet.

use super::refusal::{Refusal, Step, Why};
use crate::digest::Digest;
use crate::id::Name;
use crate::trust::approval::Approval;
use crate::trust::release::Kind;

/// 7 **artifacts**, rollback included: each was copied into the root-only folder and
/// hashed there. `staged` gives the digest and length found for a name.
pub fn artifacts(
    approval: &Approval,
    staged: impl Fn(Digest) -> Option<(Digest, u64)>,
) -> Result<(), Refusal> {
    for artifact in approval.artifacts() {
        let why = match staged(artifact.sha256) {
            None => Why::NotStaged(artifact.sha256),
            Some(found) if found == (artifact.sha256, artifact.length) => continue,
            Some(_) => Why::OtherBytes {
                name: artifact.sha256,
            },
        };
        return Err(Refusal::new(Step::Artifacts, why));
    }
    Ok(())
}

/// 7, its second half: the recipe that a release or its rollback names is the file
/// that lies in `recipes.d`. `installed` hashes that file.
pub fn recipes(
    approval: &Approval,
    installed: impl Fn(&Name) -> Option<Digest>,
) -> Result<(), Refusal> {
    let described = approval
        .releases
        .iter()
        .flat_map(|release| release.described());
    for described in described {
        let Kind::Recipe(recipe) = &described.kind else {
            continue;
        };
        let why = match installed(&recipe.name) {
            Some(found) if found == recipe.sha256 => continue,
            Some(_) => Why::OtherRecipe(recipe.name.clone()),
            None => Why::NoRecipe(recipe.name.clone()),
        };
        return Err(Refusal::new(Step::Artifacts, why));
    }
    Ok(())
}

//! The custodian repository's root and drafts, in words.

use super::plain;
use super::release::{content, provenance};
use patchward_common::trust::custodian::{Changes, Draft, is_proof};
use patchward_common::trust::origin::Origin;
use patchward_common::trust::tuf_author::{Holders, RootSpec};

/// Who may sign what.
pub(crate) fn custodian_root(root: &RootSpec) -> String {
    let role = |word: &str, holders: &Holders| {
        let keys = holders.keys.iter().map(|key| format!("\n  {key}"));
        let keys: String = keys.collect();
        format!("{word}: {} of these keys:{keys}", holders.threshold)
    };
    [
        format!(
            "Root {} of the custodian repository, until {}",
            root.version, root.expires
        ),
        role("signs roots", &root.root),
        role("signs targets, offline", &root.targets),
        role("signs what is fresh, at the collector", &root.timestamp),
    ]
    .join("\n")
}

/// What a draft changes, with the origin of every new release.
pub(crate) fn custodian_draft(draft: &Draft, changes: &Changes) -> String {
    let mut lines = vec![format!(
        "Targets {} of {}: {} in all, {} releases are new",
        draft.version,
        draft.repository,
        draft.targets.len(),
        changes.releases.len()
    )];
    for (release, origin) in &changes.releases {
        lines.push(format!(
            "\n{} {} (counter {}), provenance: {}",
            release.product,
            release.version,
            release.counter,
            provenance(origin.provenance)
        ));
        came(origin, &mut lines);
        content(release, "  ", &mut lines);
    }
    let proofs = changes.added.iter().filter(|path| is_proof(path)).count();
    if proofs > 0 {
        lines.push(format!(
            "{proofs} files that proofs rest on are kept with them."
        ));
    }
    for path in &changes.removed {
        lines.push(format!("TAKEN AWAY: {path}"));
    }
    if changes.added.is_empty() && changes.removed.is_empty() {
        lines.push("Nothing is new or gone: this signature renews what counts already.".into());
    }
    plain(&lines.join("\n"))
}

fn came(origin: &Origin, lines: &mut Vec<String>) {
    lines.push(format!(
        "  came by {} from {}, fetched {} by {}",
        origin.way.word(),
        origin.place,
        origin.obtained,
        origin.obtained_by
    ));
    lines.push(format!("  {} vouches: {}", origin.vouched_by, origin.note));
    if origin.proofs.is_empty() {
        lines.push("  NOTHING of it was checked against its vendor".into());
    }
    for proof in &origin.proofs {
        let kept = proof.kept.map(|kept| format!(", kept as {kept}"));
        lines.push(format!(
            "  checked by the collector: {} of {}{}",
            proof.check.words(),
            proof.artifact,
            kept.unwrap_or_default()
        ));
    }
}

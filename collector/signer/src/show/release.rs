//! Each release of a plan in full: what an approver answers for, and a table has no room for.

use super::documents::names;
use patchward_common::trust::approval::{ApprovedRelease, Rollback};
use patchward_common::trust::release::{
    ArtifactRef, Kind, PackageManager, Provenance, ReleaseDescription,
};

/// Who vouches for it, in words.
pub(super) fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Vendor => "vendor",
        Provenance::VendorSignature => "vendor's signature, checked here",
        Provenance::Attested => "ATTESTED by HTM, not signed by the vendor",
    }
}

/// Everything of a release that is signed and is not in the plan's table.
pub(super) fn in_full(release: &ApprovedRelease) -> String {
    let described = &release.release;
    let mut lines = vec![format!(
        "{} {} (counter {}), provenance: {}",
        described.product,
        described.version,
        described.counter,
        provenance(release.provenance)
    )];
    if let Some(notice) = &described.users_will_notice {
        lines.push(format!(
            "  Users will notice of {}: {notice}",
            described.product
        ));
    }
    content(described, "  ", &mut lines);
    match &release.rollback {
        Rollback::None => lines.push("  way back: none staged".into()),
        Rollback::Release(back) => {
            let back = &back.release;
            lines.push(format!(
                "  way back: {} (counter {})",
                back.version, back.counter
            ));
            content(back, "    ", &mut lines);
        }
    }
    lines.join("\n")
}

/// What runs, on what, and what is asked before and after.
pub(super) fn content(described: &ReleaseDescription, indent: &str, lines: &mut Vec<String>) {
    let mut say = |text: String| lines.push(format!("{indent}{text}"));
    match &described.kind {
        Kind::Recipe(recipe) => say(format!("recipe {}, SHA-256 {}", recipe.name, recipe.sha256)),
        Kind::Tree(tree) => {
            let service = tree.service.as_ref().map(ToString::to_string);
            let service = service.unwrap_or_else(|| "no service".into());
            say(format!("tree {}, restarts {service}", tree.name));
        }
        Kind::Packages(set) => {
            let manager = match set.manager {
                PackageManager::Deb => "deb",
                PackageManager::Rpm => "rpm",
            };
            say(format!("{} {manager} packages:", set.packages.len()));
            for package in &set.packages {
                say(format!(
                    "  {} {}, SHA-256 {}",
                    package.name, package.version, package.artifact
                ));
            }
        }
    }
    say(format!("{} artifacts:", described.artifacts.len()));
    for ArtifactRef {
        path,
        sha256,
        length,
    } in &described.artifacts
    {
        say(format!("  {path}, {length} bytes, SHA-256 {sha256}"));
    }
    let rule = &described.applies_to;
    for (what, found) in [
        ("validated for models", names(&rule.models)),
        ("systems", rule.os.join(", ")),
        ("architectures", rule.architectures.join(", ")),
    ] {
        let found = if found.is_empty() { "any" } else { &found };
        say(format!("{what}: {found}"));
    }
    for (what, found) in [
        ("checks before", names(&described.checks_before)),
        ("checks after", names(&described.checks_after)),
        ("stepping stones", described.stepping_stones.join(", ")),
        ("fixes", described.fixes.join(", ")),
    ] {
        let found = if found.is_empty() { "none" } else { &found };
        say(format!("{what}: {found}"));
    }
}

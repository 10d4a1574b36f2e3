//! Steps 1 to 7: what may be prepared at any time.

use super::refusal::{Refusal, Step, Why};
use super::start::Stops;
use crate::codec;
use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::time::{DAY_MS, UtcMs};
use crate::trust::approval::{
    Approval, ApprovedRelease, MAX_APPROVAL_LIFE_MS, MAX_RELEASES, MAX_SLOTS, PlanLeaf, Rollback,
};
use crate::trust::assignment::{Assignment, AssignmentLeaf, MAX_GROUPS};
use crate::trust::charter::{self, Charter, CharterError, MAX_CHARTER_CHAIN};
use crate::trust::placement::{Proof, is_included};
use crate::trust::release::{ABSENT, MAX_ARTIFACTS, MAX_RUN_MINUTES, ReleaseDescription};
use crate::trust::roster::{Class, Endorsement, MAX_ROSTER_LIFE_MS, Quorum, Roster, SigningRole};
use crate::trust::sign::{KeyId, SignError, Signed, Verified};
use crate::trust::stop::Downgrade;
use crate::trust::vendor::VerifiedTargets;
use crate::trust::watermark::{Mark, Watermark};
use std::collections::BTreeSet;

/// Largest leaf of a table in bytes: 64 slots, 8 groups and names.
const MAX_LEAF_BYTES: usize = 8 * 1024;
/// How far in the future a document may be dated: the clocks' bound, generously.
const MAX_AHEAD_MS: i64 = DAY_MS;

/// Step 1's result: who may sign.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The newest charter.
    pub charter: Verified<Charter>,
    /// The newest roster.
    pub roster: Verified<Roster>,
}

/// Step 2's result: what this machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its row.
    pub leaf: AssignmentLeaf,
    /// The assignment that it came from.
    pub mark: Mark,
}

/// What was measured on this machine for step 6, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// `ID-VERSION_ID` of os-release.
    pub os: Option<String>,
    /// As `uname -m` writes it.
    pub architecture: Option<String>,
    /// The version of the product that is there; [`ABSENT`] where it is not.
    pub version: Option<String>,
}

/// 1 **charter and roster**: chain from the pin, not below the watermark, in date.
///
/// `charters` lead from the watermark's charter to the newest, oldest first; the one
/// that the watermark names may stand at their head and counts as it stands.
pub fn charter_and_roster(
    watermark: &Watermark,
    known: Option<&Verified<Charter>>,
    charters: &[Signed<Charter>],
    roster: &Signed<Roster>,
    now: UtcMs,
) -> Result<Authority, Refusal> {
    let refuse = |why| Refusal::new(Step::Roster, why);
    let charter = follow_charters(watermark, known, charters).map_err(refuse)?;
    in_date("charter", charter.issued, charter.expires, now).map_err(refuse)?;
    let registrars: Vec<_> = charter.registrars.iter().map(|r| r.key).collect();
    let roster = roster
        .verify(&registrars)
        .map_err(|error| refuse(unsigned("roster", &error)))?;
    not_below("roster", watermark.roster, roster.number, roster.digest()).map_err(refuse)?;
    if roster.expires.since_ms(roster.issued) > MAX_ROSTER_LIFE_MS {
        return Err(refuse(Why::TooLong { document: "roster" }));
    }
    in_date("roster", roster.issued, roster.expires, now).map_err(refuse)?;
    Ok(Authority { charter, roster })
}

fn follow_charters(
    watermark: &Watermark,
    known: Option<&Verified<Charter>>,
    charters: &[Signed<Charter>],
) -> Result<Verified<Charter>, Why> {
    if charters.len() > MAX_CHARTER_CHAIN {
        return Err(Why::Malformed {
            document: "charter",
            problem: "more charters at once than a machine follows",
        });
    }
    let mut newest = known.cloned();
    if let Some(known) = &newest
        && known.digest() != watermark.charter.digest
    {
        return Err(Why::Changed {
            document: "charter",
        });
    }
    let mut root = watermark.root.clone();
    let mut number = watermark.charter.number;
    for next in charters {
        if next.digest() == watermark.charter.digest {
            continue;
        }
        let charter = charter::follow(&root, number, next).map_err(|error| match error {
            CharterError::Order { before, found } if found == before && found > 0 => Why::Changed {
                document: "charter",
            },
            CharterError::Order { before, found } if found < before => Why::Older {
                document: "charter",
                found,
                seen: before,
            },
            other => Why::Signature {
                document: "charter",
                problem: other.to_string(),
            },
        })?;
        root = charter.root.clone();
        number = charter.number;
        newest = Some(charter);
    }
    newest.ok_or(Why::Missing("charter"))
}

/// 2 **assignment**: newest, signed for the higher of old and new class.
///
/// Whether its mode lets anything start is asked by [`Place::may_install`].
pub fn assignment(
    authority: &Authority,
    watermark: &Watermark,
    signed: &Signed<Assignment>,
    leaf: &[u8],
    proof: &Proof,
    now: UtcMs,
) -> Result<Place, Refusal> {
    let refuse = |why| Refusal::new(Step::Assignment, why);
    let table = signed
        .verify(&authority.roster.people_keys(now))
        .map_err(|error| refuse(unsigned("assignment", &error)))?;
    not_below(
        "assignment",
        watermark.assignment,
        table.number,
        table.digest(),
    )
    .map_err(refuse)?;
    if !is_included(leaf, proof, table.machines, table.root) {
        return Err(refuse(Why::OtherMachine {
            document: "assignment",
        }));
    }
    let row: AssignmentLeaf = parse_leaf("assignment", leaf).map_err(refuse)?;
    if row.machine != watermark.machine {
        return Err(refuse(Why::OtherMachine {
            document: "assignment",
        }));
    }
    if row.groups.len() > MAX_GROUPS || !row.groups.is_sorted_by(|a, b| a < b) {
        return Err(refuse(Why::Malformed {
            document: "assignment",
            problem: "its groups are not sorted, not unique or too many",
        }));
    }
    let before = watermark.place.as_ref();
    let class = before
        .map_or(Class::LifeSupport, |old| old.class)
        .max(row.class);
    let units: Vec<&Name> = before
        .map(|old| &old.unit)
        .into_iter()
        .chain([&row.unit])
        .collect();
    let endorsement =
        authority
            .roster
            .endorsement(table.signers(), &[SigningRole::Approver], &units, now);
    enough(&endorsement, authority.roster.quorum(class)).map_err(refuse)?;
    let mark = Mark {
        number: table.number,
        digest: table.digest(),
    };
    Ok(Place { leaf: row, mark })
}

/// 3 **approval**: size, signatures by enough distinct people for this machine's
/// assignment, in date, no stop.
pub fn approval(
    authority: &Authority,
    place: &AssignmentLeaf,
    stops: &Stops,
    signed: &Signed<Approval>,
    now: UtcMs,
) -> Result<Verified<Approval>, Refusal> {
    let refuse = |why| Refusal::new(Step::Approval, why);
    let approval = signed
        .verify(&authority.roster.people_keys(now))
        .map_err(|error| refuse(unsigned("approval", &error)))?;
    well_formed(&approval).map_err(refuse)?;
    in_date("approval", approval.issued, approval.expires, now).map_err(refuse)?;
    let endorsement = authority.roster.endorsement(
        approval.signers(),
        &[SigningRole::Approver],
        &[&place.unit],
        now,
    );
    let mut quorum = authority.roster.quorum(place.class);
    if approval.emergency.is_some() {
        quorum.people = quorum.people.max(2);
    }
    enough(&endorsement, quorum).map_err(refuse)?;
    if place.class == Class::LifeSupport && approval.waves != 1 {
        return Err(refuse(Why::Waves(approval.waves)));
    }
    stops
        .covering(&approval, place, &authority.charter)
        .map_or(Ok(()), |reason| Err(refuse(Why::Stopped(reason))))?;
    Ok(approval)
}

fn well_formed(approval: &Approval) -> Result<(), Why> {
    let malformed = |problem| Why::Malformed {
        document: "approval",
        problem,
    };
    if approval.releases.is_empty() || approval.releases.len() > MAX_RELEASES {
        return Err(malformed("it names no release, or too many"));
    }
    if approval.expires.since_ms(approval.issued) > MAX_APPROVAL_LIFE_MS {
        return Err(Why::TooLong {
            document: "approval",
        });
    }
    for release in &approval.releases {
        let declared = &release.release;
        let first = declared.artifacts.first();
        if declared.artifacts.len() > MAX_ARTIFACTS
            || !first.is_some_and(|first| {
                first.path == release.path
                    && first.sha256 == release.sha256
                    && first.length == release.length
            })
        {
            return Err(malformed("a release's first artifact is not the one named"));
        }
        let (install, recovery) = (release.install_minutes, release.recovery_minutes);
        if install < declared.install_minutes || recovery < declared.recovery_minutes {
            return Err(malformed(
                "a release gets less time than its vendor declares",
            ));
        }
        if install > MAX_RUN_MINUTES || recovery > MAX_RUN_MINUTES {
            return Err(malformed("a release takes longer than a day"));
        }
    }
    Ok(())
}

/// 4 **placement**: Merkle proof; the leaf's unit, class and groups equal the assignment.
pub fn placement(
    machine: MachineId,
    place: &AssignmentLeaf,
    approval: &Approval,
    leaf: &[u8],
    proof: &Proof,
) -> Result<PlanLeaf, Refusal> {
    let refuse = |why| Refusal::new(Step::Placement, why);
    let other_machine = || refuse(Why::OtherMachine { document: "plan" });
    if !is_included(leaf, proof, approval.machines, approval.root) {
        return Err(other_machine());
    }
    let leaf: PlanLeaf = parse_leaf("plan", leaf).map_err(refuse)?;
    if leaf.machine != machine {
        return Err(other_machine());
    }
    if leaf.unit != place.unit {
        return Err(refuse(Why::Relabelled("unit")));
    }
    if leaf.class != place.class {
        return Err(refuse(Why::Relabelled("class")));
    }
    if leaf.groups != place.groups {
        return Err(refuse(Why::Relabelled("coverage group")));
    }
    let apart = leaf.slots.is_sorted_by(|a, b| a.end() <= b.start());
    if leaf.slots.is_empty() || leaf.slots.len() > MAX_SLOTS || !apart {
        return Err(refuse(Why::Malformed {
            document: "plan",
            problem: "its slots are none, too many, or not in order and apart",
        }));
    }
    if leaf.wave >= approval.waves {
        return Err(refuse(Why::Malformed {
            document: "plan",
            problem: "its wave is none of the approval's",
        }));
    }
    Ok(leaf)
}

/// 5 **vendor**: path, length and hash equal the approval's (and `custom`, where there
/// is one); the charter lets this vendor speak for this product.
///
/// `targets` is what a TUF refresh from a fixed update start time found; `custom` is
/// compared where the repository has one.
pub fn vendor(
    authority: &Authority,
    release: &ApprovedRelease,
    targets: &VerifiedTargets,
) -> Result<(), Refusal> {
    let refuse = |why| Refusal::new(Step::Vendor, why);
    let unknown = || refuse(Why::UnknownRepository(release.repository.clone()));
    let grant = authority
        .charter
        .grant(&release.repository)
        .ok_or_else(unknown)?;
    let back = match &release.rollback {
        Rollback::None => None,
        Rollback::Release(back) => Some(&back.release),
    };
    for described in [Some(&release.release), back].into_iter().flatten() {
        if !grant.products.contains(&described.product) {
            return Err(refuse(Why::NotItsProduct {
                repository: release.repository.clone(),
                what: format!("product {}", described.product),
            }));
        }
        for artifact in &described.artifacts {
            if !grant
                .paths
                .iter()
                .any(|prefix| artifact.path.starts_with(prefix))
            {
                return Err(refuse(Why::NotItsProduct {
                    repository: release.repository.clone(),
                    what: format!("path {}", artifact.path),
                }));
            }
            let differs = |what| Why::VendorDiffers {
                path: artifact.path.clone(),
                what,
            };
            let target = targets
                .target(&artifact.path)
                .map_err(|error| refuse(Why::Tuf(error)))?
                .ok_or_else(|| refuse(Why::NoTarget(artifact.path.clone())))?;
            if target.length != artifact.length {
                return Err(refuse(differs("the length")));
            }
            if target.sha256 != artifact.sha256 {
                return Err(refuse(differs("the bytes")));
            }
        }
        describes(targets, described).map_err(refuse)?;
    }
    Ok(())
}

/// The description that a target carries, where it has one, is the approved one.
fn describes(targets: &VerifiedTargets, described: &ReleaseDescription) -> Result<(), Why> {
    let Some(first) = described.artifacts.first() else {
        return Err(Why::Malformed {
            document: "release",
            problem: "it has no artifact",
        });
    };
    let target = targets.target(&first.path).map_err(Why::Tuf)?;
    let custom = target
        .as_ref()
        .and_then(|target| target.custom.get("patchward"));
    let differs = Why::VendorDiffers {
        path: first.path.clone(),
        what: "the description",
    };
    match custom {
        None => Ok(()),
        Some(custom) => match serde_json::from_value::<ReleaseDescription>(custom.clone()) {
            Ok(stated) if stated == *described => Ok(()),
            _ => Err(differs),
        },
    }
}

/// 6 **applicability and counters**: from-version, OS, architecture as measured now;
/// counter not below the watermark; digest not quarantined here.
///
/// Gives back the downgrade that let an older counter pass: it counts once.
pub fn applicability(
    watermark: &Watermark,
    place: &AssignmentLeaf,
    approval: &Approval,
    release: &ApprovedRelease,
    measured: &Measured,
    downgrades: &[Verified<Downgrade>],
    authority: &Authority,
    now: UtcMs,
) -> Result<Option<Digest>, Refusal> {
    let refuse = |why| Refusal::new(Step::Applicability, why);
    let described = &release.release;
    let rule = &described.applies_to;
    one_of("system", &rule.os, measured.os.as_deref()).map_err(refuse)?;
    let mut architectures = rule.architectures.clone();
    if architectures.iter().any(|one| one == "all") {
        architectures.clear();
    }
    one_of(
        "architecture",
        &architectures,
        measured.architecture.as_deref(),
    )
    .map_err(refuse)?;
    one_of("version", &rule.from, measured.version.as_deref()).map_err(refuse)?;
    let models: Vec<String> = rule.models.iter().map(Name::to_string).collect();
    one_of("model", &models, Some(place.model.as_str())).map_err(refuse)?;
    for artifact in &described.artifacts {
        let quarantined = watermark.quarantine.contains(&artifact.sha256);
        if quarantined && !approval.clears.contains(&artifact.sha256) {
            return Err(refuse(Why::Quarantined(artifact.sha256)));
        }
    }
    let seen = watermark
        .counters
        .get(&described.product)
        .copied()
        .unwrap_or(0);
    if described.counter >= seen {
        return Ok(None);
    }
    let allowed = downgrades.iter().find(|downgrade| {
        !watermark.used.contains(&downgrade.digest())
            && downgrade.machines.contains(&watermark.machine)
            && downgrade.product == described.product
            && downgrade.to == described.version
            && Some(downgrade.from.as_str()) == measured.version.as_deref()
            && downgrade.issued.since_ms(now) <= MAX_AHEAD_MS
            && now < downgrade.expires
            && signed_by_two(authority, downgrade.signers(), place, now)
    });
    match allowed {
        Some(downgrade) => Ok(Some(downgrade.digest())),
        None => Err(refuse(Why::OlderRelease {
            product: described.product.clone(),
            found: described.counter,
            seen,
        })),
    }
}

fn signed_by_two(
    authority: &Authority,
    signers: &BTreeSet<KeyId>,
    place: &AssignmentLeaf,
    now: UtcMs,
) -> bool {
    let mut quorum = authority.roster.quorum(place.class);
    quorum.people = quorum.people.max(2);
    authority
        .roster
        .endorsement(signers, &[SigningRole::Approver], &[&place.unit], now)
        .meets(quorum)
}

fn one_of(what: &'static str, allowed: &[String], found: Option<&str>) -> Result<(), Why> {
    if allowed.is_empty() {
        return Ok(());
    }
    let found = found.ok_or(Why::NotMeasured { what })?;
    if allowed.iter().any(|one| one == found) {
        return Ok(());
    }
    let found = if found == ABSENT { "nothing" } else { found };
    Err(Why::NotApplicable {
        what,
        expected: allowed.join(" or "),
        found: found.to_owned(),
    })
}

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

fn parse_leaf<T: serde::de::DeserializeOwned>(
    document: &'static str,
    leaf: &[u8],
) -> Result<T, Why> {
    codec::decode_deterministic(leaf, MAX_LEAF_BYTES).map_err(|error| Why::Unreadable {
        document,
        problem: error.to_string(),
    })
}

fn not_below(document: &'static str, mark: Mark, number: u64, digest: Digest) -> Result<(), Why> {
    if mark.admits(number, digest) {
        Ok(())
    } else if number == mark.number {
        Err(Why::Changed { document })
    } else {
        Err(Why::Older {
            document,
            found: number,
            seen: mark.number,
        })
    }
}

pub(super) fn in_date(
    document: &'static str,
    issued: UtcMs,
    expires: UtcMs,
    now: UtcMs,
) -> Result<(), Why> {
    if now >= expires {
        return Err(Why::Expired {
            document,
            at: expires,
        });
    }
    if issued.since_ms(now) > MAX_AHEAD_MS {
        return Err(Why::Malformed {
            document,
            problem: "it is dated more than a day ahead of this machine's clock",
        });
    }
    Ok(())
}

pub(super) fn unsigned(document: &'static str, error: &SignError) -> Why {
    match error {
        SignError::NoValidSignature => Why::Signature {
            document,
            problem: error.to_string(),
        },
        SignError::TooLarge { .. } | SignError::Payload(_) => Why::Unreadable {
            document,
            problem: error.to_string(),
        },
    }
}

fn enough(endorsement: &Endorsement, quorum: Quorum) -> Result<(), Why> {
    if endorsement.meets(quorum) {
        return Ok(());
    }
    Err(Why::TooFewSigned {
        have: endorsement.people().len(),
        need: quorum.people,
        with_file_key: endorsement.with_file_key().len(),
        need_file_key: quorum.with_file_key,
    })
}

impl Place {
    /// Step 2's last part: only a machine that HTM signed `active` is installed on.
    pub fn may_install(&self) -> Result<(), Refusal> {
        use crate::trust::assignment::Mode;
        match self.leaf.mode {
            Mode::Active => Ok(()),
            mode => Err(Refusal::new(Step::Assignment, Why::Mode(mode))),
        }
    }
}

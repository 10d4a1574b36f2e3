//! Which machines a plan can be for, and why others are not.

mod vendor;

pub use vendor::VendorRefusal;

use super::input::{Candidate, PlanInput};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, ApprovedRelease};
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::trust::release::{ABSENT, ReleaseDescription};
use patchward_common::trust::roster::Class;
use patchward_common::trust::stones::{self, Stone};
use serde::Serialize;

/// A machine that is not in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Impossible {
    /// The machine.
    pub machine: MachineId,
    /// What people call it.
    pub name: Label,
    /// Why.
    pub reason: Reason,
    /// Who can change it.
    pub who: Owner,
}

/// Who can change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The vendor.
    Vendor,
    /// HTM.
    Htm,
    /// IT.
    It,
    /// Security.
    Security,
    /// Nobody has to.
    Nobody,
}

/// Why a machine is not in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It has what the plan installs.
    #[error("it has this version already")]
    AlreadyThere,
    /// A person left it as it is.
    #[error("it is left as it is until {0}; `item except --end` ends that")]
    Excepted(UtcMs),
    /// Only rehearsing and active machines are worked on.
    #[error("its mode is observe; assign it rehearse or active")]
    Mode,
    /// It can never say that it is idle.
    #[error("it has no interlock profile; give it one")]
    NoInterlock,
    /// Not validated for its model.
    #[error("{product} {version} is not validated for model {model}")]
    NotValidated {
        /// The product.
        product: Name,
        /// Its version.
        version: String,
        /// The machine's model.
        model: Name,
    },
    /// Its vendor's answers say so.
    #[error("{0}")]
    VendorPolicy(VendorRefusal),
    /// For another system or architecture.
    #[error("{product} {version} is not for its {what}")]
    OtherPlatform {
        /// The product.
        product: Name,
        /// Its version.
        version: String,
        /// System or architecture.
        what: &'static str,
    },
    /// From another version than it has.
    #[error("{product} {version} cannot be installed from {found}; a stepping stone is needed")]
    FromVersion {
        /// The product.
        product: Name,
        /// Its version.
        version: String,
        /// What is there.
        found: String,
    },
    /// A version on the way is missing.
    #[error(
        "{product} {version} needs {stone} first, and it has {found}; plan `--release {product}={stone}` before it"
    )]
    SteppingStone {
        /// The product.
        product: Name,
        /// Its version.
        version: String,
        /// The version that has to be installed first.
        stone: String,
        /// What is there.
        found: String,
    },
    /// What it has is not known.
    #[error("which version of {0} it has is not known; give it a probe for it")]
    VersionUnknown(Name),
    /// It went wrong there before.
    #[error(
        "{product} {version} went wrong on it and is in quarantine there; judge it and clear it with `plan new --clear`, or plan a later release"
    )]
    Quarantined {
        /// The product.
        product: Name,
        /// Its version.
        version: String,
    },
    /// Life support has plans of its own.
    #[error("life support is planned apart from other classes; make a plan of its own")]
    LifeSupportApart,
    /// A coverage group without a rule.
    #[error("the minimum ready of its group {0} is not known; set it")]
    GroupUnknown(Name),
    /// As many must stay ready as there are.
    #[error("every member of its group {0} must stay ready; lower the minimum or add a stand-in")]
    GroupFull(Name),
    /// More must stay ready than there are.
    #[error(
        "{minimum} members of its group {group} must stay ready, and only {size} are assigned to it; lower the minimum with `group edit`, or assign more machines to it"
    )]
    GroupTooSmall {
        /// The group.
        group: Name,
        /// How many are assigned to it.
        size: u32,
        /// How many must stay ready.
        minimum: u32,
    },
    /// A limit of 0.
    #[error(
        "the limit of its site or of the hospital allows no work at all; raise it with `plan limit`"
    )]
    NothingAllowed,
    /// Its server was asked for and has no slot.
    #[error(
        "it comes after its server {0}, which cannot be planned; mend that, or plan without it"
    )]
    ServerNotPlanned(Label),
    /// Servers that wait for one another.
    #[error(
        "it stands in a circle of servers that come before one another; correct it with `plan order --remove`"
    )]
    ServerCircle,
    /// The bytes come too late.
    #[error(
        "the line of its site cannot carry its artifacts within the plan's horizon; plan fewer machines, or bring the artifacts to the site"
    )]
    LineTooSlow,
    /// Its unit has no window.
    #[error("unit {0} has no allowed time within the plan's horizon; make a window")]
    NoWindow(Name),
    /// Freezes take what its windows would give.
    #[error(
        "freezes leave unit {unit} no time that is long enough within the plan's horizon: {}; end one with `freeze remove`, lengthen the horizon, or override it in an emergency",
        named(.freezes)
    )]
    Frozen {
        /// The unit.
        unit: Name,
        /// The freezes.
        freezes: Vec<Label>,
    },
    /// Every opening is too short.
    #[error("the job may need {need_minutes} minutes, and no opening of its unit is as long")]
    WindowTooShort {
        /// What the job may need, with the start allowance.
        need_minutes: i64,
    },
    /// Others have all the slots.
    #[error(
        "minimum ready of its groups, or a limit on work at once, leaves no slot within the plan's horizon; add windows, lengthen the horizon, or add a stand-in"
    )]
    NoSlotLeft,
}

/// The first of several names.
fn named(names: &[Label]) -> String {
    /// So many are named.
    const NAMED: usize = 3;
    let named: Vec<&str> = names.iter().take(NAMED).map(Label::as_str).collect();
    match names.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

impl Reason {
    /// Who can change it.
    pub fn who(&self) -> Owner {
        match self {
            Self::AlreadyThere => Owner::Nobody,
            Self::Excepted(_) => Owner::Security,
            Self::NotValidated { .. } | Self::OtherPlatform { .. } | Self::FromVersion { .. } => {
                Owner::Vendor
            }
            Self::VendorPolicy(refusal) => refusal.who(),
            Self::VersionUnknown(_)
            | Self::NoInterlock
            | Self::NothingAllowed
            | Self::ServerCircle
            | Self::LineTooSlow => Owner::It,
            Self::Mode
            | Self::GroupTooSmall { .. }
            | Self::ServerNotPlanned(_)
            | Self::Quarantined { .. }
            | Self::LifeSupportApart
            | Self::SteppingStone { .. }
            | Self::GroupUnknown(_)
            | Self::GroupFull(_)
            | Self::NoWindow(_)
            | Self::Frozen { .. }
            | Self::WindowTooShort { .. }
            | Self::NoSlotLeft => Owner::Htm,
        }
    }
}

impl Reason {
    /// Whether what comes after this machine has to wait for it. What has nothing to do
    /// here holds up nobody.
    pub(super) fn holds_up(&self) -> bool {
        !matches!(
            self,
            Self::AlreadyThere | Self::NotValidated { .. } | Self::OtherPlatform { .. }
        )
    }
}

impl Reason {
    /// The stepping stone that is missing, or of which nobody can tell.
    fn stone(described: &ReleaseDescription, found: &str, stone: Stone) -> Self {
        let product = described.product.clone();
        match stone {
            Stone::First(stone) => Self::SteppingStone {
                product,
                version: described.version.clone(),
                stone,
                found: found.to_owned(),
            },
            Stone::Unclear(_) => Self::VersionUnknown(product),
        }
    }
}

impl Impossible {
    pub(super) fn new(row: &AssignmentLeaf, reason: Reason) -> Self {
        Self {
            machine: row.machine,
            name: row.name.clone(),
            who: reason.who(),
            reason,
        }
    }
}

/// Parts the machines that can be planned from those that cannot.
pub(super) fn sort_out<'a>(
    input: &'a PlanInput,
    approval: &Approval,
) -> (Vec<&'a Candidate>, Vec<Impossible>) {
    let is_life_support = |c: &Candidate| c.row.class == Class::LifeSupport;
    let mixed = input.machines.iter().any(|c| !is_life_support(c));
    let mut fitting = Vec::new();
    let mut impossible = Vec::new();
    for candidate in &input.machines {
        let apart = mixed && is_life_support(candidate);
        let excepted = input.excepted.get(&candidate.row.machine);
        let reason = match excepted {
            Some(until) => Some(Reason::Excepted(*until)),
            None if apart => Some(Reason::LifeSupportApart),
            None => misfit(candidate, approval)
                .or_else(|| vendor::refusal(&input.stated, &candidate.row, approval)),
        };
        match reason {
            None => fitting.push(candidate),
            Some(reason) => impossible.push(Impossible::new(&candidate.row, reason)),
        }
    }
    (fitting, impossible)
}

fn misfit(candidate: &Candidate, approval: &Approval) -> Option<Reason> {
    let (row, facts) = (&candidate.row, &candidate.facts);
    if row.mode == Mode::Manual {
        // What is there, and whether it is idle, a person finds out.
        let mut releases = approval.releases.iter();
        return releases.find_map(|release| not_validated(row, &release.release));
    }
    let mut changes = false;
    for (at, release) in approval.releases.iter().enumerate() {
        let described = &release.release;
        if let Some(reason) = not_for(candidate, described) {
            return Some(reason);
        }
        let product = &described.product;
        // What an earlier release of the plan leaves behind, or what is there now.
        let mut earlier = approval.releases[..at].iter().rev();
        let earlier = earlier.find(|earlier| earlier.release.product == *product);
        let found = match earlier {
            Some(earlier) => Some(&earlier.release.version),
            None => facts.versions.get(product),
        };
        let from = &described.applies_to.from;
        match found {
            Some(found) if *found == described.version => continue,
            Some(found) if !from.is_empty() && !from.contains(found) => {
                let found = if found == ABSENT { "nothing" } else { found };
                return Some(Reason::FromVersion {
                    product: product.clone(),
                    version: described.version.clone(),
                    found: found.to_owned(),
                });
            }
            None if !from.is_empty() || !described.stepping_stones.is_empty() => {
                return Some(Reason::VersionUnknown(product.clone()));
            }
            Some(found) => {
                if let Some(stone) = stones::missing(described, found) {
                    return Some(Reason::stone(described, found, stone));
                }
            }
            None => {}
        }
        if is_quarantined(candidate, approval, release) {
            return Some(Reason::Quarantined {
                product: product.clone(),
                version: described.version.clone(),
            });
        }
        changes = true;
    }
    if !changes {
        return Some(Reason::AlreadyThere);
    }
    if row.mode == Mode::Observe {
        return Some(Reason::Mode);
    }
    facts
        .interlock_profile
        .is_none()
        .then_some(Reason::NoInterlock)
}

/// The release, or what it would go back to.
fn is_quarantined(candidate: &Candidate, approval: &Approval, release: &ApprovedRelease) -> bool {
    let mut artifacts = release.artifacts().map(|artifact| artifact.sha256);
    let quarantined = &candidate.facts.quarantined;
    artifacts.any(|one| quarantined.contains(&one) && !approval.clears.contains(&one))
}

fn not_validated(row: &AssignmentLeaf, described: &ReleaseDescription) -> Option<Reason> {
    let models = &described.applies_to.models;
    let validated = models.is_empty() || models.contains(&row.model);
    (!validated).then(|| Reason::NotValidated {
        product: described.product.clone(),
        version: described.version.clone(),
        model: row.model.clone(),
    })
}

fn not_for(candidate: &Candidate, described: &ReleaseDescription) -> Option<Reason> {
    if let Some(reason) = not_validated(&candidate.row, described) {
        return Some(reason);
    }
    let rule = &described.applies_to;
    let (product, version) = (&described.product, &described.version);
    let is_one_of = |allowed: &[String], found: &Option<String>| {
        allowed.is_empty() || found.as_ref().is_some_and(|found| allowed.contains(found))
    };
    let any_architecture = rule.architectures.iter().any(|one| one == "all");
    let what = if !is_one_of(&rule.os, &candidate.facts.os) {
        "system"
    } else if !any_architecture && !is_one_of(&rule.architectures, &candidate.facts.architecture) {
        "architecture"
    } else {
        return None;
    };
    Some(Reason::OtherPlatform {
        product: product.clone(),
        version: version.clone(),
        what,
    })
}

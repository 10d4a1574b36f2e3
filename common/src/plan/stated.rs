//! What people stated of the hospital, and no machine can tell: how much may go on at
//! once, what comes before what, who was trained, who is there afterwards, what is stopped.

use crate::digest::Digest;
use crate::id::{Label, MachineId, Name};
use crate::time::{Interval, UtcMs};
use crate::trust::stop::Scope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What people stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The site of each unit.
    pub sites: BTreeMap<Name, Name>,
    /// How many members of each coverage group must stay ready, as it is set now.
    pub minimums: BTreeMap<Name, u32>,
    /// Limits of the whole hospital.
    pub everywhere: Limits,
    /// Limits of single sites.
    pub limits: BTreeMap<Name, Limits>,
    /// Servers, and the machines that come after them.
    pub precedence: Vec<Precedence>,
    /// Releases for which people must be trained.
    pub training: Vec<Training>,
    /// Who is there to return machines to service.
    pub duty: Vec<Duty>,
    /// Members of coverage groups without an agent.
    pub members: Vec<StatedMember>,
    /// What was stopped when this was gathered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<StopInForce>,
    /// Which releases were halted then, and on which models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub halts: Vec<HaltOnModel>,
    /// What vendors let others do on their models, by their MDS2 answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor_policies: Vec<VendorPolicy>,
}

/// What a vendor lets others do on a model, the strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VendorAllows {
    /// The owner may install, also remotely.
    Install,
    /// The owner may install with a person at the device: bytes may be brought there.
    StageOnly,
    /// Service by the vendor is required.
    VendorService,
    /// Nobody may install, or nobody knows: what is there is reported.
    ReportOnly,
}

impl VendorAllows {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::StageOnly => "stage_only",
            Self::VendorService => "vendor_service",
            Self::ReportOnly => "report_only",
        }
    }
}

/// What a vendor's answers let others do with a product on a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorPolicy {
    /// The model.
    pub model: Name,
    /// The product; `None` for every one that is not named.
    pub product: Option<Name>,
    /// What is allowed.
    pub allows: VendorAllows,
    /// The answer that says so.
    pub because: String,
}

/// A stop that was not lifted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopInForce {
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub reason: Label,
}

/// A release that nobody has judged since it went wrong on machines of a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaltOnModel {
    /// The release, by its first artifact.
    pub release: Digest,
    /// The model.
    pub model: Name,
    /// Why.
    pub reason: String,
}

/// How much may go on at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most machines with an open slot at once.
    pub parallel: Option<u32>,
    /// What the site's line carries of artifacts, in bytes per second.
    pub bytes_per_second: Option<u64>,
}

/// A machine that comes before another in every plan that has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precedence {
    /// The server.
    pub first: MachineId,
    /// Its workstation.
    pub next: MachineId,
}

/// A release for which people must be trained before it is installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The product.
    pub product: Name,
    /// Its version.
    pub version: String,
    /// The unit; `None` for all.
    pub unit: Option<Name>,
    /// What has to be known.
    pub what: Label,
    /// Who said that it is; `None` where nobody did.
    pub confirmed: Option<Confirmation>,
}

/// Who confirmed something, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The person.
    pub by: Label,
    /// When.
    pub at: UtcMs,
}

/// Somebody who returns machines to service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The unit; `None` for all.
    pub unit: Option<Name>,
    /// The person, or the service by its number.
    pub who: Label,
    /// From when until when.
    pub time: Interval,
}

/// A member of a coverage group that nobody measures.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedMember {
    /// Its group.
    pub group: Name,
    /// Its asset tag.
    pub asset: Label,
    /// Who vouches for it; `None` where nobody does.
    pub statement: Option<Statement>,
}

/// A person's word that a member is fit for use, for a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The person.
    pub by: Label,
    /// When it was said.
    pub at: UtcMs,
    /// How long it counts.
    pub until: UtcMs,
}

impl Stated {
    /// What the vendor of a model lets others do there with a product; `None` where its
    /// answers were never taken in.
    pub fn vendor_policy(&self, model: &Name, product: &Name) -> Option<&VendorPolicy> {
        let of_model = || {
            self.vendor_policies
                .iter()
                .filter(|one| one.model == *model)
        };
        let named = of_model().find(|one| one.product.as_ref() == Some(product));
        named.or_else(|| of_model().find(|one| one.product.is_none()))
    }

    /// The limits of a unit's site.
    pub fn limits_of(&self, unit: &Name) -> Option<(&Name, Limits)> {
        let site = self.sites.get(unit)?;
        Some((site, *self.limits.get(site)?))
    }
}

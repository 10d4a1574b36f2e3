//! Gathering: what the planner and the plan check need, out of the store. They decide;
//! nothing is decided here.

mod assigned;
mod reported;
mod stated;

pub use assigned::{Assigned, Newest, Rows};
pub use reported::{candidates, versions, versions_of};
pub use stated::{answers, measured_minutes, policies};

use crate::allowed;
use crate::app::App;
use crate::authority::{self, Held};
use crate::command::release;
use crate::control::Failure;
use crate::schedule::planner::{Frozen, GroupRule, Standing};
use crate::store::places::Group;
use crate::store::plan_tables::PlanTable;
use crate::store::releases::Release;
use crate::store::vendors::TufFile;
use crate::store::{StoreError, View};
use patchward_common::component::{ComponentSet, Source};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::check::{self, Finding, Known, Severity};
use patchward_common::plan::{Context, PlanFile, Stated, Table};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{
    Approval, ApprovedRelease, Emergency, Rollback, RollbackRelease,
};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::release::{Kind, ReleaseDescription};
use patchward_common::trust::sign::Signed;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Everything that a plan is made from and judged by, but for what a person chose.
pub struct Gathered {
    now: UtcMs,
    held: Held,
    /// The assignments as they are signed now, oldest first.
    assignments: Vec<Signed<Assignment>>,
    /// Their rows.
    pub assigned: Arc<Rows>,
    /// Coverage groups with what is assigned to them.
    pub groups: BTreeMap<Name, GroupRule>,
    /// Every other unexpired plan, with its signatures and as it was read.
    tables: Vec<(Signed<Approval>, Arc<PlanTable>)>,
    /// The same for the planner.
    pub beside: Vec<Standing>,
    /// What people stated.
    pub stated: Stated,
}

impl Gathered {
    /// The groups of machines in plans beside, by their newest signed rows.
    pub fn placed(&self) -> BTreeMap<MachineId, Vec<Name>> {
        let leaves = self.beside.iter().flat_map(|other| &other.leaves);
        let rows = leaves.filter_map(|leaf| self.assigned.row(&leaf.machine));
        rows.map(|row| (row.machine, row.groups.clone())).collect()
    }
}

/// Reads what every plan needs.
pub async fn gather(app: &App, view: &mut View, now: UtcMs) -> Result<Gathered, Failure> {
    let held = authority::held(view).await?;
    let assigned = app.assigned.rows(view).await?;
    let assignments = assigned.signed(view).await?;
    let mut members: HashMap<&Name, u32> = HashMap::new();
    for group in assigned.all().flat_map(|row| &row.groups) {
        *members.entry(group).or_default() += 1;
    }
    let known = view.groups().await?;
    let rule = |group: &Group| GroupRule {
        size: members.get(&group.name).copied().unwrap_or(0),
        minimum_ready: group.minimum_ready,
    };
    let groups = known.iter().map(|group| (group.name.clone(), rule(group)));
    let groups = groups.collect();
    let mut tables = Vec::new();
    let mut beside = Vec::new();
    // What was signed stands until it expires, also where every job has ended: a hostile
    // collector could still hand it out.
    for plan in view.plans_standing(now).await? {
        let table = read(view, &plan.id).await?;
        let unread = |error| Failure::conflict(format!("plan {}: {error}", plan.title));
        let (approval, leaves) = table.read().map_err(unread)?.clone();
        beside.push(Standing {
            digest: plan.id,
            approval,
            leaves,
        });
        let signed = table.unsigned().signed.clone();
        tables.push((with_signatures(view, &plan.id, signed).await?, table));
    }
    Ok(Gathered {
        now,
        held,
        assignments,
        assigned,
        groups,
        tables,
        beside,
        stated: stated::stated(view, &known, now).await?,
    })
}

/// A stored plan with its leaves and signatures.
pub async fn table(view: &mut View, id: &Digest) -> Result<Table<Approval>, Failure> {
    let Table { signed, leaves } = read(view, id).await?.unsigned().clone();
    let signed = with_signatures(view, id, signed).await?;
    Ok(Table { signed, leaves })
}

/// The same without signatures, as it was read.
pub async fn read(view: &mut View, id: &Digest) -> Result<Arc<PlanTable>, Failure> {
    let table = view.plan_table(id).await?;
    table.ok_or_else(|| no_plan(id))
}

fn no_plan(id: &Digest) -> Failure {
    Failure::not_found(format!("There is no plan {id}."))
}

/// A plan's approval with its signatures, without its machines.
pub async fn signed(view: &mut View, id: &Digest) -> Result<Signed<Approval>, Failure> {
    let payload = view.plan_payload(id).await?;
    let payload = payload.ok_or_else(|| no_plan(id))?;
    with_signatures(view, id, Signed::unsigned(payload)).await
}

async fn with_signatures(
    view: &mut View,
    id: &Digest,
    mut signed: Signed<Approval>,
) -> Result<Signed<Approval>, Failure> {
    let signatures = view.signatures(id).await?;
    signed.add_signatures(signatures.into_iter().map(|signature| signature.bytes));
    Ok(signed)
}

/// The component by which a product is known in an inventory, by how it is installed: where
/// it is found, if that matters, and its name.
pub fn component_of(product: &ReleaseDescription) -> Option<(Option<Source>, &str)> {
    Some(match &product.kind {
        Kind::Tree(tree) => (Some(Source::Tree), tree.name.as_str()),
        Kind::Packages(packages) => (None, packages.packages.first()?.name.as_str()),
        Kind::Recipe(_) => (Some(Source::Probe), product.product.as_str()),
    })
}

/// The version of a product in an inventory, by how the product is installed.
pub fn version_of<'a>(product: &ReleaseDescription, set: &'a ComponentSet) -> Option<&'a str> {
    let (source, name) = component_of(product)?;
    let found = set.iter().find(|component| {
        component.name == name && source.is_none_or(|source| component.source == source)
    });
    found.map(|component| component.version.as_str())
}

/// A release as a plan approves it, with the release that its packages go back to.
pub fn approved(release: &Release, back: Option<&Release>) -> Result<ApprovedRelease, Failure> {
    let description = release::description(release)?;
    let rollback = match (&description.kind, back) {
        (Kind::Packages(_), Some(back)) => Rollback::Release(Box::new(RollbackRelease {
            path: back.path.clone(),
            release: release::description(back)?,
        })),
        _ => Rollback::None,
    };
    Ok(ApprovedRelease {
        repository: release.repository.clone(),
        path: release.path.clone(),
        sha256: release.sha256,
        length: release.length,
        provenance: release.provenance,
        install_minutes: description.install_minutes,
        recovery_minutes: description.recovery_minutes,
        rollback,
        release: description,
    })
}

/// Allowed time within `range` of every unit of `rows`; an emergency passes the freezes
/// that it names.
pub async fn allowed<'a>(
    view: &mut View,
    rows: impl Iterator<Item = &'a AssignmentLeaf>,
    range: Interval,
    emergency: Option<&Emergency>,
) -> Result<BTreeMap<Name, Vec<Interval>>, Failure> {
    let overridden = emergency.map_or(&[][..], |emergency| &emergency.freezes);
    let mut found = BTreeMap::new();
    for row in rows {
        if !found.contains_key(&row.unit) {
            let openings = allowed::of_unit(view, &row.unit, range, overridden).await?;
            found.insert(row.unit.clone(), openings);
        }
    }
    Ok(found)
}

/// What freezes take of the windows of every unit of `allowed` within `range`, but for those
/// that an emergency overrides.
pub async fn frozen(
    view: &mut View,
    allowed: &BTreeMap<Name, Vec<Interval>>,
    range: Interval,
    emergency: Option<&Emergency>,
) -> Result<BTreeMap<Name, Frozen>, Failure> {
    let overridden = emergency.map_or(&[][..], |emergency| &emergency.freezes);
    let mut found = BTreeMap::new();
    for unit in allowed.keys() {
        if let Some(frozen) = allowed::taken(view, unit, range, overridden).await? {
            found.insert(unit.clone(), frozen);
        }
    }
    Ok(found)
}

/// A plan as it is handed out, and what was read of it.
pub struct Handed {
    /// The plan with the context by which it is judged.
    pub file: PlanFile,
    assigned: Arc<Rows>,
    plans: Vec<Arc<PlanTable>>,
}

impl Handed {
    /// What the plan check finds.
    pub fn findings(&self, now: UtcMs) -> Vec<Finding> {
        let plans = self.plans.iter();
        let known = Known {
            assignments: self.assigned.tables(),
            plans: plans
                .filter_map(|plan| Some((plan.id(), plan.read().ok()?)))
                .collect(),
        };
        check::check_read(&self.file, &known, now)
    }

    /// How many findings block it: with any of them nobody signs it.
    pub fn blocking(&self, now: UtcMs) -> usize {
        let findings = self.findings(now).into_iter();
        let blocking = findings.filter(|finding| finding.severity == Severity::Blocks);
        blocking.count()
    }
}

/// A plan with the context by which it is judged.
pub async fn plan_file(
    app: &App,
    view: &mut View,
    gathered: Gathered,
    plan: Arc<PlanTable>,
    soak_ms: i64,
) -> Result<Handed, Failure> {
    let now = app.now();
    let (approval, leaves) = plan
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let signed = plan.unsigned().signed.clone();
    let signed = with_signatures(view, &plan.id(), signed).await?;
    let products: Vec<&ReleaseDescription> = approval
        .releases
        .iter()
        .map(|release| &release.release)
        .collect();
    let machines: Vec<MachineId> = leaves.iter().map(|leaf| leaf.machine).collect();
    let machines = reported::facts(view, &machines, &products, now).await?;
    let until = approval.expires.max(now.plus_ms(1));
    let range = Interval::new(approval.issued.min(now), until)
        .map_err(|error| Failure::conflict(error.to_string()))?;
    let rows = leaves
        .iter()
        .filter_map(|leaf| gathered.assigned.row(&leaf.machine));
    let openings = allowed(view, rows, range, approval.emergency.as_ref()).await?;
    let metadata = metadata(view, approval).await?;
    let names: Vec<&Name> = products.iter().map(|product| &product.product).collect();
    let measured_minutes = measured_minutes(view, &names).await?;
    let leaves = gathered.assigned.leaves();
    let assignments = gathered.assignments.into_iter().zip(leaves);
    let assignments = assignments.map(|(signed, leaves)| Table { signed, leaves });
    let assignments = assignments.collect();
    // Every other one, named beside it or not: the plan check finds what was signed since
    // it was made.
    let mut others = gathered.tables;
    others.retain(|(_, table)| table.id() != plan.id());
    let filed = |(signed, table): &(Signed<Approval>, Arc<PlanTable>)| Table {
        signed: signed.clone(),
        leaves: table.unsigned().leaves.clone(),
    };
    let beside = others.iter().map(filed).collect();
    let own = (signed, plan);
    let file = PlanFile {
        plan: filed(&own),
        context: Context {
            made: now,
            chain: gathered.held.chain,
            roster: gathered.held.signed_roster,
            assignments,
            openings,
            beside,
            metadata,
            machines,
            measured_minutes,
            soak_ms,
            stated: Some(gathered.stated),
        },
    };
    Ok(Handed {
        file,
        assigned: gathered.assigned,
        plans: others
            .into_iter()
            .chain([own])
            .map(|(_, table)| table)
            .collect(),
    })
}

/// When the metadata of the repositories expires that an approval installs from.
async fn metadata(
    view: &mut View,
    approval: &Approval,
) -> Result<BTreeMap<Name, UtcMs>, StoreError> {
    let mut metadata = BTreeMap::new();
    for release in &approval.releases {
        let files = view.tuf_files(&release.repository).await?;
        if let Some(expires) = metadata_expires(&files) {
            metadata.insert(release.repository.clone(), expires);
        }
    }
    Ok(metadata)
}

/// When the first of a repository's current role files expires.
pub fn metadata_expires(files: &[TufFile]) -> Option<UtcMs> {
    let mut newest: BTreeMap<&str, &TufFile> = BTreeMap::new();
    for file in files {
        let role = file.file.trim_start_matches(|c: char| c.is_ascii_digit());
        let role = role.trim_start_matches('.');
        let known = newest.entry(role).or_insert(file);
        if known.version < file.version {
            *known = file;
        }
    }
    newest
        .values()
        .filter_map(|file| expires(&file.bytes))
        .min()
}

/// When a role file of a repository ends; `None` where it does not say.
pub fn expires(bytes: &[u8]) -> Option<UtcMs> {
    #[derive(serde::Deserialize)]
    struct Outer {
        signed: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        expires: jiff::Timestamp,
    }
    let outer: Outer = serde_json::from_slice(bytes).ok()?;
    Some(UtcMs(outer.signed.expires.as_millisecond()))
}

//! Who needs a release, and what vendors' MDS2 answers let us do there: asked of the index of
//! components in memory, for all releases at once.

use super::enrolled::Enrolled;
use crate::app::App;
use crate::command::mds2::meaning;
use crate::component::need::{Need, is_its_source, need};
use crate::control::{Cell, Failure, Output, Table};
use crate::planning::{self, component_of};
use crate::store::View;
use crate::store::inventory::Numbered;
use crate::store::releases::{Release, ReleaseState};
use patchward_common::component::{Component, Source};
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::{Stated, VendorAllows, VendorPolicy};
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::words::counted;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What is said of a model whose vendor's answers were never taken in.
const NO_ANSWERS: &str = "no answers taken in";

/// What the fleet has of some products.
pub(super) struct Having {
    enrolled: Arc<Enrolled>,
    /// The products' components, in the order of inventories.
    components: Vec<Numbered>,
    /// Who has each, by its number.
    held: HashMap<u32, RoaringBitmap>,
    /// What vendors' answers allow.
    stated: Stated,
}

/// Machines that have the same of a release's product.
pub(super) struct Group<'h> {
    /// How that stands to the release.
    pub(super) need: Need,
    /// What they have.
    has: &'h Component,
    machines: RoaringBitmap,
}

/// How many machines stand how to a release, in the whole hospital.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    /// They need it for certain.
    pub(super) needed: u64,
    /// Nobody can say, because of their version.
    pub(super) unclear: u64,
    /// They have an earlier one, and wait for their vendor.
    pub(super) not_validated: u64,
    /// They have not told whether they have its product.
    pub(super) unknown: u64,
}

/// The machines of a model that need a release.
pub(super) struct OfModel<'h> {
    pub(super) model: &'h Name,
    pub(super) machines: u64,
    pub(super) policy: Option<&'h VendorPolicy>,
}

impl Having {
    /// Reads it for what is described.
    pub(super) async fn read(
        app: &App,
        view: &mut View,
        enrolled: Arc<Enrolled>,
        described: &[&ReleaseDescription],
    ) -> Result<Self, Failure> {
        let mut wanted: BTreeSet<(Source, &str)> = BTreeSet::new();
        for (source, name) in described.iter().filter_map(|one| component_of(one)) {
            let sources = Source::ALL.into_iter();
            let sources = sources.filter(|one| source.is_none_or(|source| source == *one));
            wanted.extend(sources.map(|source| (source, name)));
        }
        let wanted: Vec<(Source, &str)> = wanted.into_iter().collect();
        let mut components = view.components_called(&wanted).await?;
        components.sort_by(|a, b| a.component.cmp(&b.component));
        let numbers = components.iter().map(|one| one.number);
        let held = app.fleet.index(|index| index.held(numbers, None));
        let vendor_policies = match enrolled.placed.is_empty() {
            true => Vec::new(),
            false => planning::policies(view).await?,
        };
        Ok(Self {
            enrolled,
            components,
            held: held.into_iter().collect(),
            stated: Stated {
                vendor_policies,
                ..Stated::default()
            },
        })
    }

    /// The machines that told what they have, on which a release may be installed by their model.
    fn validated(&self, described: &ReleaseDescription) -> RoaringBitmap {
        let may = self.enrolled.told.iter();
        let may = may.filter(|(model, _)| is_validated(described, model));
        may.fold(RoaringBitmap::new(), |all, (_, machines)| all | machines)
    }

    /// What is found of a release's product, and who has it.
    fn found<'h>(
        &'h self,
        described: &ReleaseDescription,
    ) -> impl Iterator<Item = (&'h Component, &'h RoaringBitmap)> {
        let of = component_of(described);
        self.components.iter().filter_map(move |one| {
            let (source, name) = of?;
            let has = &one.component;
            let is_it = has.name == name && source.is_none_or(|source| has.source == source);
            let held = self.held.get(&one.number).filter(|_| is_it)?;
            Some((has, held))
        })
    }

    /// Who does not have a release, by what they have instead. Who has several versions of its
    /// product needs it as the one does that needs it most.
    pub(super) fn groups(&self, described: &ReleaseDescription) -> Vec<Group<'_>> {
        let found = self.found(described);
        let mut found: Vec<_> = found
            .map(|(has, held)| (need(described, has), has, held))
            .collect();
        // What another source calls so says something only where its own says nothing.
        found.sort_by_key(|(need, has, _)| (!is_its_source(described, has.source), rank(need)));
        let validated = self.validated(described);
        let told = self.enrolled.told.values();
        let mut left = told.fold(RoaringBitmap::new(), |all, machines| all | machines);
        let mut groups = Vec::new();
        for (need, has, held) in found {
            let machines = &left & held;
            left -= held;
            let others = &machines - &validated;
            let waits = need.is_certain().then_some((Need::NotValidated, others));
            let own = (need != Need::Not).then_some((need, machines & &validated));
            for (need, machines) in own.into_iter().chain(waits) {
                if !machines.is_empty() {
                    groups.push(Group {
                        need,
                        has,
                        machines,
                    });
                }
            }
        }
        groups
    }

    /// How many machines stand how to a release.
    pub(super) fn sums(&self, described: &ReleaseDescription, groups: &[Group<'_>]) -> Sums {
        let sum = |is_meant: fn(&Need) -> bool| {
            let groups = groups.iter().filter(|group| is_meant(&group.need));
            groups.map(|group| group.machines.len()).sum::<u64>()
        };
        Sums {
            needed: sum(Need::is_certain),
            unclear: sum(|need| *need == Need::Unclear),
            not_validated: sum(|need| *need == Need::NotValidated),
            unknown: self.unknown(described),
        }
    }

    /// How many machines on which it may be installed have not told whether they have its product:
    /// those without an inventory and, of what only a probe finds, without its probe.
    fn unknown(&self, described: &ReleaseDescription) -> u64 {
        let may = self.enrolled.count.iter();
        let may = may.filter(|(model, _)| is_validated(described, model));
        let all: u64 = may.map(|(_, machines)| machines).sum();
        let mut told = self.validated(described);
        if let Some((Some(Source::Probe), _)) = component_of(described) {
            let found = self.found(described);
            told &= found.fold(RoaringBitmap::new(), |all, (_, held)| all | held);
        }
        all.saturating_sub(told.len())
    }

    /// The models of machines that need a product, with what their vendors' answers allow.
    pub(super) fn of_models(&self, product: &Name, groups: &[Group<'_>]) -> Vec<OfModel<'_>> {
        let certain = groups.iter().filter(|group| group.need.is_certain());
        let all = certain.fold(RoaringBitmap::new(), |all, group| all | &group.machines);
        let models = self.enrolled.told.iter().map(|(model, machines)| OfModel {
            model,
            machines: machines.intersection_len(&all),
            policy: self.stated.vendor_policy(model, product),
        });
        models.filter(|one| one.machines > 0).collect()
    }
}

/// Whether a release may be installed on a model.
fn is_validated(described: &ReleaseDescription, model: &Name) -> bool {
    let models = &described.applies_to.models;
    models.is_empty() || models.contains(model)
}

/// Where a need stands among those of one machine's versions, the one that counts first.
fn rank(need: &Need) -> u8 {
    match need {
        Need::Needs | Need::Before(_) | Need::NoWay | Need::NotValidated => 0,
        Need::Unclear => 1,
        Need::Not => 2,
    }
}

/// Whether anybody is asked to have a release.
pub(super) fn is_offered(release: &Release) -> bool {
    release.state == ReleaseState::Available
}

/// What an answer allows, in words.
fn allows(policy: Option<&VendorPolicy>) -> &'static str {
    policy.map_or(NO_ANSWERS, |policy| meaning(policy.allows))
}

/// How many machines stand under which answer: first those without one, then the most lenient.
pub(super) fn allowed(models: &[OfModel<'_>]) -> Cell {
    let mut counts: BTreeMap<(Option<VendorAllows>, &str), u64> = BTreeMap::new();
    for one in models {
        let allows = (one.policy.map(|policy| policy.allows), allows(one.policy));
        *counts.entry(allows).or_default() += one.machines;
    }
    let words = counts.into_iter();
    let words = words.map(|((_, words), count)| format!("{words}: {count}"));
    match words.collect::<Vec<String>>() {
        none if none.is_empty() => Cell::Empty,
        words => Cell::List(words),
    }
}

/// The models of machines that need a release.
pub(super) fn models(models: &[OfModel<'_>]) -> Table {
    let mut table = Table::new(&["model", "machines", "mds2_allows", "because"]);
    for one in models {
        table.row(vec![
            Cell::of(one.model),
            Cell::Number(one.machines.cast_signed()),
            Cell::of(allows(one.policy)),
            Cell::maybe(one.policy.map(|policy| &policy.because)),
        ]);
    }
    table
}

/// Who needs a release, in sentences.
pub(super) fn words(release: &Release, sums: Option<&Sums>) -> String {
    let Some(sums) = sums else {
        let state = release.state.word();
        return format!("It is {state}, so nobody is asked to have it.");
    };
    format!(
        "{} `release needed {} {}` names them.",
        sums.words(),
        release.product,
        release.version
    )
}

impl Sums {
    /// In sentences.
    fn words(&self) -> String {
        let needed = counted(self.needed, "machine needs", "machines need");
        let mut words = format!("In the whole hospital at least {needed} it.");
        if self.unclear > 0 {
            let of = self.unclear;
            words.push_str(&format!(
                " Of {of} more nobody can say, because of their version."
            ));
        }
        let untold = counted(self.unknown, "more has", "more have");
        words.push_str(&format!(
            " {untold} not told: without an inventory, without its probe, or worked by hand."
        ));
        if self.not_validated > 0 {
            let wait = counted(self.not_validated, "machine", "machines");
            words.push_str(&format!(
                " {wait} with an earlier version cannot have it before the vendor validates it \
                 for their model: it is the vendor's move."
            ));
        }
        words
    }
}

/// The machines that need a release, by name.
pub(super) async fn list(
    app: &App,
    enrolled: Arc<Enrolled>,
    release: &Release,
    described: &ReleaseDescription,
) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "machine",
        "unit",
        "model",
        "has",
        "needs",
        "next",
        "mds2_allows",
        "because",
    ]);
    if !is_offered(release) {
        table.note = Some(words(release, None));
        return Ok(Output::Table(table));
    }
    let mut view = app.store.view().await?;
    let having = Having::read(app, &mut view, enrolled, &[described]).await?;
    drop(view);
    let groups = having.groups(described);
    let mut needing: HashMap<MachineId, &Group<'_>> = HashMap::new();
    for group in &groups {
        let ids = app.fleet.index(|index| index.ids(&group.machines));
        needing.extend(ids.into_iter().map(|id| (id, group)));
    }
    for machine in &having.enrolled.placed {
        let Some(group) = needing.get(&machine.id) else {
            continue;
        };
        let policy = having
            .stated
            .vendor_policy(&machine.model, &release.product);
        table.row(vec![
            Cell::of(&machine.name),
            Cell::of(&machine.unit),
            Cell::of(&machine.model),
            Cell::of(&group.has.version),
            Cell::of(group.need.word()),
            Cell::of(group.need.words()),
            Cell::of(allows(policy)),
            Cell::maybe(policy.map(|policy| &policy.because)),
        ]);
    }
    table.note = Some(format!(
        "By what machines say that they have. Whether system, mode, interlock and windows fit as \
         well, `plan new` says; who has not told is not in this list. {}",
        having.sums(described, &groups).words()
    ));
    Ok(Output::Table(table))
}

#[cfg(test)]
mod tests;

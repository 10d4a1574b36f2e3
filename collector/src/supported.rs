//! Which machines and assets have something whose support ends: gathered out of the store
//! and the index.

use crate::component::query::{Pattern, Query};
use crate::component::support::{Due, due, is_meant};
use crate::component::wanted::{Verdict, Wanted};
use crate::facts;
use crate::fleet::{FleetHandle, enrolment};
use crate::mds2::Bearing;
use crate::searching::{Scope, search};
use crate::store::search::Placed;
use crate::store::support::{SupportEnd, SupportKind};
use crate::store::{StoreError, View};
use jiff::civil::Date;
use patchward_common::component::Source;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;
use std::collections::{HashMap, HashSet};

/// A machine or an asset that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// `machine NAME` or `asset TAG`.
    pub name: String,
    /// Its unit.
    pub unit: Option<Name>,
    /// Its class, where it is a machine.
    pub class: Option<Class>,
    /// The version that it has; empty where nobody knows.
    pub version: String,
    /// Why nobody can say whether its version is meant.
    pub unknown: Option<String>,
}

/// An end of support with who is concerned.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The end.
    pub end: SupportEnd,
    /// Its last day.
    pub on: Date,
    /// How it stands.
    pub due: Due,
    /// Who has it, or may have it.
    pub holders: Vec<Holder>,
}

struct Gathering {
    machines: Vec<Placed>,
    /// By machine: `ID` and `VERSION_ID` of its system.
    systems: HashMap<MachineId, (String, String)>,
    /// Model, version, and the holder, of each asset and machine.
    models: Vec<(Name, Holder)>,
}

/// The ends that are over or due within so many days, with who is concerned.
///
/// # Errors
/// Where the store does not answer, or holds a date or a range that is none.
pub async fn endings(
    fleet: &FleetHandle,
    view: &mut View,
    now: UtcMs,
    within_days: i64,
) -> Result<Vec<Ending>, StoreError> {
    let mut dated = Vec::new();
    for end in view.support_ends().await? {
        let on: Date = end
            .ends_on
            .parse()
            .map_err(|_| StoreError::Corrupt(format!("support of {}: a date", end.name)))?;
        match due(on, now) {
            Some(Due::In(days)) if days > within_days => {}
            Some(due) => dated.push((end, on, due)),
            None => {}
        }
    }
    let has = |kind| {
        dated
            .iter()
            .any(|(end, ..): &(SupportEnd, _, _)| end.kind == kind)
    };
    let gathered = Gathering::read(view, has(SupportKind::Os), has(SupportKind::Model)).await?;
    let mut found = Vec::new();
    for (end, on, due) in dated {
        let versions = Wanted::parse(&end.versions)
            .map_err(|why| StoreError::Corrupt(format!("support of {}: {why}", end.name)))?;
        let mut holders = match end.kind {
            SupportKind::Os => gathered.of_system(&end.name, &versions),
            SupportKind::Model => gathered.of_model(&end.name, &versions),
            SupportKind::Product => of_product(fleet, view, &end.name, versions).await?,
        };
        holders.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        found.push(Ending {
            end,
            on,
            due,
            holders,
        });
    }
    Ok(found)
}

/// The ends of support that have to do with a model: its own, for the version of its software
/// that is asked about, and those of what its machines run.
///
/// # Errors
/// Those of [`endings`].
pub async fn bearing_on(
    fleet: &FleetHandle,
    view: &mut View,
    (model, version): (&Name, &str),
    now: UtcMs,
) -> Result<Vec<Bearing>, StoreError> {
    let placed = view.placed_machines(None).await?.into_iter();
    let placed = placed.filter(|machine| machine.model == *model);
    let ours: HashSet<String> = placed.map(|one| format!("machine {}", one.name)).collect();
    let mut found = Vec::new();
    for ending in endings(fleet, view, now, i64::MAX).await? {
        let Ending {
            end,
            on,
            due,
            holders,
        } = ending;
        let is_model = end.kind == SupportKind::Model;
        let unsure = match is_model {
            true if enrolment::to_name(&end.name).as_ref() != Some(model) => continue,
            // It need not be here yet, and counts in the version that is asked about.
            true => {
                let versions = Wanted::parse(&end.versions).map_err(|why| {
                    StoreError::Corrupt(format!("support of {}: {why}", end.name))
                })?;
                match is_meant(&versions, Source::Firmware, Some(version)) {
                    Verdict::In => None,
                    Verdict::Out => continue,
                    Verdict::Unknown(why) => Some(why),
                }
            }
            false => {
                let mut here = holders.into_iter().filter(|one| ours.contains(&one.name));
                let Some(first) = here.next() else { continue };
                // One that has it surely is enough.
                let mut rest = here.map(|one| one.unknown);
                first
                    .unknown
                    .filter(|_| rest.all(|unknown| unknown.is_some()))
            }
        };
        let what = match end.versions.as_str() {
            "*" => end.name,
            versions => format!("{} ({versions})", end.name),
        };
        found.push(Bearing {
            what,
            is_model,
            on,
            due,
            unsure,
        });
    }
    Ok(found)
}

impl Gathering {
    async fn read(view: &mut View, systems: bool, models: bool) -> Result<Self, StoreError> {
        let mut gathered = Self {
            machines: Vec::new(),
            systems: HashMap::new(),
            models: Vec::new(),
        };
        if systems || models {
            gathered.machines = view.placed_machines(None).await?;
        }
        if systems {
            gathered.systems =
                facts::of_all(view, |facts| Some((facts.os_id, facts.os_version))).await?;
        }
        if models {
            gathered.models = all_models(view, &gathered.machines).await?;
        }
        Ok(gathered)
    }

    fn of_system(&self, id: &str, versions: &Wanted) -> Vec<Holder> {
        let machines = self.machines.iter();
        machines
            .filter_map(|machine| match self.systems.get(&machine.id) {
                Some((os, version)) if os == id => {
                    let holder = of_machine(machine, version);
                    judged(holder, versions, Source::Probe)
                }
                Some((os, _)) if !os.is_empty() => None,
                _ => Some(Holder {
                    unknown: Some("which system it runs is not known".to_owned()),
                    ..of_machine(machine, "")
                }),
            })
            .collect()
    }

    fn of_model(&self, model: &str, versions: &Wanted) -> Vec<Holder> {
        let model = enrolment::to_name(model);
        let models = self.models.iter();
        let models = models.filter(|(one, _)| Some(one) == model.as_ref());
        models
            .filter_map(|(_, holder)| judged(holder.clone(), versions, Source::Firmware))
            .collect()
    }
}

fn of_machine(machine: &Placed, version: &str) -> Holder {
    Holder {
        name: format!("machine {}", machine.name),
        unit: Some(machine.unit.clone()),
        class: Some(machine.class),
        version: version.to_owned(),
        unknown: None,
    }
}

/// The holder where its version is meant, or may be.
fn judged(holder: Holder, versions: &Wanted, source: Source) -> Option<Holder> {
    match is_meant(versions, source, Some(&holder.version)) {
        Verdict::In => Some(holder),
        Verdict::Out => None,
        Verdict::Unknown(why) => Some(Holder {
            unknown: Some(why),
            ..holder
        }),
    }
}

/// Machines with the version of the asset that they are, and assets that are no machine.
async fn all_models(
    view: &mut View,
    machines: &[Placed],
) -> Result<Vec<(Name, Holder)>, StoreError> {
    let mut of_machines: HashMap<MachineId, String> = HashMap::new();
    let mut found = Vec::new();
    for asset in view.all_assets().await? {
        if asset.life_cycle.is_away() {
            continue;
        }
        if let Some(machine) = asset.machine {
            of_machines.insert(machine, asset.software_version);
        } else if let Some(model) = enrolment::to_name(&asset.model) {
            let holder = Holder {
                name: format!("asset {}", asset.tag),
                unit: asset.unit,
                class: None,
                version: asset.software_version,
                unknown: None,
            };
            found.push((model, holder));
        }
    }
    found.extend(machines.iter().map(|machine| {
        let version = of_machines.get(&machine.id).map_or("", String::as_str);
        (machine.model.clone(), of_machine(machine, version))
    }));
    Ok(found)
}

async fn of_product(
    fleet: &FleetHandle,
    view: &mut View,
    name: &str,
    wanted: Wanted,
) -> Result<Vec<Holder>, StoreError> {
    let query = Query {
        name: Pattern::Exactly(name.to_owned()),
        sources: wanted.sources().to_vec(),
        wanted,
        arch: None,
        note: None,
    };
    let found = search(fleet, view, &query, &Scope::default()).await?;
    let each = found.having.iter().flat_map(|one| {
        let machines = one.machines.iter();
        machines.map(|at| Holder {
            unknown: one.unknown.clone(),
            ..of_machine(&found.machines[*at], &one.component.version)
        })
    });
    let mut holders: Vec<Holder> = each.collect();
    holders.dedup();
    Ok(holders)
}

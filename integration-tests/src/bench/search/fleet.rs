//! The fleet that is searched: images of which one in twenty differs.

use crate::bench::report::clock;
use crate::filled::enrol::{enrol as enrolled, id, token};
use crate::fixture::{Hospital, label, name};
use patchward_collector::fleet::{
    self, Authorities, Authority, FleetContext, FleetHandle, FleetSettings,
};
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::places::{Site, Unit};
use patchward_collector::store::{Actor, Place, Store};
use patchward_collector::vendor::artifact::Artifacts;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use roaring::RoaringBitmap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

pub(super) const MACHINES: usize = 50_000;
pub(super) const PER_UNIT: usize = 100;
pub(super) const COMPONENTS: u32 = 2_000;
/// 5 % of the machines.
pub(super) const DISTINCT: usize = MACHINES / 20;
/// Versions that are asked for; there are twice as many.
pub(super) const VERSIONS: u32 = 30;
/// Components that differ between images, of those of a machine.
const DIFFERENT: u32 = 200;
/// Machines of one transaction.
const AT_ONCE: usize = 1_000;
/// When everything happens.
const NOW: UtcMs = UtcMs(1_798_761_600_000);

pub(super) fn machine(number: usize) -> MachineId {
    id(&[&number.to_le_bytes()])
}

pub(super) fn unit(number: usize) -> String {
    format!("unit-{number}")
}

/// Components and versions of one image: the first is the one that is asked for.
fn versions(image: usize) -> impl Iterator<Item = (u32, u32)> {
    let image = u32::try_from(image).unwrap_or_default();
    (0..COMPONENTS).map(move |component| {
        let version = match component {
            0 => image % (2 * VERSIONS),
            1..=DIFFERENT => (image * 31 + component * 17) % 60,
            _ => 0,
        };
        (component, version + 1)
    })
}

/// The numbers of an image's components, near one another as the store gives them out:
/// what all images have stands together, since the first of them brought it.
pub(super) fn members(image: usize) -> RoaringBitmap {
    let number = |(component, version)| match component {
        0..=DIFFERENT => component * 60 + version,
        _ => DIFFERENT * 60 + 60 + component,
    };
    versions(image).map(number).collect()
}

/// The numbers of the versions that are asked for.
pub(super) fn wanted() -> Vec<u32> {
    (1..=VERSIONS).collect()
}

fn set(image: usize) -> anyhow::Result<ComponentSet> {
    let list = versions(image).map(|(component, version)| Component {
        source: Source::Deb,
        name: format!("component-{component:04}"),
        version: version.to_string(),
        arch: "amd64".into(),
    });
    Ok(ComponentSet::new(list.collect())?)
}

/// What it cost to store the fleet.
pub(super) struct Filled {
    /// New inventories a second.
    pub(super) new: f64,
    /// Inventories a second that some machine reported before.
    pub(super) known: f64,
    /// Bytes of the database for each machine, with all that it has of it.
    pub(super) bytes: f64,
}

/// A store with the fleet in it, the fleet that has its index, and what storing it cost.
pub(super) async fn collector(folder: &Path) -> anyhow::Result<(Store, FleetHandle, Filled)> {
    let path = folder.join("collector.sqlite");
    let place = Place::Sqlite {
        path: path.clone(),
        max_pages: None,
    };
    let store = Store::create(&place).await?;
    places(&store).await?;
    for first in (0..MACHINES).step_by(AT_ONCE) {
        enrol(&store, first).await?;
    }
    let sets: Vec<ComponentSet> = (0..DISTINCT).map(set).collect::<anyhow::Result<_>>()?;
    let new = record(&store, &sets, 0..DISTINCT).await?;
    let known = record(&store, &sets, DISTINCT..MACHINES).await?;
    let bytes = std::fs::metadata(&path)?.len() as f64 / MACHINES as f64;
    let filled = Filled { new, known, bytes };
    let authority = folder.join("ca");
    std::fs::create_dir_all(&authority)?;
    Authority::init(&authority, &name("collector"), NOW)?;
    let artifacts = Artifacts::in_folder(&folder.join("artifacts"))?;
    let context = FleetContext {
        store: store.clone(),
        authorities: Authorities::open(&authority)?,
        go_key: Hospital::new(1, NOW).go_key,
        artifacts: artifacts.object_store(),
        clock: Arc::new(|| NOW),
        settings: FleetSettings::default(),
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let handle = fleet::serve(context, any).await?;
    Ok((store, handle, filled))
}

/// Records inventories, so many at once as machines come after an update, each answered when
/// it is on disk: how many a second.
async fn record(
    store: &Store,
    sets: &[ComponentSet],
    machines: Range<usize>,
) -> anyhow::Result<f64> {
    let (count, begun) = (machines.len(), clock());
    let next = Arc::new(AtomicUsize::new(machines.start));
    let sets: Arc<[ComponentSet]> = sets.into();
    let mut lanes = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, next, sets) = (store.clone(), next.clone(), sets.clone());
        let end = machines.end;
        lanes.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return anyhow::Ok(());
                }
                let set = &sets[number % DISTINCT];
                store.record_inventory(&machine(number), set, NOW).await?;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

async fn places(store: &Store) -> anyhow::Result<()> {
    let mut change = store.change(Actor::Local(0), NOW).await?;
    let site = Site {
        name: name("main"),
        title: label("Main building"),
    };
    change.add_site(&site).await?;
    for number in 0..MACHINES / PER_UNIT {
        let unit = Unit {
            name: name(&unit(number)),
            site: name("main"),
            title: label("A unit"),
            class: Class::Standard,
        };
        change.add_unit(&unit).await?;
    }
    change.add_token(&token(&name(&unit(0)), NOW)).await?;
    change.commit().await?;
    Ok(())
}

async fn enrol(store: &Store, first: usize) -> anyhow::Result<()> {
    let mut change = store.change(Actor::Local(0), NOW).await?;
    for number in first..first + AT_ONCE {
        let new = NewMachine {
            id: machine(number),
            name: name(&format!("pc-{number}")),
            unit: name(&unit(number / PER_UNIT)),
            class: Class::Standard,
            model: name("station"),
            mode: Mode::Observe,
        };
        enrolled(&mut change, &new).await?;
    }
    change.commit().await?;
    Ok(())
}
